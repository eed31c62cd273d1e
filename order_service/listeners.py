"""What the orders do about what others tell."""

from chassis.envelope import Event
from order_service.domain import carts


def on_product_changed(event: Event) -> None:
    """Call a product by its new name in the carts where it lies; its price is asked for whenever a cart is shown."""
    carts.rename(event.data["id"], event.data["name"], event.occurred_at)


LISTENERS = {"product.changed": on_product_changed}
