"""What a client is told when the shop says no, in the form that it understands."""

import pytest
from flask.testing import FlaskClient

from tests.services import PUBLIC_URL


def test_a_problem_says_all_that_rfc_9457_asks(anybody: FlaskClient) -> None:
    answer = anybody.get("/api/v2/nowhere", headers={"X-Request-ID": "abc-1"})
    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.get_json() == {
        "type": f"{PUBLIC_URL}/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is nothing here.",
        "instance": "/api/v2/nowhere",
        "request_id": "abc-1",
    }


def test_a_browser_gets_a_page(anybody: FlaskClient) -> None:
    accepted = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    answer = anybody.get("/nowhere/<script>", headers={"Accept": accepted})
    assert answer.status_code == 404
    assert answer.mimetype == "text/html"
    assert "<script>" not in answer.get_data(as_text=True).replace("<script src=", "")


@pytest.mark.parametrize("path", ["/api/v1/nowhere", "/api/nowhere", "/api/v1", "/api/v3/x"])
def test_the_first_api_gets_a_message_alone(anybody: FlaskClient, path: str) -> None:
    answer = anybody.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 404
    if path.startswith("/api/"):
        assert set(answer.get_json()) == {"message"}


def test_what_the_domain_refuses_has_its_own_slug_and_details(anybody: FlaskClient) -> None:
    anybody.post("/api/v2/notices", json={"text": "twice"})
    answer = anybody.post("/api/v2/notices", json={"text": "twice"})
    assert answer.status_code == 409
    problem = answer.get_json()
    assert problem["type"] == f"{PUBLIC_URL}/problems/text-taken"
    assert problem["detail"] == "That hangs there already."
    assert problem["length"] == 5


@pytest.mark.parametrize("path", ["/api/v2/faults/a-word", "/api/v2/faults/a%00word"])
def test_something_unforeseen_tells_the_client_nothing(anybody: FlaskClient, path: str) -> None:
    answer = anybody.get(path)
    assert answer.status_code == 500
    text = answer.get_data(as_text=True)
    for inside in ("Unforeseen", "Traceback", "nobody thought", "noticeboard", ".py"):
        assert inside not in text
    assert answer.get_json()["request_id"] == answer.headers["X-Request-ID"]


def test_after_a_fault_the_service_goes_on(anybody: FlaskClient) -> None:
    assert anybody.post("/api/v2/faults", json={"text": "x"}).status_code == 500
    assert anybody.post("/api/v2/notices", json={"text": "x"}).status_code == 201


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "PURGE"])
@pytest.mark.parametrize("path", ["/api/v2/notices", "/nowhere", "/api/nowhere", "/livez", "/for/customer"])
def test_every_answer_carries_the_guarding_headers(anybody: FlaskClient, method: str, path: str) -> None:
    headers = anybody.open(path, method=method).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"]
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Request-ID"]
    assert headers["Cache-Control"]
