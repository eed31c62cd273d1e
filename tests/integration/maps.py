"""Every route of every service, with the policy that it declares, as the services themselves know them."""

import re
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import make_url

from chassis.routes import Policy, policy_of
from tests.services import made

SERVICES = {"auth": "auth_service", "product": "product_service", "order": "order_service"}
FRAMEWORK = {"HEAD", "OPTIONS"}
EXAMPLES = {"user_id": "999999999", "session_id": "999999999", "order_id": "01900000-0000-7000-8000-000000000000"}


@dataclass(frozen=True)
class Mapped:
    """One method of one address of a service, and whom it says it serves."""

    service: str
    method: str
    rule: str
    policy: Policy

    def __str__(self) -> str:
        return f"{self.service} {self.method} {self.rule}"

    @property
    def path(self) -> str:
        """The address with something that does not exist for each of its parameters."""
        return re.sub(r"<(?:[^:>]+:)?([^>]+)>", lambda match: EXAMPLES.get(match[1], "no-such-thing"), self.rule)

    @property
    def is_page(self) -> bool:
        return not self.rule.startswith(("/api/", "/internal/", "/.well-known/"))

    @property
    def names_something(self) -> bool:
        return "<" in self.rule


@cache
def mapped() -> tuple[Mapped, ...]:
    """All of them."""
    with tempfile.TemporaryDirectory() as directory:
        return tuple(found for name, package in SERVICES.items() for found in _of(name, package, Path(directory)))


def _of(name: str, package: str, directory: Path) -> list[Mapped]:
    found = []
    with made(package, make_url(f"sqlite:///{directory / package}.sqlite3")) as app:
        for rule in app.url_map.iter_rules():
            if rule.endpoint.endswith("static"):
                continue
            policy = policy_of(app, rule.endpoint)
            assert policy is not None, f"{rule.rule} does not state whom it serves"
            found += [Mapped(name, method, rule.rule, policy) for method in (rule.methods or set()) - FRAMEWORK]
    return sorted(found, key=str)
