"""Request targets are taken as they came, or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.problems import Problem
from gateway import targets

PLAIN = [
    "/",
    "/products/mug",
    "/products/mug/",
    "/api/v2/products?q=a%2Fb&q=..//..&x=%",
    "/products/a;b=c",
    "/products/;",
    "/products/%252e%252e/x",
    "/products/%252f",
    "/products/..mug",
    "/products/mug..",
    "/products/...",
    "/products/.mug",
    "/products/a%20b",
    "/products/%C3%A4",
    "/products/a|b^c[d]{e}",
    "/?next=//evil.example",
    "/products/%3F%23",
    "/products/%3C%3E%22%60%7F",
    "/products?q={a}|b^c[d]`e\\f'g",
]
AMBIGUOUS = [
    "/..",
    "/../etc/passwd",
    "/products/../internal/keys",
    "/products/./mug",
    "/products/.",
    "/products/..",
    "//products",
    "/products//mug",
    "/products/mug//",
    "/products\\mug",
    "/products/..\\mug",
    "/products/%2e%2e/internal",
    "/products/%2E%2e",
    "/products/.%2e/x",
    "/products/%2e",
    "/products/a%2fb",
    "/products/a%2Fb",
    "/products/%5c",
    "/products/%5C..",
    "/products/..;/internal",
    "/products/..;x=1",
    "/products/.;/x",
    "/products/%2e%2e;/x",
    "/products/..%3b/x",
    "/products/%00",
    "/products/a\0",
    "/products/%",
    "/products/%2",
    "/products/%zz",
    "/products/%ff",
    "/products/%c0%ae%c0%ae",
    "/products/%ed%a0%80",
    "/products#x",
    "/products?x#y",
    "/produ\xe4cts",
    "/products/<b>",
    '/products/"',
    "/products/`",
    "/products/\x7f",
    "/products?q=<b>",
    '/products?q="',
    "/products?q=\x7f",
    "",
    "*",
    "products",
    "example.com:443",
    "ftp://shop.test/",
    "http://",
    "http:///products",
    "http://user@shop.test/",
    "http://shop.test/a/../b",
    "http://shop.test//",
]


@pytest.mark.parametrize("raw", PLAIN)
def test_an_unambiguous_target_stays_as_it_came(raw: str) -> None:
    target = targets.read(raw)
    assert (target.raw, target.path) == (raw, raw.partition("?")[0])


@pytest.mark.parametrize("raw", AMBIGUOUS)
def test_an_ambiguous_or_malformed_target_is_refused(raw: str) -> None:
    with pytest.raises(Problem) as refused:
        targets.read(raw)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("raw", "path", "host"),
    [
        ("http://shop.test/products?q=1", "/products", "shop.test"),
        ("HTTP://shop.test:8080/", "/", "shop.test:8080"),
        ("https://[::1]:8080", "/", "[::1]:8080"),
        ("http://shop.test?q=1", "/", "shop.test"),
    ],
)
def test_an_absolute_target_names_its_host(raw: str, path: str, host: str) -> None:
    target = targets.read(raw)
    assert (target.path, target.host) == (path, host)
    assert target.raw.startswith("/")


@given(st.text(alphabet="abc/.%;2eEfF5c0\\?#", max_size=12).map(lambda text: f"/{text}"))
def test_what_passes_cannot_climb(raw: str) -> None:
    try:
        path = targets.read(raw).path
    except Problem:
        return
    decoded = targets._decoded(path)
    assert "//" not in decoded
    assert "\\" not in decoded
    assert not {".", ".."} & {segment.split(";")[0] for segment in decoded.split("/")}
