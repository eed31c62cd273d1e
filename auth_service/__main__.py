"""`python -m auth_service` serves the accounts."""

from auth_service.settings import AuthSettings
from chassis.server import serve

if __name__ == "__main__":
    serve("auth_service", AuthSettings.load())
