"""What stands in a table instead of what went into the archive fits the field, names nobody, and is known again."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xrm_dsgvo.archive.standing_in import is_ours, stands_in, stays_readable

from xrm_core.api import Field, value_fits
from xrm_core.metadata.loader import load_texts


def field(**said: Any) -> Field:
    """A field that must have a value, as a file says it."""
    body = {"x-entity": "paper", "type": "object", "required": ["it"], "properties": {"it": said}}
    return load_texts([("paper.json", json.dumps(body), "core")])["paper"]["it"]


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ({"type": "string", "maxLength": 100}, "Ada"),
        ({"type": "string", "maxLength": 10}, "Ada"),
        ({"type": "string", "maxLength": 2}, "Ad"),
        ({"type": "string", "minLength": 30, "maxLength": 60}, "Ada" * 10),
        ({"type": "string", "maxLength": 5, "pattern": "^[0-9]{5}$"}, "76133"),
        ({"type": "string", "maxLength": 2, "pattern": "^[A-Z]{2}$"}, "DE"),
        ({"type": "string", "maxLength": 20, "pattern": "^[a-z]+$"}, "ada"),
        ({"type": "string", "x-type": "phone"}, "+491701234567"),
        ({"type": "string", "format": "email"}, "ada@weiss.example"),
        ({"type": "string", "format": "email", "maxLength": 20}, "ada@weiss.example"),
        ({"type": "string", "format": "uri"}, "https://weiss.example/ada"),
        ({"type": "string", "format": "uuid"}, "018f0000-0000-7000-8000-000000000001"),
        ({"type": "object", "x-type": "json"}, {"name": "Ada"}),
        ({"type": "string", "format": "date"}, "1985-12-10"),
        ({"type": "string", "format": "date-time"}, "1985-12-10T10:00:00Z"),
        ({"type": "integer", "minimum": 1000, "maximum": 9999}, 4711),
        ({"type": "integer"}, 4711),
    ],
)
def test_there_is_a_value_of_the_fields_own_type_that_is_known_again(said: dict[str, Any], value: Any) -> None:
    # given a field that may not be empty
    it = field(**said)

    # when
    instead = stands_in(it)

    # then it fits, is another one, and is no person's
    assert value_fits(it, value)
    assert not is_ours(it, value)
    assert instead != value
    assert value_fits(it, instead)
    assert is_ours(it, instead)
    assert not stays_readable(it, "keep")


@pytest.mark.parametrize(
    "said",
    [
        {"type": "string", "maxLength": 100},
        {"type": "string", "maxLength": 15},
        {"type": "string", "maxLength": 9},
        {"type": "string", "format": "email", "maxLength": 30},
        {"type": "string", "format": "uri"},
        {"type": "string", "format": "uuid"},
    ],
)
def test_where_no_two_may_have_the_same_each_is_another(said: dict[str, Any]) -> None:
    it = field(**said, **{"x-unique": True})

    found = {stands_in(it) for _ in range(50)}

    assert len(found) == 50
    assert all(value_fits(it, each) and is_ours(it, each) for each in found)


@pytest.mark.parametrize(
    ("said", "strategy", "stays"),
    [
        ({"type": "string", "maxLength": 8, "x-unique": True}, "keep", True),
        ({"type": "string", "x-type": "phone", "x-unique": True}, "keep", True),
        ({"type": "integer", "x-unique": True}, "keep", True),
        ({"type": "string", "maxLength": 30, "pattern": "^[A-Z]{2}-[0-9]+$"}, "keep", True),
        ({"type": "string", "maxLength": 30, "pattern": "^[A-Z]{2}-[0-9]+$"}, "constant", False),
        ({"x-type": "file"}, "delete_file", True),
        ({"type": "number", "x-type": "decimal"}, "keep", True),
    ],
)
def test_where_nothing_fits_that_is_known(said: dict[str, Any], strategy: str, stays: bool) -> None:
    assert stays_readable(field(**said), strategy) is stays


@given(st.integers(1, 60), st.integers(0, 60), st.booleans())
@settings(max_examples=60, deadline=None)
def test_for_a_text_of_any_length_there_is_one_or_it_is_said(longest: int, less: int, unique: bool) -> None:
    it = field(type="string", maxLength=longest, minLength=max(1, longest - less), **{"x-unique": unique})

    instead = stands_in(it)

    assert (instead is None) == stays_readable(it, None)
    assert instead is not None or unique or it.min_length > 40
    if instead is not None:
        assert value_fits(it, instead)
        assert is_ours(it, instead)
        assert unique or is_ours(it, stands_in(it))


@pytest.mark.parametrize(
    ("said", "value", "fits"),
    [
        ({"type": "string", "maxLength": 3}, "Ada", True),
        ({"type": "string", "maxLength": 3}, "Adam", False),
        ({"type": "string", "pattern": "^A"}, "Bela", False),
        ({"type": "integer", "minimum": 2}, 1, False),
        ({"type": "integer"}, "1", False),
        ({"type": "number", "x-type": "decimal", "x-precision": 4, "x-scale": 2}, "12.50", True),
        ({"type": "number", "x-type": "decimal", "x-precision": 4, "x-scale": 2}, "123.50", False),
        ({"type": "number", "x-type": "decimal"}, "much", False),
        ({"type": "string", "enum": ["a", "b"]}, "c", False),
        ({"type": "string", "format": "date"}, "2026-02-30", False),
    ],
)
def test_whether_a_value_fits_is_what_its_file_says(said: dict[str, Any], value: Any, fits: bool) -> None:
    assert value_fits(field(**said), value) is fits
