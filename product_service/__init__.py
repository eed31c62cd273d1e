"""The catalogue: products, categories, search, stock and reservations."""

from product_service.app import create_app

__all__ = ["create_app"]
