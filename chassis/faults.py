"""What is wrong with a field, in words for people, never with what was sent."""

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from chassis.problems import FieldErrors

MOST_TOLD = 100  # to word one takes a hundred times the room of the few bytes that are at fault

# Everything else is worded where it is raised.
WORDS = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "enum": "must be {expected}",
    "extra_forbidden": "is not a field of this",
    "greater_than_equal": "must be {ge} or more",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "int_type": "must be a whole number",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
    "list_type": "must be a list",
    "literal_error": "must be {expected}",
    "missing": "is missing",
    "model_type": "must be an object",
    "string_pattern_mismatch": "is not written in the way that is taken here",
    "string_too_long": "is too long; its length must be {max_length} or less",
    "string_too_short": "is too short; its length must be {min_length} or more",
    "string_type": "must be a text",
    "too_long": "has too many entries; {max_length} is the most",
    "too_short": "has too few entries; {min_length} is the least",
}


def field_errors(error: ValidationError, whole: str = "body") -> FieldErrors:
    """Each field at fault with what is wrong with it, or that too much is; `whole` names what is no single field."""
    if error.error_count() > MOST_TOLD:
        return [{"field": whole, "message": f"has more than {MOST_TOLD} faults"}]
    return [
        {"field": ".".join(map(str, fault["loc"])) or whole, "message": _words(fault)}
        for fault in error.errors(include_input=False, include_url=False)
    ]


def _words(fault: ErrorDetails) -> str:
    known = WORDS.get(fault["type"])
    return known.format(**fault.get("ctx", {})) if known else fault["msg"].removeprefix("Value error, ")
