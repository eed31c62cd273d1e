"""Checkout: an order is made of the customer's cart, for the saga to bring it to its end."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from uuid_utils import uuid7

from chassis import requestlog
from chassis.database import db, now
from chassis.money import CURRENCY
from chassis.problems import Refusal
from order_service.domain import carts, membership, orders, pricing
from order_service.domain.carts import Owner
from order_service.domain.failpoints import save
from order_service.domain.orders import Status, Step
from order_service.domain.payment import PROVIDER, UnknownPaymentToken
from order_service.domain.stock import OutOfStock
from order_service.models import HistoryEntry, Order, OrderItem


class EmptyCart(Refusal):
    """There is nothing in the cart to check out."""

    detail = "The cart is empty."


class CheckoutUnderWay(Refusal):
    """An order is being made of this cart already, or has been by the same form."""

    detail = "This cart is being checked out already."


class PaymentDeclined(Refusal):
    """The customer's bank said no."""

    detail = "The payment was declined; nothing was charged."


class PriceChanged(Refusal):
    """The order would cost something else than the customer was told."""

    detail = "The prices have changed; look at the cart again. Nothing was charged."


class TotalTooLarge(Refusal):
    """No card pays this much at once."""

    detail = "The order's total is more than can be paid at once."


REASONS: Mapping[str, type[Refusal]] = {
    "out-of-stock": OutOfStock,
    "payment-declined": PaymentDeclined,
    "price-changed": PriceChanged,
    "total-too-large": TotalTooLarge,
    "unknown-payment-token": UnknownPaymentToken,
}


def place(
    owner: Owner,
    payment_token: str,
    shipping_address: dict[str, Any] | None,
    *,
    expected_total: int | None = None,
    claim: str | None = None,
    form_key: str | None = None,
) -> Order:
    """Write down the order that the user's cart is to become, from the prices that were last shown; commits.

    `claim` is the idempotency key whose answer the order's end is. Raises EmptyCart, CheckoutUnderWay.
    """
    assert owner.user_id is not None
    cart = carts.open_for(owner)
    lines = carts.lines(owner)
    if not lines:
        raise EmptyCart
    order_id, moment, (request_id, traceparent) = str(uuid7()), now(), requestlog.correlation()
    if _made_with(form_key) or not carts.bind(cart, order_id):
        raise CheckoutUnderWay
    percent = membership.discount_percent(owner.user_id)
    totals = pricing.totals(((line.quantity, line.unit_price) for line in lines), percent)
    order = Order(
        id=order_id,
        number=orders.new_number(moment),
        user_id=owner.user_id,
        cart_id=cart.id,
        status=Status.PENDING,
        reason=None,
        short_lines=None,
        subtotal=totals.subtotal,
        discount=totals.discount,
        total=totals.total,
        discount_percent=percent,
        expected_total=expected_total,
        shipping_address=shipping_address,
        tracking=None,
        payment_token=payment_token,
        payment_status="pending",
        payment_provider=PROVIDER,
        payment_reference=None,
        reservation_id=None,
        reservation_round=1,
        step=Step.RESERVE,
        attempts=0,
        due_at=moment,
        leased_until=moment + orders.LEASE,
        claim=claim,
        form_key=form_key,
        request_id=request_id,
        traceparent=traceparent,
        created_at=moment,
        updated_at=moment,
        items=[_item(position, line) for position, line in enumerate(lines)],
        history=[HistoryEntry(status=Status.PENDING, at=moment)],
    )
    db.session.add(order)
    db.session.flush()
    orders.note(order_id, "placed", f"{len(lines)} lines, {totals.total} {CURRENCY}")
    save("placed")
    return order


def placed_with(form_key: str) -> Order | None:
    """The order that a page's form has made, if it was sent before."""
    order_id = _made_with(form_key)
    db.session.commit()
    return orders.read(order_id) if order_id else None


def refusal(order: Order) -> Refusal:
    """The refusal with which a rejected order ended."""
    extras: dict[str, Any] = {"order_id": order.id}
    if order.short_lines:
        extras["lines"] = order.short_lines
    return REASONS[order.reason or ""](**extras)


def _made_with(form_key: str | None) -> str | None:
    made = sa.select(Order.id).where(Order.form_key == form_key)
    return db.session.scalars(made).one_or_none() if form_key else None


def _item(position: int, line: Any) -> OrderItem:
    return OrderItem(
        position=position,
        slug=line.slug,
        product_id=line.product_id,
        name=line.name,
        quantity=line.quantity,
        unit_price=line.unit_price,
    )
