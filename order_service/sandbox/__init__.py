"""The payment sandbox: a process that speaks a subset of Stripe's API and moves no money."""

from order_service.sandbox.app import create_app

__all__ = ["create_app"]
