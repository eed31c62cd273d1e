"""schemathesis holds every process to its own description: all phases, a fixed seed, and few examples of much."""

import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import Client, sign_in
from tests.shop import Shop

SCHEMATHESIS = Path(sysconfig.get_path("scripts")) / "schemathesis"
FIRST_API_AGAIN = "^/api/v1/"  # the same views stand at /api/…
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
    "use_after_free",
)
"""Not those that judge by status alone: a well-formed cursor may be refused, an empty query value counts as none."""


def hold_to_its_word(url: str, token: str, directory: Path, *options: str) -> None:
    command = [str(SCHEMATHESIS), "--no-color", "run", f"{url}/openapi.json"]
    command += ["--header", f"Authorization: Bearer {token}", "--exclude-path-regex", FIRST_API_AGAIN]
    command += ["--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing,stateful", "--seed", "1"]
    command += ["--max-examples", "3", "--no-shrink", "--workers", "1", "--max-redirects", "0", *options]
    run = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=800, check=False)
    assert run.returncode == 0, run.stdout[-12000:] + run.stderr[-2000:]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["auth", "product", "order", "gateway"])
def test_a_process_does_what_its_description_says(shop_with: Callable[..., Shop], tmp_path: Path, name: str) -> None:
    """In a shop of its own: among much else it takes roles from whoever it finds."""
    shop = shop_with()
    administrator = Client(shop.auth)
    hold_to_its_word(getattr(shop, name), sign_in(administrator, shop.admin).access_token, tmp_path)
    assert shop.is_alive(name)
    assert sign_in(administrator, shop.admin).access_token


def test_calls_for_services_do_what_their_description_says(suite: Shop, tmp_path: Path) -> None:
    hold_to_its_word(suite.product, suite.service_token, tmp_path, "--include-path-regex", "reservations")


def test_the_gateway_describes_what_it_routes_and_nothing_else(suite: Shop) -> None:
    merged = Client(suite.gateway).get("/openapi.json").json()["paths"]
    assert {"/api/v2/users", "/api/v2/products", "/api/v2/cart", "/api/user", "/api/v1/products"} <= set(merged)
    assert not [path for path in merged if "reservations" in path or "internal" in path]
