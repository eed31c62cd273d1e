"""`python -m order_service.sandbox` plays the payment provider."""

from chassis.server import serve
from order_service.sandbox.settings import SandboxSettings

if __name__ == "__main__":
    serve("order_service.sandbox", SandboxSettings.load())
