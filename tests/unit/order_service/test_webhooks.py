"""What the provider says is a hint to look, and no more."""

from collections.abc import Callable

from flask.testing import FlaskClient

from chassis.database import db
from order_service import worker
from order_service.models import Order
from tests.unit.order_service.conftest import bought, check_out, put, read
from tests.unit.order_service.others import Shelf, Till

PATH = "/api/v2/webhooks/payments/stripe"
SIGNED = {"Stripe-Signature": "good"}


def test_a_forged_message_is_refused(guest: FlaskClient) -> None:
    assert guest.post(PATH, data=b"x", headers={"Stripe-Signature": "bad"}).status_code == 400
    assert guest.post(PATH, data=b"x").status_code == 400
    assert guest.post("/api/v2/webhooks/payments/nobody", data=b"x", headers=SIGNED).status_code == 404


def test_a_hint_has_the_order_looked_at_at_once(
    guest: FlaskClient, ada: FlaskClient, shelf: Shelf, till: Till, work: Callable[[], int]
) -> None:
    put(ada, shelf.offer())
    till.is_silent = True
    order_id = check_out(ada).get_json()["id"]
    for _ in range(5):
        work()
    till.is_silent = False
    assert worker.finish_due() == 0

    for _ in range(2):
        assert guest.post(PATH, data=order_id, headers=SIGNED).status_code == 204

    assert worker.finish_due() == 1
    assert read(ada, order_id)["status"] == "confirmed"


def test_a_message_about_an_order_that_has_ended_changes_nothing(
    guest: FlaskClient, ada: FlaskClient, shelf: Shelf
) -> None:
    order = bought(ada, shelf)

    assert guest.post(PATH, data=order["id"], headers=SIGNED).status_code == 204

    assert read(ada, order["id"]) == order
    assert db.session.query(Order).one().due_at is None
