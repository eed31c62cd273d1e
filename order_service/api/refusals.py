"""What the orders refuse, as HTTP says it."""

from chassis.problems import Refusals
from order_service.domain.baskets import UnknownProduct
from order_service.domain.carts import CartFull
from order_service.domain.checkout import CheckoutUnderWay, EmptyCart, PaymentDeclined, PriceChanged, TotalTooLarge
from order_service.domain.orders import OrderNotFound, Overtaken, WrongStatus
from order_service.domain.payment import BadSignature, UnknownPaymentToken
from order_service.domain.stock import OutOfStock

REFUSALS: Refusals = {
    BadSignature: (400, "bad-signature"),
    PaymentDeclined: (402, "payment-declined"),
    OrderNotFound: (404, "not-found"),
    UnknownProduct: (404, "unknown-product"),
    CartFull: (409, "cart-full"),
    CheckoutUnderWay: (409, "checkout-under-way"),
    EmptyCart: (409, "empty-cart"),
    OutOfStock: (409, "out-of-stock"),
    Overtaken: (409, "conflict"),
    PriceChanged: (409, "price-changed"),
    WrongStatus: (409, "wrong-status"),
    TotalTooLarge: (409, "total-too-large"),
    UnknownPaymentToken: (422, "unknown-payment-token"),
}
