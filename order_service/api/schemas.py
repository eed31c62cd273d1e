"""What the orders take and show."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from babel import Locale
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel, StringConstraints, WithJsonSchema

from chassis.money import Money, money
from chassis.paging import PageQuery
from chassis.schemas import Body, Line, Moment, OneLine, View
from order_service.domain.carts import MOST_OF_ONE
from order_service.domain.orders import Status
from order_service.domain.pricing import Basket, Notice
from order_service.models import Order

NO_COUNTRIES = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ"}
COUNTRIES = {
    code: name
    for code, name in sorted(Locale("en").territories.items(), key=lambda pair: pair[1])
    if len(code) == 2 and code.isalpha() and code not in NO_COUNTRIES
}


def _country(code: str) -> str:
    if code not in COUNTRIES:
        raise ValueError("must be an ISO 3166 country code of two letters")
    return code


Country = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_upper=True),
    AfterValidator(_country),
    WithJsonSchema({"type": "string", "enum": sorted(COUNTRIES)}),
]
"""A country by its ISO 3166-1 alpha-2 code."""

City = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), OneLine]
PostalCode = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20), OneLine]
PaymentToken = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_]{1,255}$")]


class Quantity(Body):
    """How many."""

    quantity: int = Field(ge=1, le=MOST_OF_ONE)


class Payment(Body):
    """How it is paid: a card, by the provider's token for it."""

    method: Literal["card"]
    token: PaymentToken


class Address(Body):
    """Where the goods go."""

    name: Line
    line1: Line
    line2: Line | None = None
    city: City
    postal_code: PostalCode
    country: Country


class NewOrder(Body):
    """What it takes to make an order of a cart; `expected_total` refuses any other total."""

    payment: Payment
    shipping_address: Address
    expected_total: Money | None = None


class Fulfilment(Body):
    """That an order was sent, or has arrived."""

    status: Literal["shipped", "delivered"]
    tracking: Line | None = None


class OrdersQuery(PageQuery):
    """Which orders."""

    status: Status | None = None


class Sum(BaseModel):
    """An amount of money in integer minor units."""

    amount: int
    currency: Literal["USD"] = "USD"


class ItemView(View):
    """One line."""

    slug: str
    name: str
    quantity: int
    unit_price: Sum
    line_total: Sum


class WarningView(View):
    """Something that the customer should know.

    `not-enough`, `gone` or `price-changed` of one product, `catalogue-unavailable`, or `no-room`: a cart holds so many
    products, and so many of each, and what a guest chose of `slugs` beyond that waits until there is room.
    """

    code: str
    message: str
    slug: str | None
    slugs: list[str] | None = None
    available: int | None = None
    previous_price: Sum | None = None


class CartView(View):
    """A cart, priced."""

    items: list[ItemView]
    subtotal: Sum
    discount: Sum
    total: Sum
    warnings: list[WarningView]


class AddressView(View):
    """Where the goods go."""

    name: str
    line1: str
    line2: str | None
    city: str
    postal_code: str
    country: str


class PaymentView(View):
    """What became of the payment: `pending`, `paid`, `declined`, `refunding`, `refunded`, or `none` where none was."""

    status: str
    provider: str | None
    reference: str | None


class HistoryView(View):
    """When the order came to a status."""

    status: Status
    at: Moment


class OrderView(View):
    """An order."""

    id: str
    number: str
    status: Status
    reason: str | None
    items: list[ItemView]
    subtotal: Sum
    discount: Sum
    total: Sum
    shipping_address: AddressView | None
    payment: PaymentView
    tracking: str | None
    history: list[HistoryView]
    user_id: int
    created_at: Moment


class FirstItem(BaseModel):
    """So many of a product, as the tutorial's client asks for it."""

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)

    product_id: int = Field(ge=1, le=2**63 - 1)
    qty: int = Field(ge=1, le=MOST_OF_ONE)


class FirstItemView(View):
    """So many of a product, by its id."""

    product: int
    quantity: int


class FirstOrderView(View):
    """An order as the tutorial's API shows it; the open one is the cart."""

    items: list[FirstItemView]
    is_open: bool
    user_id: int


class FirstOrderShown(View):
    """What the tutorial's API says of one order."""

    result: FirstOrderView


class FirstOrderOrNone(View):
    """What the tutorial's API says of the open order, if there is one."""

    result: FirstOrderView | None = None
    message: str | None = None


class FirstOrders(RootModel[list[FirstOrderView]]):
    """Orders, as a bare array."""


def first_document(items: Iterable[Any], user_id: int, is_open: bool) -> dict[str, Any]:
    """An order as the tutorial's API shows it."""
    lines = [{"product": item.product_id, "quantity": item.quantity} for item in items]
    return {"items": lines, "is_open": is_open, "user_id": user_id}


def cart_document(basket: Basket) -> dict[str, Any]:
    """A cart as it stands on the wire."""
    return {
        "items": [_line(item) for item in basket.items],
        "subtotal": money(basket.totals.subtotal),
        "discount": money(basket.totals.discount),
        "total": money(basket.totals.total),
        "warnings": [_warning(warning) for warning in basket.warnings],
    }


def order_document(order: Order) -> dict[str, Any]:
    """An order as it stands on the wire."""
    payment = {"status": order.payment_status, "provider": order.payment_provider, "reference": order.payment_reference}
    return {
        "id": order.id,
        "number": order.number,
        "status": order.status,
        "reason": order.reason if order.status == Status.REJECTED else None,
        "items": [_line(item) for item in order.items],
        "subtotal": money(order.subtotal),
        "discount": money(order.discount),
        "total": money(order.total),
        "shipping_address": order.shipping_address,
        "payment": payment,
        "tracking": order.tracking,
        "history": [{"status": entry.status, "at": entry.at} for entry in order.history],
        "user_id": order.user_id,
        "created_at": order.created_at,
    }


def _line(item: Any) -> dict[str, Any]:
    return {
        "slug": item.slug,
        "name": item.name,
        "quantity": item.quantity,
        "unit_price": money(item.unit_price),
        "line_total": money(item.line_total),
    }


def _warning(warning: Notice) -> dict[str, Any]:
    facts = dict(warning.facts)
    if "previous_price" in facts:
        facts["previous_price"] = money(facts["previous_price"])
    return {"code": warning.code, "message": warning.message, "slug": warning.slug, **facts}
