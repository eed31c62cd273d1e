"""`python -m order_service` serves the orders."""

from chassis.server import serve
from order_service.settings import OrderSettings

serve("order_service", OrderSettings.load())
