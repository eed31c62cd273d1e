"""The operator's commands."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient

from chassis.database import db, now
from order_service.domain.payment import LedgerEntry
from order_service.models import HistoryEntry
from tests.unit.order_service.conftest import bought, check_out, put
from tests.unit.order_service.others import Shelf, Till

Say = Callable[..., Result]


@pytest.fixture
def say(app: Flask) -> Say:
    """Runs `flask --app order_service orders …`."""
    return lambda *words: app.test_cli_runner().invoke(args=["orders", *words])


def test_a_timeline_tells_the_whole_story(
    ada: FlaskClient, shelf: Shelf, till: Till, work: Callable[[], int], say: Say
) -> None:
    put(ada, shelf.offer())
    till.is_silent = True
    order = check_out(ada).get_json()
    till.is_silent = False
    work()
    ada.post(f"/api/v2/orders/{order['id']}/cancel")

    told = say("timeline", order["number"]).output

    story = ["placed", "reserved", "postponed", "charged", "confirmed", "cancelled", "refunded", "released"]
    places = [told.index(f"  {word} ") for word in story]
    assert places == sorted(places)
    assert "order.confirmed written" in told
    assert say("timeline", order["id"]).output == told
    assert say("timeline", "nobody's").exit_code == 1


def test_books_that_agree(ada: FlaskClient, shelf: Shelf, say: Say) -> None:
    bought(ada, shelf)
    ada.post(f"/api/v2/orders/{bought(ada, shelf)['id']}/cancel")
    put(ada, shelf.offer())
    check_out(ada, "pm_card_chargeDeclined")

    compared = say("reconcile")

    assert (compared.exit_code, compared.output.splitlines()[-1]) == (0, "the books agree")


def test_what_is_bought_while_the_books_are_read_is_let_be(
    ada: FlaskClient, shelf: Shelf, till: Till, say: Say
) -> None:
    before, read = bought(ada, shelf), till.ledger
    sold: list[dict[str, Any]] = []

    def ledger(since: datetime | None = None) -> Iterator[LedgerEntry]:
        yield from read(since)
        sold.append(bought(ada, shelf))

    till.ledger = ledger  # type: ignore[method-assign]
    till.charges[before["id"]] = replace(till.charges[before["id"]], refunded=1)

    compared = say("reconcile").output

    assert before["number"] in compared
    assert sold[0]["number"] not in compared


def test_discrepancies_are_named_and_mended(ada: FlaskClient, shelf: Shelf, till: Till, say: Say) -> None:
    cancelled, sold = bought(ada, shelf), bought(ada, shelf)
    ada.post(f"/api/v2/orders/{cancelled['id']}/cancel")
    till.charges[cancelled["id"]] = replace(till.charges[cancelled["id"]], refunded=0)
    held = next(entry for entry in shelf.reservations.values() if entry.reference.startswith(sold["id"]))
    shelf.reservations[held.id] = replace(held, status="held")

    named = say("reconcile")

    assert named.exit_code == 1
    assert f"{cancelled['number']}: cancelled, yet $19.99 are kept and $0.00 owed" in named.output
    assert f"{sold['number']}: confirmed, yet reservation {held.id} is not committed" in named.output
    assert say("reconcile", "--repair").exit_code == 0
    assert say("reconcile").exit_code == 0
    assert till.kept(cancelled["id"]) == 0
    assert shelf.reservations[held.id].status == "committed"


def test_an_order_that_is_tried_in_vain_is_named_once_it_takes_too_long(
    ada: FlaskClient, shelf: Shelf, till: Till, work: Callable[[], int], say: Say
) -> None:
    put(ada, shelf.offer())
    till.is_silent = True
    order = check_out(ada).get_json()
    assert say("reconcile").exit_code == 0

    db.session.execute(sa.update(HistoryEntry).values(at=now() - timedelta(minutes=2)))
    work()

    assert f"{order['number']}: pending since" in say("reconcile").output


def test_an_order_that_was_never_paid_is_named(ada: FlaskClient, shelf: Shelf, till: Till, say: Say) -> None:
    order = bought(ada, shelf)
    till.charges.clear()

    named = say("reconcile", "--repair")

    assert (named.exit_code, order["number"] in named.output) == (1, True)
