"""The noticeboard's application and all its routes."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import Flask, Response
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field

from chassis import identity, pages
from chassis.answers import committed, require_match, revalidated
from chassis.app import assemble
from chassis.database import commit_and_detach, db
from chassis.idempotency import claimed, idempotency_required, idempotent
from chassis.identity import Who
from chassis.paging import PageQuery, Sort, next_link, page, page_of
from chassis.problems import Refusal
from chassis.routes import FORM_OR_JSON, Routes
from chassis.schemas import Body, Line, View
from chassis.wire import json_response
from tests.noticeboard.models import Notice
from tests.noticeboard.settings import NoticeboardSettings

notices = Routes("notices", "tests.noticeboard")
board = Routes("board", "tests.noticeboard")
first = Routes("first", "tests.noticeboard")


class NewNotice(Body):
    """A notice to pin up."""

    text: Line
    weight: int = Field(0, ge=0, le=1000)


class LooseNotice(BaseModel):
    """A notice as the first API takes it, from a form too."""

    text: str
    weight: int = 0


class NoticeView(View):
    """A notice as it hangs there."""

    id: int
    text: str
    weight: int


class Taken(Refusal):
    """The same text hangs there already."""

    detail = "That hangs there already."


class Unforeseen(Exception):
    """Something nobody thought of."""


def pin(body: NewNotice | LooseNotice) -> Notice:
    if db.session.scalar(sa.select(Notice.id).filter_by(text=body.text)):
        raise Taken(length=len(body.text))
    notice = Notice(text=body.text, weight=body.weight)
    db.session.add(notice)
    db.session.flush()
    return notice


@notices.post("/api/v2/notices", who=Who.ANYONE, body=NewNotice, answers={201: NoticeView})
@idempotent
def create(body: NewNotice) -> ResponseReturnValue:
    notice = pin(body)
    return committed(NoticeView.of(notice), 201, location=f"/api/v2/notices/{notice.id}")


@notices.post("/api/v2/second-thoughts", who=Who.ANYONE, body=NewNotice, answers={201: NoticeView})
@idempotent
def think_twice(body: NewNotice) -> ResponseReturnValue:
    pin(body)
    db.session.rollback()
    return committed(NoticeView.of(pin(body)), 201)


@notices.post("/api/v2/regrets", who=Who.ANYONE, body=NewNotice, answers={201: NoticeView})
@idempotent
def regret(body: NewNotice) -> ResponseReturnValue:
    """Refused, after a repeat has claimed the key and begun."""
    repeat = claimed()
    db.session.rollback()
    db.session.add(repeat)
    commit_and_detach()
    raise Taken


@notices.post("/api/v2/promises", who=Who.CUSTOMER, body=NewNotice, answers={201: NoticeView})
@idempotency_required
def promise(body: NewNotice) -> ResponseReturnValue:
    return committed(NoticeView.of(pin(body)), 201)


@notices.get("/api/v2/notices", who=Who.ANYONE, query=PageQuery)
def listed(query: PageQuery) -> ResponseReturnValue:
    """By weight, and by id among those of one weight."""
    statement = sa.select(Notice.id, Notice.text, Notice.weight)
    found = page(db.session, statement, Sort("weight", (Notice.weight, Notice.id)), query)
    items = [{"id": row.id, "text": row.text, "weight": row.weight} for row in found.rows]
    return revalidated(page_of(items, found.next_cursor), **next_link(found.next_cursor))


@notices.put("/api/v2/versions/<int:number>", who=Who.ANYONE)
def match(number: int) -> ResponseReturnValue:
    require_match(f"version-{number}")
    return json_response({})


@notices.get("/api/v2/faults/<text>", who=Who.ANYONE)
def fail(text: str) -> ResponseReturnValue:
    raise Unforeseen(f"nobody thought of {text}")


@notices.post("/api/v2/faults", who=Who.ANYONE, body=NewNotice)
def fail_with_body(body: NewNotice) -> ResponseReturnValue:
    raise Unforeseen(f"nobody thought of {body!r}")


def whoami() -> ResponseReturnValue:
    who = identity.current()
    return json_response({"username": who.username if who else None})


def echo(body: NewNotice) -> ResponseReturnValue:
    return committed({"text": body.text}, 201)


def under(name: str, view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """The same view under a name of its own."""

    def named(**values: Any) -> ResponseReturnValue:
        return view(**values)

    named.__name__ = name
    return named


for role in Who:
    notices.get(f"/api/v2/for/{role.value}", who=role)(under(f"for_{role.value}", whoami))
    notices.post(f"/api/v2/for/{role.value}", who=role, body=NewNotice)(under(f"for_{role.value}", echo))
    first.get(f"/for/{role.value}", who=role)(under(f"for_{role.value}", whoami))
    board.get(f"/for/{role.value}", who=role, hidden=True)(under(f"for_{role.value}", whoami))
notices.post("/internal/notices", who=Who.SERVICE, body=NewNotice, hidden=True)(echo)


@first.post("/notice/create", who=Who.ANYONE, body=LooseNotice, takes=FORM_OR_JSON)
def create_first(body: LooseNotice) -> ResponseReturnValue:
    return committed({"message": "Pinned", "notice": NoticeView.of(pin(body))})


@board.post("/board", who=Who.ANYONE, hidden=True)
def pin_by_form() -> ResponseReturnValue:
    filled, errors = pages.filled_in(NewNotice)
    return pages.onward("/board") if filled else Response("; ".join(pages.by_field(errors).values()), 422)


def create_app(settings: NoticeboardSettings | None = None, **assembled: Any) -> Flask:
    return assemble(
        "tests.noticeboard",
        settings or NoticeboardSettings.load(),
        routes=[notices, board],
        first_api=[first],
        refusals={Taken: (409, "text-taken")},
        **assembled,
    )
