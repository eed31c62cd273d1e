"""What the sandbox says no with: Stripe's error documents."""

from typing import Any

from flask import Response

from chassis import wire
from chassis.problems import Problem


class Refused(Problem):
    """An error as Stripe writes it; `details` are further fields of the document, such as `code` and `param`."""

    def __init__(self, status: int, kind: str, message: str, **details: Any) -> None:
        super().__init__(status, kind, message)
        self.error_document = {"error": {"type": kind, "message": message, **details}}

    def answer(self) -> Response:
        return wire.json_response(self.error_document, status=self.status)


def invalid(message: str, **details: Any) -> Refused:
    """The request makes no sense."""
    return Refused(400, "invalid_request_error", message, **details)


def missing(kind: str, object_id: str, status: int = 404, param: str = "id") -> Refused:
    """There is no such object."""
    name = kind.replace("_", " ")
    details = {"code": "resource_missing", "param": param}
    return Refused(status, "invalid_request_error", f"No such {name}: '{object_id}'", **details)
