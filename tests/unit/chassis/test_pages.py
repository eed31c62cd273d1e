"""Redirects stay on this origin, and forms come from its own pages."""

from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from chassis.pages import LARGEST_OF_STAFF, LARGEST_SHOWN
from chassis.signposts import local_path
from tests.accounts import Accounts

ELSEWHERE = [
    "//evil.test",
    "///evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "/\t/evil.test",
    "/\n/evil.test",
    "\t//evil.test",
    " //evil.test",
    "https://evil.test/",
    "https:evil.test",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.test",
    "/a\r\nSet-Cookie: x=1",
    "/a\\..\\\\evil.test",
    "@evil.test",
    "/\x00/evil.test",
    "//[::1",
    "?next=/",
    "#x",
    "",
]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_another_site_is_never_the_target(target: str) -> None:
    assert local_path(target, "/home") == "/home"


@pytest.mark.parametrize("target", ["/", "/cart", "/orders/1?x=1&y=%2F%2F", "/a//b", "/..//b", "/products/a#top"])
def test_a_path_of_this_shop_is(target: str) -> None:
    assert local_path(target, "/home") == target


@given(st.text(alphabet="/\\.:@ab\t\n #?%25\u3002\uff0f", max_size=12))
def test_whatever_is_asked_for_the_browser_stays_here(target: str) -> None:
    led_to = urljoin("http://shop.test/login", local_path(target).replace("\\", "/"))
    assert urlsplit(led_to).netloc == "shop.test"


FOREIGN: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://evil.test"},
    {"Origin": "null"},
    {"Origin": "http://["},
    {"Origin": "http://localhost@evil.test"},
    {"Origin": "http://localhost.evil.test"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize("sent", [{"data": {"text": "x"}}, {"json": {"text": "x"}}], ids=["form", "json"])
def test_a_form_of_another_site_is_refused(anybody: FlaskClient, headers: dict[str, str], sent: dict[str, Any]) -> None:
    answer = anybody.post("/board", headers=headers, **sent)
    assert answer.status_code == 403
    assert answer.get_json()["type"].endswith("/foreign-origin")


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain", ""])
def test_a_form_without_its_token_has_expired(anybody: FlaskClient, content_type: str) -> None:
    answer = anybody.post("/board", data=b"text=x", content_type=content_type)
    assert answer.status_code == 400
    assert answer.get_json()["type"].endswith("/form-expired")
    again = anybody.post("/board", data=b"text=x&csrf_token=made-up", content_type=content_type)
    assert again.status_code == 400


@pytest.mark.parametrize(
    ("role", "size", "is_shown"),
    [
        (None, LARGEST_SHOWN, True),
        (None, LARGEST_SHOWN + 1, False),
        ("customer", LARGEST_SHOWN + 1, False),
        ("staff", LARGEST_OF_STAFF, True),
        ("staff", LARGEST_OF_STAFF + 1, False),
    ],
)
def test_a_form_too_long_to_be_shown_again_is_filled_in_anew(
    anybody: FlaskClient, accounts: Accounts, role: str | None, size: int, is_shown: bool
) -> None:
    if role:
        anybody.set_cookie("session", accounts.key("sam", role))
    from_page = {"Accept": "text/html", "Referer": "http://localhost/board?page=2"}
    body = b"text=".ljust(size, b'"')

    expired = anybody.post("/board", data=body, headers=from_page, content_type="application/x-www-form-urlencoded")

    assert expired.status_code == 400
    assert 'href="/board?page=2"' in expired.text
    assert (expired.text.count("&#34;") == size - len("text=")) is is_shown


def test_the_api_needs_no_token_of_a_form(anybody: FlaskClient) -> None:
    headers = {"Origin": "http://evil.test", "Sec-Fetch-Site": "cross-site"}
    assert anybody.post("/api/v2/notices", json={"text": "x"}, headers=headers).status_code == 201
