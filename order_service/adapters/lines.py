"""This application's lines to the catalogue and the payment provider, and the saga that goes by both."""

from flask import current_app

from order_service.domain.payment import Payments
from order_service.domain.saga import Saga
from order_service.domain.stock import Catalogue


def catalogue() -> Catalogue:
    """This application's line to the catalogue."""
    line: Catalogue = current_app.extensions["catalogue"]
    return line


def payments() -> Payments:
    """This application's line to the payment provider."""
    line: Payments = current_app.extensions["payments"]
    return line


def saga() -> Saga:
    """What brings this application's orders to their end."""
    found: Saga = current_app.extensions["saga"]
    return found
