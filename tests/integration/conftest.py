"""People of every role, and the sessions that their browsers hold."""

import pytest

from tests.builders import Client, Person, register, sign_in
from tests.shop import Shop

STRANGER, CUSTOMER, STAFF, ADMIN, SERVICE = "anonymous", "customer", "staff", "admin", "service"


class Cast:
    """One account a role, signed in once; with `new`, by a session that nothing has used before."""

    def __init__(self, shop: Shop, people: dict[str, Person]) -> None:
        self._shop = shop
        self._people = people
        self._bearers = {role: sign_in(Client(shop.auth), person).bearer for role, person in people.items()}
        self._cookies = {role: browser_session(shop, person) for role, person in people.items()}

    def headers(self, role: str, new: bool = False) -> dict[str, str]:
        """What this role shows at the API."""
        if role == SERVICE:
            return {"Authorization": f"Bearer {self._shop.service_token}"}
        if new and role in self._people:
            return sign_in(Client(self._shop.auth), self._people[role]).bearer
        return self._bearers.get(role, {})

    def cookies(self, role: str, new: bool = False) -> dict[str, str]:
        """What this role's browser shows on a page."""
        if new and role in self._people:
            return browser_session(self._shop, self._people[role])
        return self._cookies.get(role, {})


def browser_session(shop: Shop, person: Person) -> dict[str, str]:
    """The cookie of a browser in which this person has signed in."""
    answer = Client(shop.auth).post("/login", {"username": person.username, "password": person.password})
    assert answer.status_code == 200, answer.text
    return {"session": answer.cookies["session"]}


@pytest.fixture(scope="module")
def cast(suite: Shop) -> Cast:
    """Somebody of every role."""
    auth = Client(suite.auth)
    admin = Client(suite.auth, sign_in(auth, suite.admin).access_token)
    people = {role: register(auth) for role in (CUSTOMER, STAFF, ADMIN)}
    for role, person in people.items():
        assert admin.put(f"/api/v2/users/{person.id}/roles", {"roles": [role]}).status_code == 200
    return Cast(suite, people)
