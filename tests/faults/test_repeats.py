"""The same request again, and again at once: one effect, one answer."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import requests

from tests.builders import Client, unique
from tests.faults.checkouts import Buyer, body, charges_for, check_out, orders_of
from tests.shop import Shop

COPIES = 50


def test_fifty_identical_checkouts_at_once_are_one_order_and_fifty_equal_answers(suite: Shop, buyer: Buyer) -> None:
    ada, barrier, key = buyer(), Barrier(COPIES), unique("key")
    authorization = {"Authorization": str(ada.session.headers["Authorization"])}

    def ask(_: int) -> requests.Response:
        copy = Client(suite.gateway, **authorization)
        barrier.wait()
        answer = check_out(copy, key)
        copy.close()
        return answer

    with ThreadPoolExecutor(COPIES) as pool:
        answers = list(pool.map(ask, range(COPIES)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    (order,) = orders_of(ada)
    assert order["id"] == answers[0].json()["id"]
    assert charges_for(suite, order["id"]) == [3000]


def test_the_same_key_with_another_body_is_refused_and_changes_nothing(suite: Shop, buyer: Buyer) -> None:
    ada, key = buyer(), unique("key")
    first = check_out(ada, key)
    other = check_out(ada, key, body("pm_card_mastercard"))
    again = check_out(ada, key)
    assert (first.status_code, other.status_code) == (201, 422)
    assert other.json()["type"].endswith("/idempotency-key-reused")
    assert (again.status_code, again.content) == (201, first.content)
    assert charges_for(suite, first.json()["id"]) == [3000]


def test_another_customers_same_key_is_another_key(suite: Shop, buyer: Buyer) -> None:
    ada, ben, key = buyer(), buyer(), unique("key")
    hers, his = check_out(ada, key), check_out(ben, key)
    assert (hers.status_code, his.status_code) == (201, 201)
    assert hers.json()["id"] != his.json()["id"]
    assert [order["id"] for order in orders_of(ada)] == [hers.json()["id"]]
    assert [order["id"] for order in orders_of(ben)] == [his.json()["id"]]
    assert charges_for(suite, hers.json()["id"], his.json()["id"]) == [3000, 3000]


def test_a_declined_checkout_stays_declined_under_its_key_and_the_cart_can_be_paid_otherwise(
    suite: Shop, buyer: Buyer
) -> None:
    ada, key = buyer(), unique("key")
    declined = check_out(ada, key, body("pm_card_chargeDeclined"))
    again = check_out(ada, key, body("pm_card_chargeDeclined"))
    paid = check_out(ada, unique("key"))
    assert (declined.status_code, again.status_code, paid.status_code) == (402, 402, 201)
    assert declined.content == again.content
    assert charges_for(suite, declined.json()["order_id"]) == [0]
    assert charges_for(suite, paid.json()["id"]) == [3000]


def test_of_two_keys_on_one_cart_at_once_one_gets_the_order(suite: Shop, buyer: Buyer) -> None:
    ada, barrier = buyer(), Barrier(2)
    authorization = {"Authorization": str(ada.session.headers["Authorization"])}

    def ask(key: str) -> requests.Response:
        copy = Client(suite.gateway, **authorization)
        barrier.wait()
        answer = check_out(copy, key)
        copy.close()
        return answer

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(ask, (unique("key"), unique("key"))))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert [order["status"] for order in orders_of(ada)] == ["confirmed"]
