"""Each hop is told how long its caller still waits, and asks the next one for less."""

import math

import pytest
from flask import Flask, jsonify

from chassis import deadlines


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    deadlines.install(app)
    app.add_url_rule("/", view_func=lambda: jsonify(deadlines.said(deadlines.left())))
    return app


def passed_on(app: Flask, **headers: str) -> dict[str, str]:
    """What the next hop is told."""
    answer: dict[str, str] = app.test_client().get("/", headers=headers).get_json()
    return answer


def test_the_next_hop_is_told_less(app: Flask) -> None:
    assert 0 < int(passed_on(app, **{"X-Time-Left": "60000"})["X-Time-Left"]) <= 60000


@pytest.mark.parametrize("said", ["", "soon", "-5", "1.5", "٣", "9" * 10, "9" * 5000])
def test_what_is_no_time_is_no_deadline(app: Flask, said: str) -> None:
    assert passed_on(app, **{"X-Time-Left": said.encode().decode("latin-1")}) == {}
    assert deadlines.told(said) == math.inf


def test_nobody_waits_for_what_is_done_outside_of_a_request(app: Flask) -> None:
    assert deadlines.left() == math.inf
    with app.app_context():
        assert deadlines.left() == math.inf
