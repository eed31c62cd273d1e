"""The OpenAPI 3.1 description of a service, made from what its routes declare."""

import re
from collections.abc import Iterator
from typing import Any

from flask import Flask, current_app
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from chassis import wire
from chassis.identity import Who
from chassis.problems import is_first_api
from chassis.routes import Policy, open_to_all, policy_of
from chassis.schemas import FirstRefusal, ProblemDocument

REF = "#/components/schemas/{model}"
PROBLEMS = {
    "400": "Malformed",
    "401": "Not signed in",
    "403": "Not allowed",
    "404": "Not there",
    "409": "Refused as things stand",
    "413": "Too large",
    "415": "Not JSON",
    "422": "Fields at fault",
    "429": "Too many requests",
    "503": "Try again shortly",
}
SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "service": {"type": "http", "scheme": "bearer", "description": "The services' shared token"},
}
PARAMETER_TYPES = {"IntegerConverter": "integer"}


def install(app: Flask) -> None:
    """Show the description at `/openapi.json`."""
    app.add_url_rule("/openapi.json", "openapi", open_to_all(lambda: wire.json_response(describe(current_app))))


def describe(app: Flask) -> dict[str, Any]:
    """The whole description as a document."""
    operations = list(_operations(app))
    models = {model: None for _, _, policy in operations for model in _models(policy)} | {
        ProblemDocument: None,
        FirstRefusal: None,
    }
    pairs = [(model, "validation" if _is_input(model, operations) else "serialization") for model in models]
    references, definitions = models_json_schema(pairs, ref_template=REF)  # type: ignore[arg-type]
    schemas = {model: references[(model, mode)] for model, mode in pairs}  # type: ignore[index]
    paths: dict[str, Any] = {}
    for rule, method, policy in operations:
        path = re.sub(r"<(?:[^:>]+:)?([^>]+)>", r"{\1}", rule.rule)
        paths.setdefault(path, {})[method.lower()] = _operation(app, rule, method, policy, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": app.name, "version": app.extensions["version"]},
        "paths": paths,
        "components": {"schemas": definitions.get("$defs", {}), "securitySchemes": SECURITY},
    }


def _operations(app: Flask) -> Iterator[tuple[Rule, str, Policy]]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        policy = policy_of(app, rule.endpoint) if not rule.endpoint.endswith("static") else None
        if policy is not None and not policy.hidden:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method, policy


def _models(policy: Policy) -> list[type[BaseModel]]:
    return [model for model in (policy.body, policy.query, *policy.answers.values()) if model is not None]


def _is_input(model: type[BaseModel], operations: list[tuple[Rule, str, Policy]]) -> bool:
    return any(model in (policy.body, policy.query) for _, _, policy in operations)


def _operation(app: Flask, rule: Rule, method: str, policy: Policy, schemas: dict[Any, Any]) -> dict[str, Any]:
    view = app.view_functions[rule.endpoint]
    described: dict[str, Any] = {
        "operationId": rule.endpoint.replace(".", "_"),
        "summary": (view.__doc__ or view.__name__.replace("_", " ")).strip().splitlines()[0],
        "tags": [rule.endpoint.split(".")[0]],
        "x-who": policy.who.value,
        "parameters": [*_path_parameters(rule), *_query_parameters(policy)],
        "responses": {str(status): _answer(model, schemas) for status, model in policy.answers.items()}
        | {status: _refusal(text, rule, schemas) for status, text in PROBLEMS.items()},
    }
    if policy.who is not Who.ANYONE:
        described["security"] = [{"service" if policy.who is Who.SERVICE else "bearer": []}]
        described["security"] += [{}] if policy.excused else []
    key_required = getattr(view, "key_required", None)
    if key_required is not None:
        key = {"name": "Idempotency-Key", "in": "header", "required": key_required}
        described["parameters"].append(key | {"schema": {"type": "string", "pattern": "^[!-~]{1,255}$"}})
    if policy.body:
        kinds = {"json": wire.JSON, "form": "application/x-www-form-urlencoded"}
        content = {kinds[kind]: {"schema": schemas[policy.body]} for kind in policy.takes}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _path_parameters(rule: Rule) -> list[dict[str, Any]]:
    converters = rule._converters
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": PARAMETER_TYPES.get(type(converters[name]).__name__, "string")},
        }
        for name in sorted(rule.arguments)
    ]


def _query_parameters(policy: Policy) -> list[dict[str, Any]]:
    if policy.query is None:
        return []
    schema = policy.query.model_json_schema(ref_template=REF)
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "allowEmptyValue": True, "schema": definition}
        for name, definition in schema["properties"].items()
    ]


def _answer(model: type[BaseModel] | None, schemas: dict[Any, Any]) -> dict[str, Any]:
    if model is None:
        return {"description": "Done"}
    return {"description": "Done", "content": {wire.JSON: {"schema": schemas[model]}}}


def _refusal(text: str, rule: Rule, schemas: dict[Any, Any]) -> dict[str, Any]:
    if is_first_api(rule.rule):
        return {"description": text, "content": {wire.JSON: {"schema": schemas[FirstRefusal]}}}
    return {"description": text, "content": {"application/problem+json": {"schema": schemas[ProblemDocument]}}}
