"""Pages by keyset: every item once, in order, whatever the sizes of the pages."""

import base64

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis.database import db
from chassis.paging import PageQuery, Sort, page
from chassis.problems import Problem
from tests.noticeboard.models import Notice


def hang(weights: list[int]) -> None:
    db.session.execute(sa.delete(Notice))
    for number, weight in enumerate(weights):
        db.session.add(Notice(text=f"notice {number}", weight=weight))
    db.session.commit()


def walk(app: Flask, sort: Sort, limit: int) -> list[tuple[int, int]]:
    seen, cursor = [], None
    while True:
        found = page(db.session, sa.select(Notice.id, Notice.weight), sort, PageQuery(limit=limit, cursor=cursor))
        assert len(found.rows) <= limit
        seen += [(row.weight, row.id) for row in found.rows]
        cursor = found.next_cursor
        if cursor is None:
            return seen


@given(
    weights=st.lists(st.integers(-2, 2) | st.integers(-(2**31), 2**31 - 1), max_size=12),
    limit=st.integers(1, 14),
    descending=st.booleans(),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_walking_the_pages_shows_each_item_once_in_order(
    noticeboard: Flask, weights: list[int], limit: int, descending: bool
) -> None:
    hang(weights)
    seen = walk(noticeboard, Sort("weight", (Notice.weight, Notice.id), descending), limit)
    assert len(seen) == len(weights)
    assert seen == sorted(set(seen), reverse=descending)


def test_the_last_page_has_no_next(anybody: FlaskClient) -> None:
    hang([1, 2, 3])
    first = anybody.get("/api/v2/notices?limit=2")
    assert len(first.get_json()["items"]) == 2
    link = first.headers["Link"]
    assert link.endswith('; rel="next"')
    last = anybody.get(link[1 : link.index(">")])
    assert [item["weight"] for item in last.get_json()["items"]] == [3]
    assert last.get_json()["next_cursor"] is None
    assert "Link" not in last.headers


def test_an_exactly_full_last_page_has_no_next(anybody: FlaskClient) -> None:
    hang([1, 2])
    assert anybody.get("/api/v2/notices?limit=2").get_json()["next_cursor"] is None


def test_what_is_added_before_the_cursor_does_not_shift_the_next_page(anybody: FlaskClient) -> None:
    hang([10, 20, 30])
    cursor = anybody.get("/api/v2/notices?limit=2").get_json()["next_cursor"]
    db.session.add(Notice(text="early", weight=5))
    following = anybody.get(f"/api/v2/notices?limit=2&cursor={cursor}").get_json()
    assert [item["weight"] for item in following["items"]] == [30]


@given(cursor=st.text(min_size=1, max_size=80))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_cursor_can_be_made_up(noticeboard: Flask, cursor: str) -> None:
    sort = Sort("weight", (Notice.weight, Notice.id))
    with pytest.raises(Problem) as refused:
        page(db.session, sa.select(Notice.id, Notice.weight), sort, PageQuery(cursor=cursor))
    assert refused.value.status == 422


def test_a_damaged_cursor_and_one_of_another_list_are_refused(noticeboard: Flask, anybody: FlaskClient) -> None:
    hang([1, 2, 3])
    cursor = anybody.get("/api/v2/notices?limit=1").get_json()["next_cursor"]
    payload, _, signature = cursor.rpartition(".")
    forged = base64.urlsafe_b64encode(b'["weight",0,0]').decode().rstrip("=")
    for bad in (cursor[:-1], cursor + "x", payload, f"{forged}.{signature}", cursor.swapcase()):
        assert anybody.get("/api/v2/notices", query_string={"cursor": bad}).status_code == 422
    for other in (
        Sort("text", (Notice.weight, Notice.id)),
        Sort("weight", (Notice.id,)),
        Sort("weight", (Notice.id, Notice.weight)),
    ):
        with pytest.raises(Problem):
            page(db.session, sa.select(Notice.id, Notice.weight), other, PageQuery(cursor=cursor))


def test_a_list_is_served_with_its_version(anybody: FlaskClient) -> None:
    hang([1])
    answer = anybody.get("/api/v2/notices")
    again = anybody.get("/api/v2/notices", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert again.get_data() == b""
    hang([1, 2])
    assert anybody.get("/api/v2/notices", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 200
