"""Carts: a guest's or a user's, and how the one joins the other."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, sqlite

from chassis.database import db, now, reader, rows_changed, writes
from chassis.problems import Refusal
from order_service.domain.stock import Product
from order_service.models import Cart, CartLine, OrderItem

MOST_OF_ONE = 999
MOST_LINES = 100
GUESTS_KEPT = timedelta(days=30)


class CartFull(Refusal):
    """There are as many different products in the cart as it holds."""

    detail = f"A cart holds {MOST_LINES} different products."


@dataclass(frozen=True)
class Owner:
    """Whose cart: a user's, a guest's, or, just after signing in, one user's with what he chose as a guest."""

    user_id: int | None = None
    guest: str | None = None

    @property
    def is_nobody(self) -> bool:
        """Is there no cart to look for yet?"""
        return self.user_id is None and self.guest is None


def digest(key: str) -> str:
    """What is kept of a guest's key."""
    return hashlib.sha256(key.encode()).hexdigest()


def lines(owner: Owner) -> Sequence[CartLine]:
    """What lies in the cart, in the order in which it was put there; a guest's cart joins the user's first."""
    take_in(owner)
    cart = _find(owner)
    return _lines(cart.id) if cart else []


def take_in(owner: Owner) -> Counter[str]:
    """Have the guest's cart join the user's if there is room for any of it; returns what `join` does."""
    if not _can_join(owner):
        return Counter()
    db.session.rollback()
    writes()
    return join(owner)


def waiting(owner: Owner) -> Sequence[CartLine]:
    """What a user chose as a guest that the user's cart has no room for: it stays the guest's until there is some."""
    guest = _guests(owner)
    return _lines(guest.id) if guest else []


def count(owner: Owner) -> int:
    """How many things lie in the user's cart and, until they are joined, in the guest's, if there is room for more."""
    named = {Cart.user_id: owner.user_id, Cart.guest: owner.guest}
    theirs = sa.or_(sa.false(), *(column == value for column, value in named.items() if value is not None))
    many = sa.select(Cart.user_id, sa.func.sum(CartLine.quantity), sa.func.count()).join(CartLine).where(theirs)
    held = {user_id: (int(things), lines) for user_id, things, lines in db.session.execute(many.group_by(Cart.id))}
    mine, lines = held.pop(owner.user_id, (0, 0))
    return mine if lines >= MOST_LINES else mine + sum(things for things, _ in held.values())


def exists(guest: str) -> bool:
    """Is there a cart of this guest's?"""
    return bool(reader.execute(sa.select(Cart.id).where(Cart.guest == guest)))


def open_for(owner: Owner) -> Cart:
    """The owner's cart, made if need be and locked until the transaction ends."""
    join(owner)
    column, value = ("user_id", owner.user_id) if owner.user_id is not None else ("guest", owner.guest)
    # On MySQL an insert that fails leaves a shared lock, and two of those are a deadlock; this one does not fail.
    row = {column: value, "touched_at": now()}
    if db.session.get_bind().dialect.name == "mysql":
        db.session.execute(mysql.insert(Cart).values(row).on_duplicate_key_update(touched_at=now()))
    else:
        insert = sqlite.insert(Cart).values(row)
        db.session.execute(insert.on_conflict_do_update(index_elements=[column], set_={"touched_at": now()}))
    return db.session.scalars(sa.select(Cart).where(getattr(Cart, column) == value)).one()


def put(owner: Owner, product: Product, quantity: int) -> None:
    """Have so many of a product in the cart."""
    _put(open_for(owner), product, lambda _: quantity)


def add(owner: Owner, product: Product, quantity: int) -> int:
    """Put so many more of a product into the cart, up to what one line holds; returns how many were too many."""
    before = _put(open_for(owner), product, lambda held: min(held + quantity, MOST_OF_ONE))
    return max(before + quantity - MOST_OF_ONE, 0)


def remove(owner: Owner, slug: str) -> None:
    """Take a product out of the cart."""
    for cart in _locked(owner):
        db.session.execute(sa.delete(CartLine).where(CartLine.cart_id == cart.id, CartLine.slug == slug))


def clear(owner: Owner) -> None:
    """Empty the cart, also of what waits for room in it."""
    for cart in _locked(owner):
        db.session.execute(sa.delete(CartLine).where(CartLine.cart_id == cart.id))


def join(owner: Owner) -> Counter[str]:
    """Move what a user chose as a guest into the user's cart, each line once, as far as there is room for it.

    Returns how many of which product were more than one line holds, and are left out.
    """
    left_out: Counter[str] = Counter()
    guest = _guests(owner)
    if guest is None or rows_changed(_touch(guest)) != 1:  # another request has locked it first, and has moved it all
        return left_out
    cart = open_for(Owner(user_id=owner.user_id))
    held = {line.slug: line for line in _lines(cart.id)}
    for line in _lines(guest.id):
        if line.slug in held:
            both = held[line.slug].quantity + line.quantity
            held[line.slug].quantity = min(both, MOST_OF_ONE)
            left_out[line.slug] = max(both - MOST_OF_ONE, 0)
            db.session.delete(line)
        elif len(held) < MOST_LINES:
            line.cart_id, line.added_at = cart.id, now()
            held[line.slug] = line
    db.session.flush()
    if not _lines(guest.id):
        db.session.execute(sa.delete(Cart).where(Cart.id == guest.id))
    return left_out


def remember_shown(products: Iterable[Product], shown: Sequence[CartLine]) -> None:
    """Keep the names and prices that the customer is shown now; a purchase is made from them when all else is away."""
    known = {product.slug: product for product in products}
    cart = sa.select(Cart.id).where(Cart.id.in_({line.cart_id for line in shown}))
    db.session.execute(cart.with_for_update())  # before its lines, as whoever changes them does
    for line in sorted(shown, key=lambda line: line.slug):  # as `take_bought` does, so that neither waits for the other
        product = known.get(line.slug)
        if product and (product.price, product.name, product.id) != (line.unit_price, line.name, line.product_id):
            fresh = {"unit_price": product.price, "name": product.name, "product_id": product.id, "shown_at": now()}
            same = (CartLine.cart_id == line.cart_id, CartLine.slug == line.slug)
            db.session.execute(sa.update(CartLine).where(*same).values(fresh))


def bind(cart: Cart, order_id: str) -> bool:
    """Make this order the only one that is being made of the cart; False when there is another already."""
    free = sa.update(Cart).where(Cart.id == cart.id, Cart.order_id.is_(None))
    return rows_changed(free.values(order_id=order_id)) > 0


def let_go(cart_id: int, order_id: str) -> None:
    """The order has come to nothing: the cart is free for the next one, with all that is in it."""
    db.session.execute(sa.update(Cart).where(Cart.id == cart_id, Cart.order_id == order_id).values(order_id=None))


def take_bought(cart_id: int, order_id: str, bought: Iterable[OrderItem]) -> None:
    """Take out of the cart what has been bought; what was put in meanwhile stays."""
    let_go(cart_id, order_id)
    for item in sorted(bought, key=lambda item: item.slug):
        line = (CartLine.cart_id == cart_id, CartLine.slug == item.slug)
        db.session.execute(sa.delete(CartLine).where(*line, CartLine.quantity <= item.quantity))
        db.session.execute(sa.update(CartLine).where(*line).values(quantity=CartLine.quantity - item.quantity))


def expire_guests(limit: int = 500) -> int:
    """Drop the carts of guests who have not come back, at most `limit`; returns how many. The caller commits."""
    old = (Cart.user_id.is_(None), Cart.touched_at < now() - GUESTS_KEPT)
    ids = db.session.scalars(sa.select(Cart.id).where(*old).limit(limit)).all()
    return rows_changed(sa.delete(Cart).where(Cart.id.in_(ids), *old))  # one may have been touched meanwhile


def rename(product_id: int, name: str, at: datetime) -> None:
    """Call a product by its new name in every cart where it lies."""
    stale = (CartLine.product_id == product_id, CartLine.shown_at < at)
    db.session.execute(sa.update(CartLine).where(*stale).values(name=name))


def _find(owner: Owner) -> Cart | None:
    if owner.is_nobody:
        return None
    mine = Cart.user_id == owner.user_id if owner.user_id is not None else Cart.guest == owner.guest
    return db.session.scalars(sa.select(Cart).where(mine)).one_or_none()


def _guests(owner: Owner) -> Cart | None:
    """The guest's cart that is to join the user's, if there is one still."""
    if owner.user_id is None or owner.guest is None:
        return None
    return _find(Owner(guest=owner.guest))


def _can_join(owner: Owner) -> bool:
    guest = _guests(owner)
    if guest is None:
        return False
    cart = _find(owner)
    held = {line.slug for line in _lines(cart.id)} if cart else set()
    return len(held) < MOST_LINES or any(line.slug in held for line in _lines(guest.id))


def _locked(owner: Owner) -> Sequence[Cart]:
    """The owner's cart, and what waits to join it, until the transaction ends."""
    join(owner)
    carts = [cart for cart in (_find(owner), _guests(owner)) if cart]
    for cart in carts:
        db.session.execute(_touch(cart))
    return carts


def _touch(cart: Cart) -> sa.Update:
    return sa.update(Cart).where(Cart.id == cart.id).values(touched_at=now())


def _lines(cart_id: int) -> Sequence[CartLine]:
    mine = sa.select(CartLine).where(CartLine.cart_id == cart_id).order_by(CartLine.added_at, CartLine.slug)
    return db.session.scalars(mine.execution_options(populate_existing=True)).all()


def _put(cart: Cart, product: Product, quantity: Callable[[int], int]) -> int:
    """Have as many of a product in the cart as is made of those that are in it; returns how many those were."""
    held = {line.slug: line for line in _lines(cart.id)}
    line = held.get(product.slug)
    if line is None and len(held) >= MOST_LINES:
        raise CartFull
    if line is None:
        line = CartLine(cart_id=cart.id, slug=product.slug, quantity=0)
        line.product_id, line.name, line.unit_price = product.id, product.name, product.price
        db.session.add(line)
    before = line.quantity
    line.quantity = quantity(before)
    db.session.flush()
    return before
