"""Limits count a caller's requests, and say when there are too many."""

import time

import pytest
from flask import Flask
from limits import parse

from chassis.limits import Limit, LocalWindow
from chassis.problems import Problem


def test_one_too_many_is_refused_and_told_when_to_come_back(noticeboard: Flask) -> None:
    limit = Limit("sign-ins", "3/minute", None)
    for left in (2, 1, 0):
        limit.count("ada")
        assert limit.standing("ada").remaining == left
    with pytest.raises(Problem) as refused:
        limit.count("ada")
    assert refused.value.status == 429
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 60
    assert refused.value.headers["RateLimit-Limit"] == "3"
    assert refused.value.headers["RateLimit-Remaining"] == "0"


def test_another_caller_is_not_affected() -> None:
    limit = Limit("sign-ins", "1/minute", None)
    limit.count("ada")
    limit.count("bob")
    limit.count("ada", "from elsewhere")


def test_asking_does_not_count() -> None:
    limit = Limit("sign-ins", "1/minute", None)
    for _ in range(5):
        limit.admit("ada")
    limit.count("ada")
    with pytest.raises(Problem):
        limit.admit("ada")


def test_who_has_only_asked_takes_no_memory() -> None:
    window = LocalWindow(parse("1/minute"))
    for number in range(100):
        assert window.has_room((f"asks-{number}",))
        assert window.standing((f"asks-{number}",)).remaining == 1
    assert window.count(("ada",))[0]
    assert not window.count(("ada",))[0]
    assert list(window._hits) == [("ada",)]


def test_a_limit_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = Limit("sign-ins", "1/second", None)
    limit.count("ada")
    later = time.time() + 2
    monkeypatch.setattr(time, "time", lambda: later)
    limit.count("ada")


@pytest.mark.parametrize("rule", ["off", " OFF "])
def test_a_limit_can_be_switched_off(rule: str) -> None:
    limit = Limit("sign-ins", rule, None)
    assert not limit.is_on
    for _ in range(100):
        limit.count("ada")


def test_while_redis_is_away_the_process_counts_by_itself() -> None:
    limit = Limit("sign-ins", "2/minute", "redis://127.0.0.1:9")
    limit.count("ada")
    limit.count("ada")
    with pytest.raises(Problem):
        limit.count("ada")
