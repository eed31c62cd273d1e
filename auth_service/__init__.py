"""Accounts: who one is, how one proves it, and where one is signed in."""

from auth_service.app import create_app

__all__ = ["create_app"]
