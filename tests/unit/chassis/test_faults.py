"""What is wrong with a field is told in plain words, never in those of a library."""

from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, StringConstraints, ValidationError

from chassis.faults import field_errors


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Thing(BaseModel):
    """One field of each kind."""

    name: Annotated[str, StringConstraints(pattern="^[a-z]*$", min_length=2, max_length=3)] = "abc"
    many: Annotated[int, Field(ge=1, le=9)] = 1
    colour: Colour = Colour.RED
    way: Literal["up", "down"] = "up"
    is_new: bool = False
    parts: Annotated[list[str], Field(min_length=1, max_length=1)] = Field(default_factory=list)


def said(**values: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        Thing(**values)
    (error,) = field_errors(refused.value)
    return f"{error['field']} {error['message']}"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"name": "A1"}, "name is not written in the way that is taken here"),
        ({"name": "a"}, "name is too short; its length must be 2 or more"),
        ({"name": "abcd"}, "name is too long; its length must be 3 or less"),
        ({"name": 7}, "name must be a text"),
        ({"many": 0}, "many must be 1 or more"),
        ({"many": 10}, "many must be 9 or less"),
        ({"many": "x"}, "many must be a whole number"),
        ({"many": 1.5}, "many must be a whole number"),
        ({"colour": "green"}, "colour must be 'red' or 'blue'"),
        ({"way": "in"}, "way must be 'up' or 'down'"),
        ({"is_new": "perhaps"}, "is_new must be true or false"),
        ({"parts": []}, "parts has too few entries; 1 is the least"),
        ({"parts": ["a", "b"]}, "parts has too many entries; 1 is the most"),
        ({"parts": "a"}, "parts must be a list"),
    ],
    ids=str,
)
def test_every_common_fault_has_plain_words(values: dict[str, Any], words: str) -> None:
    assert said(**values) == words
