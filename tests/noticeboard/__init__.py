"""The smallest service: a board of notices, built on the chassis as all services are, for the chassis' own tests."""

from tests.noticeboard.app import create_app

__all__ = ["create_app"]
