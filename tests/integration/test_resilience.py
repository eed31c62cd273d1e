"""Whatever a dependency suffers from, the client gets the answer that docs/resilience.md promises."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from flask import Flask
from werkzeug.test import TestResponse

from chassis import database, outbox, rabbitmq
from chassis.answers import CATALOGUE_CACHE
from chassis.database import db
from chassis.identity import RemoteAuthority
from chassis.peers import Peer
from order_service.adapters.catalogue import HttpCatalogue
from order_service.adapters.payments import Payments
from order_service.api.orders import settle
from order_service.domain import saga
from order_service.domain.saga import Saga
from product_service.models import OutboxEvent
from tests.accounts import Accounts
from tests.builders import Client, offer
from tests.conftest import MakeApp
from tests.integration.neighbours import AMQP, FAULTS, HTTP, MYSQL, REDIS, Manner, Neighbour
from tests.integration.resilience import PAGE, PROMISES, page
from tests.services import SERVICE_TOKEN, WEBHOOK_SECRET
from tests.unit.gateway.upstreams import Upstream, reply
from tests.unit.gateway.wires import Gateway, running_gateway
from tests.unit.order_service.conftest import check_out, put
from tests.unit.order_service.others import Shelf, Till

SHORT = 0.3
THROUGH_THE_GATEWAY = {
    "accounts": "/api/v2/users/me",
    "catalogue": "/api/v2/products",
    "orders": "/api/v2/cart",
}
SEEN = "/api/v2/products/lamp"


class Hurried(Peer):
    """A line to a neighbour by somebody who has little time."""

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return super().call(method, path, **options | {"read_seconds": SHORT})


@dataclass
class Case:
    """One fault, and what a test needs to put a service beside a neighbour that has it."""

    fault: str
    stack: ExitStack
    make_app: MakeApp
    accounts: Accounts
    gateways: Callable[[str], Gateway]

    def neighbour(self, manner: Manner) -> Neighbour:
        """A neighbour with the fault."""
        found = Neighbour(self.fault, manner)
        self.stack.callback(found.close)
        return found

    def peer(self, name: str) -> Peer:
        """A line to such a one."""
        return Hurried(name, self.neighbour(HTTP).url, SERVICE_TOKEN)

    def entered(self, app: Flask) -> Flask:
        """The application, in its context until the end of the test."""
        self.stack.enter_context(app.app_context())
        return app


@pytest.fixture(scope="module")
def gateways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Gateway]]:
    """A gateway for each fault, behind which everybody has it by now."""
    started: dict[str, Gateway] = {}
    with ExitStack() as stack:

        def behind(fault: str) -> Gateway:
            if fault not in started:
                gateway = stack.enter_context(running_gateway(tmp_path_factory.mktemp(fault), UPSTREAM_SECONDS="1"))
                gateway.catalogue.answering = lambda request: reply(b"{}", cache_control=CATALOGUE_CACHE)
                gateway.ask(SEEN)
                for one in gateway.upstreams.values():
                    one.close()
                    stack.callback(Neighbour(fault, HTTP, one.port).close)
                started[fault] = gateway
            return started[fault]

        yield behind


@pytest.fixture
def case(
    fault: str,
    make_app: MakeApp,
    accounts: Accounts,
    gateways: Callable[[str], Gateway],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Case]:
    """The fault that a test is about; everybody has little patience."""
    monkeypatch.setattr(saga, "PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(database, "CONNECT_SECONDS", 1)
    monkeypatch.setattr(database, "ANSWER_SECONDS", 1)
    monkeypatch.setattr(rabbitmq, "CONNECT_SECONDS", SHORT)
    with ExitStack() as stack:
        yield Case(fault, stack, make_app, accounts, gateways)


def through_the_gateway(case: Case, service: str) -> str:
    answer = Client(case.gateways(case.fault).url).get(THROUGH_THE_GATEWAY[service])
    return said(answer.status_code, answer.json())


def what_was_there(case: Case) -> str:
    answer = case.gateways(case.fault).ask(SEEN)
    assert str(answer.header("Age")).isdigit()
    assert answer.header("Warning") == '111 shop "Revalidation Failed"'
    return said(answer.status, answer.json, "stale")


def what_is_there_without_redis(case: Case) -> str:
    url = f"redis://127.0.0.1:{case.neighbour(REDIS).port}"
    answer = before_a_sound_catalogue(case, redis_url=url, ratelimit_requests="9/minute")()
    assert answer.headers["RateLimit-Remaining"] == "8"
    return said(answer.status_code, answer.get_json(force=True), "ok")


def what_is_there_with_a_token_of_unknown_keys(case: Case) -> str:
    ask = before_a_sound_catalogue(case, auth_url=case.neighbour(HTTP).url, ratelimit_account_reads="1/hour")
    assert ask().status_code == 200
    answer = ask()
    assert "RateLimit-Limit" not in answer.headers
    return said(answer.status_code, answer.get_json(force=True), "ok")


def before_a_sound_catalogue(case: Case, **settings: str) -> Callable[[], TestResponse]:
    """Asks a gateway for what a catalogue has that nothing is the matter with."""
    catalogue = Upstream()
    case.stack.callback(catalogue.close)
    catalogue.answering = lambda request: reply(b"{}")
    customer = case.make_app("gateway", product_url=catalogue.url, **settings).test_client(token=case.accounts.token())

    def ask() -> TestResponse:
        answer = customer.get(SEEN)
        case.stack.callback(answer.close)
        return answer

    return ask


def what_is_there(case: Case, **headers: str) -> str:
    app = case.make_app("product_service")
    app.extensions["authority"] = RemoteAuthority(case.peer("accounts"))
    answer = app.test_client().get("/api/v2/products", headers=headers)
    return said(answer.status_code, answer.get_json(), "ok")


def what_is_there_with_a_token(case: Case) -> str:
    return what_is_there(case, Authorization=f"Bearer {case.accounts.token()}")


def what_is_there_without_a_database(case: Case) -> str:
    url = f"mysql+pymysql://shop@127.0.0.1:{case.neighbour(MYSQL).port}/product"
    answer = case.make_app("product_service", database_url=url).test_client().get("/api/v2/products")
    return said(answer.status_code, answer.get_json())


def change_a_product(case: Case) -> str:
    events = f"amqp://guest:guest@127.0.0.1:{case.neighbour(AMQP).port}//"
    app = case.entered(case.make_app("product_service", events_url=events))
    staff = app.test_client(token=case.accounts.token("sam", "staff"))
    slug = staff.post("/api/v2/products", json=offer()).get_json()["slug"]
    answer = staff.patch(f"/api/v2/products/{slug}", json={"name": "Lamp"})
    assert outbox.relay() == 0
    assert db.session.query(OutboxEvent).filter_by(sent_at=None).count() == 1
    return said(answer.status_code, answer.get_json(), "ok")


def my_cart(case: Case) -> str:
    app, ada = customer_of(case)
    app.extensions["catalogue"] = HttpCatalogue(case.peer("catalogue"))
    answer = ada.get("/api/v2/cart")
    assert answer.get_json()["total"]["amount"] == 1999
    return f"{answer.status_code} {answer.get_json()['warnings'][0]['code']}"


def check_out_without_the_catalogue(case: Case) -> str:
    app, ada = customer_of(case)
    shelf = HttpCatalogue(case.peer("catalogue"))
    app.extensions |= {"catalogue": shelf, "saga": Saga(shelf, Till(), settle)}
    return ordered(check_out(ada))


def check_out_without_the_provider(case: Case) -> str:
    app, ada = customer_of(case)
    payments = Payments("sk_test_sandbox", case.neighbour(HTTP).url, WEBHOOK_SECRET)
    app.extensions["saga"] = Saga(app.extensions["catalogue"], payments, settle)
    return ordered(check_out(ada))


def sign_in(case: Case) -> str:
    redis = f"redis://127.0.0.1:{case.neighbour(REDIS).port}"
    app = case.make_app("auth_service", redis_url=redis, ratelimit_sign_ins="10/5minutes")
    answer = app.test_client().post("/api/v2/tokens", json={"username": "nobody", "password": "a walk in the dark"})
    return said(answer.status_code, answer.get_json())


def customer_of(case: Case) -> tuple[Flask, Any]:
    """The orders, and a customer with something in the cart from when all was well."""
    shelf = Shelf()
    app = case.entered(case.make_app("order_service"))
    app.extensions |= {"catalogue": shelf, "saga": Saga(shelf, Till(), settle)}
    ada = app.test_client(token=case.accounts.token("ada"))
    put(ada, shelf.offer(1999))
    return app, ada


def said(status: int, document: Mapping[str, Any], otherwise: str = "") -> str:
    """An answer as the page writes it."""
    return f"{status} {document['type'].rpartition('/')[2] if 'type' in document else otherwise}"


def ordered(answer: TestResponse) -> str:
    return f"{answer.status_code} {answer.get_json()['status']}"


ASKED: dict[tuple[str, str, str], Callable[[Case], str]] = {
    ("gateway", "accounts", "who am I"): lambda case: through_the_gateway(case, "accounts"),
    ("gateway", "catalogue", "what is there"): lambda case: through_the_gateway(case, "catalogue"),
    ("gateway", "catalogue", "what was there a moment ago"): what_was_there,
    ("gateway", "orders", "my cart"): lambda case: through_the_gateway(case, "orders"),
    ("gateway", "Redis", "what is there"): what_is_there_without_redis,
    ("gateway", "accounts' keys", "what is there, with a token"): what_is_there_with_a_token_of_unknown_keys,
    ("catalogue", "accounts' keys", "what is there, with a token"): what_is_there_with_a_token,
    ("catalogue", "accounts' keys", "what is there"): what_is_there,
    ("catalogue", "database", "what is there"): what_is_there_without_a_database,
    ("catalogue", "broker", "change a product"): change_a_product,
    ("orders", "catalogue", "my cart"): my_cart,
    ("orders", "catalogue", "check out"): check_out_without_the_catalogue,
    ("orders", "payments", "check out"): check_out_without_the_provider,
    ("accounts", "Redis", "sign in"): sign_in,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("asked", ASKED, ids=" / ".join)
def test_the_client_gets_what_is_promised(asked: tuple[str, str, str], fault: str, case: Case) -> None:
    promised = {(one.service, one.dependency, one.question): one.answers for one in PROMISES}
    assert ASKED[asked](case) == promised[asked][fault]


def test_every_promise_is_tried_and_the_page_shows_them_all() -> None:
    assert {(one.service, one.dependency, one.question) for one in PROMISES} == ASKED.keys()
    assert PAGE.read_text("utf-8") == page(), "python -m tests.integration.resilience"
