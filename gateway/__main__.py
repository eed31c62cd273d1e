"""`python -m gateway` serves the gateway."""

from gateway.server import serve
from gateway.settings import GatewaySettings

if __name__ == "__main__":
    serve(GatewaySettings.load())
