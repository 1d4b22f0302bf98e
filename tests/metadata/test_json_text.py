"""JSON objects have one text, and what both databases could not keep alike is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xrm_core.metadata.json_text import MAX_JSON_BYTES, MAX_JSON_DEPTH, json_text

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
ANY = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(TEXT, ANY, max_size=4))
def test_the_text_means_the_object(value: dict[str, Any]) -> None:
    # A float may be written as the whole number that it stands for.
    assert json.loads(json_text(value), parse_int=float) == json.loads(json.dumps(value), parse_int=float)


def test_keys_are_in_the_order_of_postgresql_and_numbers_without_exponent() -> None:
    value = {"bb": 1e22, "ä": -0.0, "b": {"z": 1.50, "a": None}}
    assert json_text(value) == '{"b":{"a":null,"z":1.5},"bb":10000000000000000000000,"ä":0.0}'


def nested(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([], "not a JSON object"),
        ({"a": float("nan")}, "not finite"),
        ({"a": [float("inf")]}, "not finite"),
        ({"a": 2**63}, "beyond 64 bits"),
        ({"a\0": 1}, "NUL"),
        ({"a": "\ud800"}, "surrogates"),
        ({1: 1}, "key"),
        ({"a": object()}, "not JSON"),
        (nested(MAX_JSON_DEPTH + 1), "deeper"),
        ({"a": "ä" * (MAX_JSON_BYTES // 2)}, "longer than 64 KiB"),
    ],
)
def test_what_is_refused(value: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        json_text(value)


def test_what_just_fits() -> None:
    assert json_text(nested(MAX_JSON_DEPTH)).count("{") == MAX_JSON_DEPTH
    assert len(json_text({"a": "x" * (MAX_JSON_BYTES - 8)})) == MAX_JSON_BYTES
