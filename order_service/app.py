"""The orders put together."""

from flask import Flask

from chassis import events, failpoints, worker
from chassis.app import assemble
from chassis.peers import Peer
from order_service import models  # noqa: F401 - its tables are what migrations compare with
from order_service.adapters import payments
from order_service.adapters.catalogue import HttpCatalogue
from order_service.api import v1, visitor
from order_service.api.cart import cart
from order_service.api.orders import orders, settle
from order_service.api.refusals import REFUSALS
from order_service.api.webhooks import webhooks
from order_service.cli import orders as commands
from order_service.domain.failpoints import FAILPOINTS
from order_service.domain.saga import Saga
from order_service.listeners import LISTENERS
from order_service.pages import cart as cart_pages
from order_service.pages import checkout as checkout_pages
from order_service.pages import orders as order_pages
from order_service.settings import OrderSettings
from order_service.worker import jobs


def create_app(settings: OrderSettings | None = None) -> Flask:
    """The order service."""
    settings = settings or OrderSettings.load()
    app = assemble(
        "order_service",
        settings,
        routes=[cart, orders, webhooks, cart_pages.cart, checkout_pages.routes, order_pages.orders],
        first_api=[v1.routes],
        refusals=REFUSALS,
    )
    app.after_request(visitor.remember)
    app.context_processor(lambda: {"cart_count": visitor.cart_count})
    catalogue = HttpCatalogue(Peer("catalogue", settings.product_url, settings.service_token.get_secret_value()))
    provider = payments.connect(settings)
    app.extensions |= {
        "catalogue": catalogue,
        "payments": provider,
        "saga": Saga(catalogue, provider, settle),
    }
    events.install(app, LISTENERS)
    worker.install(app, jobs(app))
    app.cli.add_command(commands)
    failpoints.arm(settings.failpoint, FAILPOINTS)
    return app
