"""The catalogue put together."""

import structlog
from flask import Flask

from chassis import events, worker
from chassis.app import assemble
from product_service import models  # noqa: F401 - its tables are what migrations compare with
from product_service.api import v1
from product_service.api.categories import categories
from product_service.api.facets import facets
from product_service.api.internal import internal
from product_service.api.products import WINDOW, products
from product_service.api.refusals import REFUSALS
from product_service.api.reservations import reservations
from product_service.api.stock import stock
from product_service.api.suggestions import suggestions
from product_service.cli import catalog
from product_service.cli import stock as stock_commands
from product_service.domain import catalogue
from product_service.domain.rush import Rush
from product_service.pages.goods import goods
from product_service.pages.imports import imports
from product_service.pages.pictures import pictures
from product_service.pages.shelves import shelves
from product_service.pages.stockroom import stockroom
from product_service.settings import ProductSettings
from product_service.worker import jobs

log = structlog.get_logger()


def create_app(settings: ProductSettings | None = None) -> Flask:
    """The product service."""
    settings = settings or ProductSettings.load()
    app = assemble(
        "product_service",
        settings,
        routes=[
            products,
            suggestions,
            facets,
            categories,
            stock,
            reservations,
            internal,
            shelves,
            pictures,
            imports,
            goods,
            stockroom,
        ],
        first_api=[v1.products],
        refusals=REFUSALS,
        known_departments=catalogue.category_names,
        windows=[WINDOW],
    )
    app.extensions["rush"] = Rush()
    events.install(app)
    worker.install(app, jobs(app))
    app.cli.add_command(catalog)
    app.cli.add_command(stock_commands)
    if settings.catalog_writes == "open":
        log.warning("catalogue open to writes without a token", variable="CATALOG_WRITES")
    return app
