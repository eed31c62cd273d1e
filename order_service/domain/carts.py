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


def take_in(owner: Owner) -> None:
    """Have the guest's cart join the user's if there is room for any of it."""
    if _can_join(owner):
        db.session.rollback()
        writes()
        join(owner)


def waiting(owner: Owner) -> Sequence[CartLine]:
    """What a user chose as a guest that the user's cart has no room for: it stays the guest's until there is some."""
    guest = _guests(owner)
    return _lines(guest.id) if guest else []


def count(owner: Owner) -> int:
    """How many things lie in the user's cart and, until they are joined, in the guest's, if there is room for more."""
    named = {Cart.user_id: owner.user_id, Cart.guest: owner.guest}
    theirs = sa.or_(sa.false(), *(column == value for column, value in named.items() if value is not None))
    held = sa.select(CartLine.slug, Cart.user_id, CartLine.quantity).join(Cart).where(theirs)
    both, mine = Counter[str](), set[str]()
    for slug, user_id, quantity in db.session.execute(held):
        both[slug] += quantity
        if user_id == owner.user_id:
            mine.add(slug)
    has_room = len(mine) < MOST_LINES
    return sum(min(many, MOST_OF_ONE) for slug, many in both.items() if has_room or slug in mine)


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
    """Have so many of a product in the cart: none that a guest chose wait to be more."""
    _put(open_for(owner), product, lambda _: quantity)
    if guest := _guests(owner):
        db.session.execute(sa.delete(CartLine).where(CartLine.cart_id == guest.id, CartLine.slug == product.slug))
        join(owner)


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


def join(owner: Owner) -> None:
    """Move what a user chose as a guest into the user's cart, each of it once, as far as there is room for it."""
    guest = _guests(owner)
    if guest is None or rows_changed(_touch(guest)) != 1:  # another request has locked it first, and has moved it all
        return
    cart = open_for(Owner(user_id=owner.user_id))
    held = {line.slug: line for line in _lines(cart.id)}
    for line in _lines(guest.id):
        if line.slug in held:
            moved = min(line.quantity, MOST_OF_ONE - held[line.slug].quantity)
            held[line.slug].quantity += moved
            line.quantity -= moved
            if line.quantity == 0:
                db.session.delete(line)
        elif len(held) < MOST_LINES:
            line.cart_id, line.added_at = cart.id, now()
            held[line.slug] = line
    db.session.flush()
    if not _lines(guest.id):
        db.session.execute(sa.delete(Cart).where(Cart.id == guest.id))


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
    held = {line.slug: line.quantity for line in _lines(cart.id)} if cart else {}
    chosen = _lines(guest.id)
    has_room = len(held) < MOST_LINES
    return not chosen or any(held[line.slug] < MOST_OF_ONE if line.slug in held else has_room for line in chosen)


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
