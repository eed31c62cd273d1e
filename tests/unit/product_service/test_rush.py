"""Buyers who come at the same time are served together, and each gets an answer of their own."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import OperationalError

from chassis.database import db
from chassis.problems import Refusal
from product_service.domain import catalogue, rush
from product_service.domain.rush import Buyer, Rush
from product_service.domain.wishes import Held, OutOfStock, ReferenceReused, Wish, reserve
from product_service.models import Product, Reservation
from tests.builders import eventually
from tests.databases import listening, statements
from tests.unit.product_service.conftest import Offer

Answers = list[Held | Reservation | Exception]
Serve = Callable[..., Answers]
Reserve = Callable[[Wish], None]


@pytest.fixture
def queue(product_app: Flask) -> Rush:
    return Rush()


@pytest.fixture
def together(product_app: Flask, queue: Rush) -> Serve:
    """Serves wishes that have all queued up behind somebody, in this order."""

    def ask(wish: Wish) -> Held | Reservation | Exception:
        with product_app.app_context():
            try:
                return queue.serve(wish)
            except (Refusal, OperationalError, RuntimeError, ValueError) as refusal:
                return refusal

    def serve(*wishes: Wish) -> Answers:
        somebody = Buyer(wishes[0])
        queue._queue.append(somebody)
        with ThreadPoolExecutor(len(wishes)) as threads:
            asked = []
            for wish in wishes:
                asked.append(threads.submit(ask, wish))
                eventually(lambda: len(queue._queue) == 1 + len(asked))
            queue._leave([somebody])
            return [answer.result() for answer in asked]

    return serve


@pytest.fixture
def elsewhere(product_app: Flask) -> Reserve:
    """Holds what is wished for as another process would."""

    def hold(wish: Wish) -> None:
        with product_app.app_context():
            reserve(wish)
            db.session.commit()

    return hold


@contextmanager
def commits() -> Iterator[list[object]]:
    """The transactions that are committed in this block."""
    seen: list[object] = []
    with listening("commit", seen.append):
        yield seen


@contextmanager
def meanwhile(*deeds: Callable[[], object]) -> Iterator[None]:
    """Have something done in this block, once after each look at the goods, before anything comes of that."""
    still_to_do = list(deeds)

    def look_away(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if "products.slug IN" in statement and still_to_do:
            still_to_do.pop(0)()

    with listening("after_cursor_execute", look_away):
        yield


def wish(reference: str, **wanted: int) -> Wish:
    return Wish(wanted, reference, 60)


def stock(slug: str) -> tuple[int, int]:
    product = db.session.scalars(sa.select(Product).where(Product.slug == slug)).one()
    db.session.refresh(product)
    found = product.available, product.reserved
    db.session.rollback()
    return found


def test_who_queued_up_is_served_in_one_transaction(together: Serve, product: Offer) -> None:
    product(slug="mug", stock=20)
    product(slug="cup", stock=20)

    with commits() as made:
        answers = together(*(wish(f"order-{number}", mug=1, cup=2) for number in range(8)))

    assert len(made) == 1
    assert [answer.reference for answer in answers if isinstance(answer, Held)] == [
        f"order-{number}" for number in range(8)
    ]
    assert (stock("mug"), stock("cup")) == ((12, 8), (4, 16))


def test_what_there_is_is_sold_when_it_is_not_enough_for_all(together: Serve, product: Offer) -> None:
    product(slug="cup", stock=5)
    product(slug="mug", stock=3)

    answers = together(wish("a", mug=2, cup=1), wish("b", mug=2, cup=1), wish("c", mug=1), wish("d", nothing=1))

    assert [type(answer) for answer in answers] == [Held, OutOfStock, Held, OutOfStock]
    assert (stock("mug"), stock("cup")) == ((0, 3), (4, 1))


def test_who_comes_too_late_is_told_so_without_a_statement_of_their_own(together: Serve, product: Offer) -> None:
    product(slug="cup", stock=9)
    product(slug="mug", stock=1)

    with statements() as sent:
        answers = together(*(wish(f"order-{number}", mug=2, cup=1, pot=1) for number in range(8)))

    told = [answer.extras["lines"] for answer in answers if isinstance(answer, OutOfStock)]
    mug, pot = {"slug": "mug", "quantity": 2, "available": 1}, {"slug": "pot", "quantity": 1, "available": 0}
    assert told == [[mug, pot]] * 8
    assert len(sent) == 2, sent
    assert stock("cup") == (9, 0)


def test_a_twin_in_another_process_that_took_the_last_goods_is_found(
    together: Serve, product: Offer, elsewhere: Reserve
) -> None:
    product(slug="mug", stock=1)

    with meanwhile(lambda: elsewhere(wish("a", mug=1))):
        (answer,) = together(wish("a", mug=1))

    assert isinstance(answer, Reservation)
    assert stock("mug") == (0, 1)


def test_twins_in_a_queue_share_their_reservation(together: Serve, product: Offer) -> None:
    product(slug="mug", stock=5)

    first, twin, other = together(wish("a", mug=1), wish("a", mug=1), wish("a", mug=2))

    assert isinstance(first, Held)
    assert isinstance(twin, Reservation)
    assert first.id == twin.id
    assert isinstance(other, ReferenceReused)
    assert stock("mug") == (4, 1)


def test_who_asks_again_does_not_keep_the_others_from_being_served_together(together: Serve, product: Offer) -> None:
    product(slug="mug", stock=5)
    (before,) = together(wish("a", mug=1))

    with statements() as sent:
        again, *others = together(*(wish(reference, mug=1) for reference in "abcd"))

    assert isinstance(before, Held)
    assert isinstance(again, Reservation)
    assert again.id == before.id
    assert [type(answer) for answer in others] == [Held] * 3
    assert len([statement for statement in sent if statement.startswith("UPDATE")]) == 2, sent
    assert stock("mug") == (1, 4)


def test_another_process_that_was_quicker_harms_nobody_in_the_queue(
    together: Serve, product: Offer, elsewhere: Reserve
) -> None:
    product(slug="mug", stock=5)

    with meanwhile(lambda: elsewhere(wish("a", mug=1))):
        answers = together(wish("a", mug=1), wish("b", mug=1))

    assert [type(answer) for answer in answers] == [Reservation, Held]
    assert stock("mug") == (3, 2)


def test_nobody_waits_for_ever_for_somebody_who_failed(
    together: Serve, product: Offer, monkeypatch: pytest.MonkeyPatch
) -> None:
    product(slug="mug", stock=5)

    def fail(wishes: object, found: object) -> None:
        raise ValueError("broken")

    with monkeypatch.context() as broken:
        broken.setattr(rush, "_outcomes", fail)
        answers = together(wish("a", mug=1), wish("b", mug=1))
    assert {type(answer) for answer in answers} == {ValueError, RuntimeError}

    assert isinstance(together(wish("c", mug=1))[0], Held)
    assert stock("mug") == (4, 1)


def test_who_has_been_served_is_told_so_whatever_happens_to_the_next(
    together: Serve, product: Offer, monkeypatch: pytest.MonkeyPatch
) -> None:
    product(slug="mug", stock=5)
    together(wish("a", mug=1))

    def fail(wish: Wish) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(rush, "reserve", fail)
    answers = together(wish("b", mug=1), wish("c", mug=1), wish("a", mug=1))

    assert [type(answer) for answer in answers] == [Held, Held, RuntimeError]
    assert stock("mug") == (2, 3)


def test_who_comes_while_the_database_is_waited_for_is_served_with_the_first(
    product_app: Flask, queue: Rush, product: Offer
) -> None:
    product(slug="mug", stock=5)
    product(slug="cup", stock=5)

    def hold(reference: str, slug: str) -> Held | Reservation:
        with product_app.app_context():
            return queue.serve(wish(reference, **{slug: 1}))

    all_there = meanwhile(lambda: eventually(lambda: len(queue._queue) == 4))
    with commits() as made, ThreadPoolExecutor(4) as threads, all_there:
        asked = []
        for number, (reference, slug) in enumerate(zip("abcd", ("mug", "mug", "cup", "mug"), strict=True)):
            asked.append(threads.submit(hold, reference, slug))
            eventually(lambda: len(queue._queue) == number + 1)  # noqa: B023
        assert [answer.result().reference for answer in asked] == ["a", "b", "c", "d"]

    # What the third wants was not looked up for the first: it is served next, and the fourth, who queues behind, too.
    assert len(made) == 2


def test_goods_counted_in_before_somebody_came_are_there_for_them(
    product_app: Flask, queue: Rush, product: Offer
) -> None:
    product(slug="mug", stock=0)

    def hold(reference: str) -> Held | Reservation:
        with product_app.app_context():
            return queue.serve(wish(reference, mug=1))

    def count_in() -> None:
        """Goods are counted in, and then somebody comes."""
        with product_app.app_context():
            db.session.execute(sa.update(Product).values(available=10, stocked=10))
            db.session.commit()
        late.append(threads.submit(hold, "late"))
        eventually(lambda: len(queue._queue) == 2)

    late: list[Future[Held | Reservation]] = []
    with ThreadPoolExecutor(3) as threads, meanwhile(count_in):
        first = threads.submit(hold, "first")
        assert isinstance(first.exception(), OutOfStock)
        assert isinstance(late[0].result(), Held)


def test_who_is_served_alone_has_the_goods_kept_still_in_the_order_of_their_ids(
    together: Serve, product: Offer
) -> None:
    product(slug="mug", stock=3)
    product(slug="cup", stock=3)

    with statements() as sent:
        answers = together(wish("a", mug=2, cup=1), wish("b", cup=1, mug=2))

    assert [type(answer) for answer in answers] == [Held, OutOfStock]
    kept = next(statement for statement in sent if "ORDER BY products.id" in statement)
    assert ("FOR UPDATE" in kept) == (db.engine.dialect.name == "mysql")


def test_a_price_that_changes_again_while_one_is_served_alone_is_the_price(
    together: Serve, product_app: Flask, product: Offer
) -> None:
    if db.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    product(slug="mug", stock=5)

    def ask(price: int) -> None:
        with product_app.app_context():
            catalogue.change(catalogue.to_change("mug"), {"price": price})
            db.session.commit()

    with meanwhile(lambda: ask(3000), lambda: ask(9900)):
        (held,) = together(wish("a", mug=1))

    assert isinstance(held, Held)
    assert [line.unit_price for line in held.lines] == [9900]


def test_what_staff_has_changed_since_the_look_is_looked_at_again(
    together: Serve, product_app: Flask, product: Offer
) -> None:
    product(slug="mug", stock=5)
    product(slug="cup", stock=5)

    def change() -> None:
        with product_app.app_context():
            catalogue.change(catalogue.to_change("mug"), {"price": 4200})
            catalogue.retire(catalogue.to_change("cup"))
            db.session.commit()

    with meanwhile(change):
        mug, cup = together(wish("a", mug=1), wish("b", cup=1))

    assert isinstance(mug, Held)
    assert [line.unit_price for line in mug.lines] == [4200]
    assert isinstance(cup, OutOfStock)


def test_who_loses_a_race_for_a_lock_loses_it_alone(
    together: Serve, product: Offer, monkeypatch: pytest.MonkeyPatch
) -> None:
    product(slug="mug", stock=5)
    together(wish("a", mug=1), wish("b", mug=1))

    def lose(asked: Wish) -> Held | Reservation:
        if asked.reference == "a":
            raise OperationalError("UPDATE", None, Exception("database is locked"))
        return reserve(asked)

    monkeypatch.setattr(rush, "reserve", lose)
    answers = together(wish("a", mug=1), wish("b", mug=1))
    assert [type(answer) for answer in answers] == [OperationalError, Reservation]


@pytest.mark.parametrize("statement", ["SELECT", "UPDATE", "INSERT"])
def test_a_database_that_is_away_is_away_for_everybody_in_the_queue(
    together: Serve, product: Offer, statement: str
) -> None:
    product(slug="mug", stock=5)

    def be_away(connection: object, cursor: object, sent: str, *rest: object) -> None:
        if sent.startswith(statement):
            raise OperationalError(sent, None, Exception("the database is away"))

    with listening("before_cursor_execute", be_away):
        answers = together(wish("a", mug=1), wish("b", mug=1))
    assert [type(answer) for answer in answers] == [OperationalError] * 2

    assert isinstance(together(wish("c", mug=1))[0], Held)
    assert stock("mug") == (4, 1)
