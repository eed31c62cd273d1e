"""`python -m product_service` serves the catalogue."""

from chassis.server import serve
from product_service.settings import ProductSettings

if __name__ == "__main__":
    serve("product_service", ProductSettings.load())
