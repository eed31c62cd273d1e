"""One JSON object a line on standard output, with every secret struck out."""

import logging
import logging.config
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import orjson
import structlog
from flask import has_request_context, request
from structlog.typing import EventDict, Processor, WrappedLogger
from werkzeug.exceptions import HTTPException

STRUCK = "*******"
TELLTALES = "password|passwd|secret|token|authorization|cookie|api[_-]?key|card"
LONGEST_TEXT = 2048
DEEPEST = 20

_SECRET_KEY = re.compile(TELLTALES, re.IGNORECASE)
# Each begins at a word's beginning alone and takes the word whole: who sends words made of telltales gains no time.
_SECRET_PAIR = re.compile(
    rf"""((?<![\w.\-\[\]])(?=[\w.\-\[\]]*?(?:{TELLTALES}))[\w.\-\[\]]++["']?\s*+(?:=|:|%3D)\s*+)"""
    r"""("[^"]*"|'[^']*'|(?:Basic|Bearer)\s+\S+|[^\s&;,"')}\]]+)""",
    re.IGNORECASE,
)
_USERINFO = re.compile(r"(?<!\w)(\w++://)[^/\s]+@")
_SUSPECT = re.compile(rf"{TELLTALES}|[@\x80-\xff]".encode("latin-1"))
_LINE_ENDS = {
    ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"
}  # JSON lets them stand, readers of lines may not


class Output:
    """Where lines go: standard output, whose buffer takes each as a whole.

    structlog's own loggers hold a lock of Python's while the kernel writes, behind which all threads queue up.
    """

    def info(self, line: bytes) -> None:
        """Write a line, whatever its level."""
        sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()

    debug = warning = error = critical = info


def configure(service: str, level: str) -> None:
    """Send this process's own lines and those of its libraries through one set of processors."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _named(service),
        structlog.processors.format_exc_info,
    ]
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, as_line],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *names: Output(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                lambda *event: as_line(*event).decode(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.INFO), force=True)
    logging.captureWarnings(True)


def redact(value: Any, depth: int = 0) -> Any:
    """A copy of a value in which whatever stands under a secret's name, at any depth, is struck out."""
    if depth > DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {
            str(key): STRUCK if _SECRET_KEY.search(str(key)) else redact(item, depth + 1) for key, item in value.items()
        }
    if isinstance(value, list | tuple | set):
        return [redact(item, depth + 1) for item in value]
    return scrub(value) if isinstance(value, str) else value


def scrub(text: str) -> str:
    """Text without the secrets that stand in it as `name=value`, `"name": "value"` or `scheme://user:secret@host`."""
    return _struck(text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…")


def as_line(logger: WrappedLogger, method: str, event: EventDict) -> bytes:
    """The structlog processor that makes an event one line of JSON, in which every secret is struck out."""
    line = _dumped(event)
    # Few lines have a secret's name in them, and to look for just that costs a tenth of copying what they say.
    if len(line) > LONGEST_TEXT or "exception" in event or _SUSPECT.search(line.lower()):
        line = _dumped(_redacted(event)).decode().translate(_LINE_ENDS).encode()
    return line


def _redacted(event: EventDict) -> EventDict:
    """A whole event without its secrets, also those that an exception repeats."""
    trace = event.pop("exception", None)
    event = redact(event)
    if trace is not None:
        for secret in sorted(_secrets_of_request(), key=len, reverse=True):
            trace = trace.replace(secret, STRUCK)
        event["exception"] = _struck(trace)
    return event


def _struck(text: str) -> str:
    # Few texts have a secret's name in them, and to look for just that costs a tenth.
    if _SECRET_KEY.search(text):
        text = _SECRET_PAIR.sub(rf"\1{STRUCK}", text)
    return _USERINFO.sub(rf"\1{STRUCK}@", text) if "@" in text else text


def _secrets_of_request() -> set[str]:
    if not has_request_context():
        return set()
    sources = [dict(request.headers), request.cookies.to_dict(), request.args.to_dict(flat=False)]
    sources.append({"cookie": list(request.cookies.values())})
    with suppress(HTTPException):  # a body that is refused, for its size say, was not read, and nothing repeats it
        if request.is_json:
            sources.append(request.get_json(silent=True))
        elif request.mimetype == "application/x-www-form-urlencoded":
            sources.append(request.form.to_dict(flat=False))
    return {text for text in _under_secret_names(sources) if len(text) > 3}


def _under_secret_names(value: Any, secret: bool = False) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _under_secret_names(item, secret or bool(_SECRET_KEY.search(str(key))))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _under_secret_names(item, secret)
    elif secret and isinstance(value, str):
        yield value
        yield from value.split()[1:]


def _named(service: str) -> Processor:
    def name_service(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        return {"service": service, **event}

    return name_service


def _dumped(event: EventDict) -> bytes:
    return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS)
