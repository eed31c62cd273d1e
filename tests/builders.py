"""People and things of the shop, made over HTTP, and the client that they use."""

import itertools
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urljoin

import requests

Found = TypeVar("Found")
PASSWORD = "a long walk by the sea"
TIMEOUT = (3.05, 30)
COUNTER = itertools.count(1)


class Client:
    """An HTTP client of one origin: no proxies or credentials from the environment, no redirects unless asked for."""

    def __init__(self, url: str, token: str | None = None, **headers: str) -> None:
        self.url = url.rstrip("/")
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update(headers)
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        sent: dict[str, Any] = {"timeout": TIMEOUT, "allow_redirects": False} | options
        return self.session.request(method, self.url + path, **sent)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> requests.Response:
        return self.request("POST", path, json=json, **options)

    def put(self, path: str, json: Any = None, **options: Any) -> requests.Response:
        return self.request("PUT", path, json=json, **options)

    def patch(self, path: str, json: Any = None, **options: Any) -> requests.Response:
        return self.request("PATCH", path, json=json, **options)

    def delete(self, path: str, json: Any = None, **options: Any) -> requests.Response:
        return self.request("DELETE", path, json=json, **options)

    def follow(self, answer: requests.Response) -> requests.Response:
        """Where a redirect leads."""
        target = urljoin(answer.url, answer.headers["Location"])
        return self.get(target.removeprefix(self.url))

    def carrying(self, token: str) -> "Client":
        """The same origin for the holder of this token."""
        return Client(self.url, token)

    def close(self) -> None:
        self.session.close()


@dataclass
class Person:
    """Somebody with an account, and a token for it."""

    username: str
    email: str
    password: str
    id: int = 0
    access_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}


def unique(word: str = "x") -> str:
    """The word with something behind it that no other test has: lower case, fit for a user name or a slug."""
    return f"{word}-{next(COUNTER)}-{secrets.token_hex(4)}"


def registration(**changed: Any) -> dict[str, Any]:
    """What somebody new sends to register; `changed` fields replace the good ones, None leaves one out."""
    username = unique("user")
    sent = {"username": username, "email": f"{username}@example.com", "password": PASSWORD, **changed}
    return {name: value for name, value in sent.items() if value is not None}


def offer(**changed: Any) -> dict[str, Any]:
    """What staff send to put a product on sale; `changed` fields replace the good ones, None leaves one out."""
    slug = unique("product")
    sent = {"name": slug.title(), "slug": slug, "price": {"amount": 1999, "currency": "USD"}, "stock": 10, **changed}
    return {name: value for name, value in sent.items() if value is not None}


def register(auth: Client, **changed: Any) -> Person:
    """Somebody new, registered and not signed in yet."""
    sent = registration(**changed)
    answer = auth.post("/api/v2/users", sent)
    assert answer.status_code == 201, answer.text
    return Person(sent["username"], sent["email"], sent["password"], answer.json()["id"])


def sign_in(auth: Client, person: Person) -> Person:
    """The same person with new tokens."""
    answer = auth.post("/api/v2/tokens", {"username": person.username, "password": person.password})
    assert answer.status_code == 200, answer.text
    person.access_token, person.refresh_token = answer.json()["access_token"], answer.json()["refresh_token"]
    return person


def eventually(question: Callable[[], Found], within: float = 60.0, every: float = 0.05) -> Found:
    """The first true answer to a question that is asked again and again; fails when there is none in time."""
    deadline = time.monotonic() + within
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"still {answer!r} after {within} s"
        time.sleep(every)
