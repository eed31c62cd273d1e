"""The orders of the shop: carts, checkout that never lies, and what became of every order."""

from order_service.app import create_app

__all__ = ["create_app"]
