"""Fixtures that all tests share.

`./scripts/test` runs on SQLite; `pytest --database=mysql` with MYSQL_TEST_URL=mysql+pymysql://root:PASSWORD@HOST:PORT
runs the same tests on that server, in databases that the run makes and drops itself.

- `auth_app`, `product_app`, `order_app`, `gateway_app`: one service in this process, on its migrated, empty database,
  in an application context; `make_app("auth_service", some_setting=…)` makes one with other settings.
- `accounts`: signs tokens and knows keys in place of the accounts service; all apps but the accounts' own trust it.
- `suite`: the whole shop over HTTP, started once a run; `origin`: its services directly, then through the gateway;
  `shop_with(…)`: a shop of the test's own, with settings of its own.
- `backend`: receives the spans of whoever is told its `url`.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.accounts import Accounts
from tests.builders import Client, Person, offer, register, sign_in
from tests.databases import Databases, databases_on
from tests.services import made
from tests.shop import Shop, shop_on
from tests.spans import Backend, running_backend

ORIGINS = ("direct", "gateway")
MakeApp = Callable[..., Flask]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=("sqlite", "mysql"), default="sqlite", help="what the tests run on")


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Iterator[Databases]:
    """Databases of the kind that this run is about."""
    with databases_on(request.config.getoption("--database")) as found:
        yield found


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the person who runs the tests reaches them, and no test reaches that person's data."""
    for name in (
        "SECRET_KEY",
        "SERVICE_TOKEN",
        "DATABASE_URL",
        "DATABASE_PASSWORD",
        "SECRETS_DIR",
        "REDIS_URL",
        "PORT",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))


# ── one service in this process ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def accounts() -> Accounts:
    """Who the people are, as far as a service on its own knows."""
    return Accounts()


@pytest.fixture
def make_app(databases: Databases, accounts: Accounts) -> Iterator[MakeApp]:
    """Makes a service's application: `make_app("product_service", catalog_writes="open")`."""
    with ExitStack() as stack:

        def make(package: str, **settings: Any) -> Flask:
            url = None if package == "gateway" else databases.fresh(package)
            app = stack.enter_context(made(package, url, **settings))
            if package != "auth_service":
                app.extensions["authority"] = accounts
            return app

        yield make


@pytest.fixture
def auth_app(make_app: MakeApp) -> Iterator[Flask]:
    """The accounts service, in an application context."""
    with entered(make_app("auth_service")) as app:
        yield app


@pytest.fixture
def product_app(make_app: MakeApp) -> Iterator[Flask]:
    """The catalogue, in an application context."""
    with entered(make_app("product_service")) as app:
        yield app


@pytest.fixture
def order_app(make_app: MakeApp) -> Iterator[Flask]:
    """The orders, in an application context."""
    with entered(make_app("order_service")) as app:
        yield app


@pytest.fixture
def gateway_app(make_app: MakeApp) -> Flask:
    """The gateway."""
    return make_app("gateway")


@contextmanager
def entered(app: Flask) -> Iterator[Flask]:
    with app.app_context():
        yield app


@pytest.fixture
def backend() -> Iterator[Backend]:
    """A trace backend that has received nothing yet."""
    with running_backend() as backend:
        yield backend


# ── the whole shop ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def suite(databases: Databases) -> Iterator[Shop]:
    """The whole shop, started once for all tests; nothing in it is a test's own, so names must be unique."""
    with shop_on(databases) as shop:
        yield shop


@pytest.fixture
def shop_with(databases: Databases) -> Iterator[Callable[..., Shop]]:
    """Starts a shop with these settings for this test alone: `shop_with(RATELIMIT_REGISTRATIONS="3/hour")`."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(shop_on(databases, **settings))


@dataclass(frozen=True)
class Origin:
    """Where a client finds each service."""

    name: str
    auth: Client
    product: Client
    order: Client

    @property
    def is_gateway(self) -> bool:
        return self.name == "gateway"


@pytest.fixture(params=ORIGINS)
def origin(request: pytest.FixtureRequest, suite: Shop) -> Iterator[Origin]:
    """The services at their own ports, and once more under the gateway's one origin."""
    urls = [suite.auth, suite.product, suite.order] if request.param == "direct" else [suite.gateway] * 3
    clients = [Client(url) for url in urls]
    yield Origin(request.param, *clients)
    for client in clients:
        client.close()


@pytest.fixture
def gateway(suite: Shop) -> Iterator[Client]:
    """Anybody at the gateway."""
    client = Client(suite.gateway)
    yield client
    client.close()


@pytest.fixture
def services(suite: Shop) -> dict[str, Client]:
    """Anybody at each service's own port."""
    return {name: Client(getattr(suite, name)) for name in ("auth", "product", "order", "gateway")}


@pytest.fixture
def customer(suite: Shop) -> Callable[..., Person]:
    """Makes a customer who is signed in: `ada = customer()`, `customer(username="ada-7")`."""
    return lambda **changed: sign_in(Client(suite.auth), register(Client(suite.auth), **changed))


@pytest.fixture
def staff(suite: Shop, customer: Callable[..., Person], admin: Person) -> Callable[..., Person]:
    """Makes a member of the staff who is signed in; `staff("admin")` makes an administrator."""

    def make(*roles: str, **changed: Any) -> Person:
        person = customer(**changed)
        answer = Client(suite.auth, admin.access_token).put(
            f"/api/v2/users/{person.id}/roles", {"roles": list(roles or ("staff",))}
        )
        assert answer.status_code == 200, answer.text
        return sign_in(Client(suite.auth), person)

    return make


@pytest.fixture
def admin(suite: Shop) -> Person:
    """The administrator whom the shop was opened with, freshly signed in."""
    return sign_in(Client(suite.auth), suite.admin)


@pytest.fixture
def product(suite: Shop, admin: Person) -> Callable[..., dict[str, Any]]:
    """Puts a product on sale: `lamp = product(stock=3)`, `product(name="Lamp", price={"amount": 100, …})`."""

    def put_on_sale(**changed: Any) -> dict[str, Any]:
        answer = Client(suite.product, admin.access_token).post("/api/v2/products", offer(**changed))
        assert answer.status_code == 201, answer.text
        made_product: dict[str, Any] = answer.json()
        return made_product

    return put_on_sale
