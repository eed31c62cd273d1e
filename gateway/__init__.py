"""The gateway: the whole shop under one origin."""

from gateway.app import create_app

__all__ = ["create_app"]
