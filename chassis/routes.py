"""Routes that say everything about themselves: whom they serve, what they take, what they answer.

A route's declaration is enforced before its view runs and is what the OpenAPI description is made from.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

from flask import Blueprint, Flask, current_app, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import MultiDict

from chassis import identity
from chassis.faults import field_errors
from chassis.idempotency import offered_key
from chassis.identity import Who
from chassis.problems import Problem, invalid

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])
Model = TypeVar("Model", bound=BaseModel)
JSON_BODY = ("json",)
FORM_OR_JSON = ("form", "json")


@dataclass(frozen=True)
class Policy:
    """What a route declared."""

    who: Who
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    answers: Mapping[int, type[BaseModel] | None] = field(default_factory=dict)
    takes: tuple[str, ...] = JSON_BODY
    excused: Callable[[], bool] | None = None
    forgiving: bool = False
    hidden: bool = False
    largest_body: int | None = None

    def judge(self) -> None:
        """Let the request pass if it comes from whom the route serves; raises as `identity.judge` does."""
        if not (self.forgiving and self.who is Who.ANYONE):
            identity.judge(Who.ANYONE if self.excused and self.excused() else self.who)


class Routes(Blueprint):
    """A blueprint whose every route states its policy.

    `who` may use it; `body` and `query` are pydantic models, handed to the view under those names; `answers` maps a
    status to the model of its body; `takes` the forms in which a body may come; `excused` tells of a request whether
    the route is open to it, whoever asks; one for anyone that is `forgiving` takes a bad token for none, as signing
    in must; `hidden` keeps a route (a page, an internal call) out of the OpenAPI description; `largest_body` takes more
    bytes than others do.
    """

    def get(self, rule: str, **declared: Any) -> Callable[[View], View]:  # type: ignore[override]
        """A route that reads."""
        return self._declare("GET", rule, **declared)

    def post(self, rule: str, **declared: Any) -> Callable[[View], View]:  # type: ignore[override]
        """A route that creates or does something."""
        return self._declare("POST", rule, **declared)

    def put(self, rule: str, **declared: Any) -> Callable[[View], View]:  # type: ignore[override]
        """A route that replaces."""
        return self._declare("PUT", rule, **declared)

    def patch(self, rule: str, **declared: Any) -> Callable[[View], View]:  # type: ignore[override]
        """A route that changes a part."""
        return self._declare("PATCH", rule, **declared)

    def delete(self, rule: str, **declared: Any) -> Callable[[View], View]:  # type: ignore[override]
        """A route that removes."""
        return self._declare("DELETE", rule, **declared)

    def _declare(self, method: str, rule: str, *, who: Who, **declared: Any) -> Callable[[View], View]:
        policy = Policy(who, **declared)

        def register(view: View) -> View:
            endpoint = f"{method.lower()}_{view.__name__}"
            self.add_url_rule(rule, endpoint, _enforcing(policy, view), methods=[method], strict_slashes=False)
            return view

        return register


def policy_of(app: Flask, endpoint: str) -> Policy | None:
    """What the route of this endpoint declared, if it did."""
    return getattr(app.view_functions[endpoint], "policy", None)


def allow_declared_size() -> None:
    """Let a body be as large as its route says, before anybody reads it."""
    policy = _declared()
    if policy and policy.largest_body:
        request.max_content_length = request.max_form_memory_size = policy.largest_body


def judge_sender() -> None:
    """Let a body pass if it comes from whom its route serves, before anybody reads it."""
    policy = _declared()
    if policy:
        policy.judge()


def undeclared(app: Flask) -> list[str]:
    """The addresses for which nobody said whom they serve; a service does not start with one."""
    rules = (rule for rule in app.url_map.iter_rules() if not rule.endpoint.endswith("static"))
    return sorted(rule.rule for rule in rules if policy_of(app, rule.endpoint) is None)


def open_to_all(view: View) -> View:
    """Declare a plain Flask view, such as a probe, as open to anyone."""
    view.policy = Policy(Who.ANYONE, hidden=True)  # type: ignore[attr-defined]
    return view


def read_model(model: type[Model], values: "MultiDict[str, str]") -> Model:
    """The model that a form or a query string fills in; a field given twice counts once, an empty one as left out.

    Raises pydantic's ValidationError.
    """
    return model.model_validate({name: value for name, value in values.items() if value != ""}, strict=False)


def read_body(model: type[Model], takes: tuple[str, ...] = JSON_BODY) -> Model:
    """The model that the request's body fills in; raises a 413, 400 or 422 problem when it does not."""
    _refuse_endless()
    try:
        if "json" in takes and (request.is_json or "form" not in takes):
            return model.model_validate_json(request.get_data())
        return read_model(model, request.form)
    except ValidationError as error:
        if error.error_count() == 1 and error.errors(include_url=False)[0]["type"] == "json_invalid":
            raise Problem(400, "malformed-json", "The body is not well-formed JSON.") from error
        raise invalid(field_errors(error)) from error


def _enforcing(policy: Policy, view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    key_required: bool | None = getattr(view, "key_required", None)

    @wraps(view)
    def enforced(**values: Any) -> ResponseReturnValue:
        policy.judge()
        if policy.query:
            values["query"] = _query(policy.query)
        if policy.body:
            _judge_kind(policy.takes)
            if key_required is not None:
                offered_key(key_required)
            values["body"] = read_body(policy.body, policy.takes)
        return view(**values)

    enforced.policy = policy  # type: ignore[attr-defined]
    return enforced


def _declared() -> Policy | None:
    return policy_of(current_app, request.endpoint) if request.endpoint else None


def _query(model: type[BaseModel]) -> BaseModel:
    try:
        return read_model(model, request.args)
    except ValidationError as error:
        raise invalid(field_errors(error, "query")) from error


def _judge_kind(takes: tuple[str, ...]) -> None:
    if "form" not in takes and not request.is_json:
        raise Problem(415, detail="Send JSON, with Content-Type: application/json.")


def _refuse_endless() -> None:
    """A body of unannounced length is cut off in silence where it gets too large; reading on from there is a 413."""
    if request.content_length is None:
        request.get_data()
        request.stream.read(1)
