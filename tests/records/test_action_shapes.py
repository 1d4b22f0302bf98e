"""What is given to actions and what they answer: the same value there and back, and nothing else gets through."""

import datetime as dt
import enum
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
import strawberry
from hypothesis import given
from hypothesis import strategies as st

from xrm_core.records.actions.shapes import ValueInvalid, made, shape_of, told


class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"


@dataclass
class Part:
    amount: Decimal
    size: Size


@strawberry.input
class Whole:
    text: str
    number: int
    share: float
    yes: bool
    day: dt.date
    at: dt.datetime
    id: strawberry.ID
    parts: list[Part]
    words: list[str | None]
    maybe: Part | None = None
    many_sizes: list[Size] = field(default_factory=list)


SHAPE = shape_of(Whole)
PARTS = st.builds(
    Part,
    amount=st.decimals(allow_nan=False, allow_infinity=False, places=4, max_value=10**9),
    size=st.sampled_from(Size),
)
WHOLES = st.builds(
    Whole,
    share=st.floats(allow_nan=False, allow_infinity=False),
    at=st.datetimes(timezones=st.just(dt.UTC)),
    id=st.uuids().map(str),
    parts=st.lists(PARTS, max_size=2),
    maybe=st.none() | PARTS,
    many_sizes=st.lists(st.sampled_from(Size), max_size=2),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["text", "parts", "x"]), inner),
    max_leaves=5,
)


@given(WHOLES)
def test_a_value_comes_back_as_it_went(whole: Whole) -> None:
    assert made(SHAPE, told(SHAPE, whole)) == whole


@given(WHOLES, st.sampled_from([part.key for part in SHAPE.parts]), JSON)
def test_what_is_none_is_refused_with_its_place(whole: Whole, key: str, value: Any) -> None:
    refused = None
    try:
        found = made(SHAPE, {**told(SHAPE, whole), key: value})
    except ValueInvalid as error:
        refused = error
    if refused is None:  # it is a value that can stand there, so it comes back as one
        assert made(SHAPE, told(SHAPE, found)) == found
    else:
        assert f"input.{key}" in refused.message


@pytest.mark.parametrize("value", [None, [], "x", 5, {"nothing": 1}])
def test_what_is_no_object_or_has_too_much_is_refused(value: Any) -> None:
    with pytest.raises(ValueInvalid):
        made(SHAPE, value)


def test_an_answer_of_another_form_is_a_mistake_of_the_plugin() -> None:
    with pytest.raises(TypeError, match="must be a Part, not dict"):
        told(shape_of(Part), {"amount": 1})
    with pytest.raises(TypeError, match="size of the answer is None"):
        told(shape_of(Part), Part(Decimal(1), None))  # type: ignore[arg-type]


def test_what_a_dataclass_refuses_itself_is_told() -> None:
    @dataclass
    class Span:
        first: int
        last: int

        def __post_init__(self) -> None:
            if self.last < self.first:
                raise ValueError("the last comes before the first")

    with pytest.raises(ValueInvalid, match="input is not possible: the last comes before the first"):
        made(shape_of(Span), {"first": 2, "last": 1})
