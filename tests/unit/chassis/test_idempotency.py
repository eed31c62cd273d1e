"""A request that is repeated under its Idempotency-Key has one effect and one answer."""

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chassis import idempotency
from chassis.database import db, now
from chassis.idempotency import KEPT, IdempotencyKey, forget_old_keys
from tests.accounts import Accounts
from tests.noticeboard.models import Notice


def pin(client: FlaskClient, key: str | None, text: str, path: str = "/api/v2/notices") -> TestResponse:
    return client.post(path, json={"text": text}, headers={"Idempotency-Key": key} if key else {})


def pinned(text: str) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(Notice).filter_by(text=text)) or 0


def test_a_repeat_gets_the_first_answer(anybody: FlaskClient) -> None:
    first, again = pin(anybody, "k1", "lost: a cat"), pin(anybody, "k1", "lost: a cat")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.get_data() == first.get_data()
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert pinned("lost: a cat") == 1


def test_the_same_key_for_something_else_is_refused(anybody: FlaskClient) -> None:
    pin(anybody, "k1", "lost: a cat")
    other = pin(anybody, "k1", "lost: a dog")
    assert other.status_code == 422
    assert other.get_json()["type"].endswith("/idempotency-key-reused")
    assert pinned("lost: a dog") == 0


def test_the_order_of_fields_does_not_make_another_request(anybody: FlaskClient) -> None:
    headers = {"Idempotency-Key": "k1", "Content-Type": "application/json"}
    first = anybody.post("/api/v2/notices", data=b'{"text": "a", "weight": 2}', headers=headers)
    again = anybody.post("/api/v2/notices", data=b'{ "weight":2, "text":"a" }', headers=headers)
    assert again.get_data() == first.get_data()


def test_two_people_may_choose_the_same_key(noticeboard: Flask, accounts: Accounts) -> None:
    ada, bob = (noticeboard.test_client(token=accounts.token(name)) for name in ("ada", "bob"))
    assert pin(ada, "k1", "ada was here").status_code == 201
    assert pin(bob, "k1", "bob was here").status_code == 201


def test_a_refusal_is_kept_as_well(anybody: FlaskClient) -> None:
    pin(anybody, None, "lost: a cat")
    first = pin(anybody, "k1", "lost: a cat")
    assert first.status_code == 409
    db.session.execute(sa.delete(Notice))
    again = pin(anybody, "k1", "lost: a cat")
    assert again.status_code == 409
    assert again.get_json() == first.get_json()
    assert again.mimetype == "application/problem+json"
    assert pinned("lost: a cat") == 0


def test_bad_fields_do_not_use_the_key_up(anybody: FlaskClient) -> None:
    assert anybody.post("/api/v2/notices", json={}, headers={"Idempotency-Key": "k1"}).status_code == 422
    assert pin(anybody, "k1", "now it is right").status_code == 201


def test_some_routes_insist_on_a_key(ada: FlaskClient) -> None:
    answer = pin(ada, None, "I will", "/api/v2/promises")
    assert answer.status_code == 400
    assert answer.get_json()["type"].endswith("/idempotency-key-missing")
    assert pin(ada, "k1", "I will", "/api/v2/promises").status_code == 201


@pytest.mark.parametrize("key", ["", " ", "a b", "ä", "x" * 256, "tab\there"])
def test_a_malformed_key_is_refused(anybody: FlaskClient, key: str) -> None:
    answer = anybody.post("/api/v2/notices", json={"text": "a"}, headers={"Idempotency-Key": key})
    assert answer.status_code == 400


@pytest.mark.parametrize("key", ["!", "~" * 255, '"quoted"', "%00", "';--"])
def test_any_visible_key_will_do(anybody: FlaskClient, key: str) -> None:
    assert pin(anybody, key, "a").status_code == 201
    assert pin(anybody, key, "a").headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("key", [None, "a b"])
def test_the_key_is_judged_after_the_kind_of_the_body_and_before_what_is_in_it(
    ada: FlaskClient, key: str | None
) -> None:
    headers = {"Idempotency-Key": key} if key else {}
    assert ada.post("/api/v2/promises", data={"text": "a form"}, headers=headers).status_code == 415
    answer = ada.post("/api/v2/promises", json={}, headers=headers)
    assert (answer.status_code, "idempotency-key" in answer.get_json()["type"]) == (400, True)


def test_keys_that_differ_in_case_are_two_keys(anybody: FlaskClient) -> None:
    assert pin(anybody, "key", "a").status_code == 201
    assert "Idempotency-Replayed" not in pin(anybody, "KEY", "b").headers
    assert pinned("b") == 1


def test_many_repeats_at_once_have_one_effect(noticeboard: Flask) -> None:
    at_once = threading.Barrier(8)
    text = f"at once {secrets.token_hex(4)}"

    def repeat(_: int) -> tuple[int, bytes, str | None]:
        client = noticeboard.test_client()
        at_once.wait()
        answer = pin(client, "k1", text)
        return answer.status_code, answer.get_data(), answer.headers.get("Idempotency-Replayed")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(repeat, range(8)))
    assert {(status, body) for status, body, _ in answers} == {(201, answers[0][1])}
    assert [replayed for *_, replayed in answers].count(None) == 1
    assert pinned(text) == 1


def test_a_repeat_of_what_still_runs_is_told_so_in_the_end(
    anybody: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "PATIENCE_SECONDS", 0.2)
    pin(anybody, "k1", "takes long")
    db.session.execute(sa.update(IdempotencyKey).values(status=None))
    answer = pin(anybody, "k1", "takes long")
    assert answer.status_code == 409
    assert answer.get_json()["type"].endswith("/request-in-progress")


def test_an_effect_whose_answer_cannot_be_kept_does_not_happen(
    noticeboard: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError("no space")

    monkeypatch.setattr(IdempotencyKey, "keep", full)
    assert pin(noticeboard.test_client(), "k1", "half done").status_code == 500
    assert pinned("half done") == 0
    assert db.session.scalar(sa.select(sa.func.count()).select_from(IdempotencyKey)) == 0


def test_a_use_case_that_begins_anew_keeps_its_claim(anybody: FlaskClient) -> None:
    first, again = (pin(anybody, "k1", "on second thoughts", "/api/v2/second-thoughts") for _ in range(2))
    assert first.status_code == 201
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.get_data() == first.get_data()


def test_one_that_is_refused_does_not_answer_for_a_repeat_that_still_runs(anybody: FlaskClient) -> None:
    refused = pin(anybody, "k1", "changed my mind", "/api/v2/regrets")
    assert refused.status_code == 409
    assert db.session.scalars(sa.select(IdempotencyKey.status)).all() == [None]


def test_old_keys_are_forgotten_and_young_ones_kept(anybody: FlaskClient) -> None:
    for key in ("old", "young"):
        pin(anybody, key, key)
    past = now() - KEPT - timedelta(minutes=1)
    db.session.execute(sa.update(IdempotencyKey).filter_by(key="old").values(created_at=past))
    assert forget_old_keys() == 1
    db.session.commit()
    assert pin(anybody, "young", "young").headers["Idempotency-Replayed"] == "true"
