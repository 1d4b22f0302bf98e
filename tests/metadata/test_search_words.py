"""``x-search`` in entity files and row rules."""

import json

import pytest

from xrm_core.errors import BadQuery, SchemaFilesInvalid
from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.model import Model
from xrm_core.metadata.predicate import Literal_, Search, parse
from xrm_core.metadata.snapshot import from_snapshot, to_snapshot


def _load(field: dict[str, object], name: str = "f") -> Model:
    text = {"x-entity": "thing", "type": "object", "properties": {"name": {"type": "string"}, name: field}}
    model = load_texts([("thing.json", json.dumps(text), "core")])
    assert from_snapshot(to_snapshot(model)) == model
    return model


@pytest.mark.parametrize(
    "more", [{}, {"x-type": "long_text"}, {"x-type": "phone"}, {"format": "email"}, {"x-sequence": {"format": "{0}"}}]
)
def test_texts_can_be_searched(more: dict[str, object]) -> None:
    thing = _load({"type": "string", "x-search": True, **more})["thing"]
    assert (thing["name"].searched, thing["f"].searched) == (False, True)


@pytest.mark.parametrize(
    "field",
    [
        {"type": "integer", "x-search": True},
        {"type": "string", "format": "date", "x-search": True},
        {"type": "string", "enum": ["a"], "x-search": True},
        {"type": "string", "x-search": "yes"},
        {"x-type": "file", "x-search": True},
    ],
)
def test_nothing_else_can(field: dict[str, object]) -> None:
    with pytest.raises(SchemaFilesInvalid) as caught:
        _load(field)
    assert [problem.pointer for problem in caught.value.problems] == ["/properties/f/x-search"]


def test_no_field_is_called_search() -> None:
    with pytest.raises(SchemaFilesInvalid, match='cannot be called "search": filters use this word'):
        _load({"type": "string"}, "search")


def test_a_rule_searches_where_there_is_something_to_search() -> None:
    model = _load({"type": "string", "x-search": True})
    assert parse(model, model["thing"], {"search": "a b"}) == Search(Literal_("a b"))
    with pytest.raises(BadQuery, match="/search must be a text"):
        parse(model, model["thing"], {"search": 7})
    for long in ("x" * 501, "x " * 21):
        with pytest.raises(BadQuery, match="at most 500 characters and 20 words"):
            parse(model, model["thing"], {"search": long})
    plain = _load({"type": "string"})
    with pytest.raises(BadQuery, match="has no field with x-search"):
        parse(plain, plain["thing"], {"search": "a"})
