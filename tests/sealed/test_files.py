"""``x-sealed`` in entity files: what it may stand with, and what the database would have to read."""

import json
from typing import Any

import pytest

from tests.sealed.test_other_types import TYPES
from xrm_core.errors import FieldSealed, SchemaFilesInvalid
from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.model import Model
from xrm_core.metadata.predicate import parse
from xrm_core.metadata.sealing import Sealing
from xrm_core.metadata.snapshot import from_snapshot, to_snapshot
from xrm_core.metadata.writer import files_of
from xrm_core.workflows.values import PathWrong, end_of

SEALED = {"type": "string", "x-sealed": {}}
JSON = {"type": "object", "x-type": "json"}


def _load(field: dict[str, Any], **more: Any) -> Model:
    properties = {"name": {"type": "string"}, "f": field, **more.pop("properties", {})}
    text = {"x-entity": "thing", "type": "object", "properties": properties, **more}
    other = {"x-entity": "other", "type": "object", "properties": {"name": {"type": "string"}}}
    return load_texts([("thing.json", json.dumps(text), "core"), ("other.json", json.dumps(other), "core")])


def test_it_says_by_whose_key_and_how_values_are_found() -> None:
    # given
    said = {"subject": "to", "class": "art9", "blind": {"bits": 9, "form": "folded"}}
    to = {"x-relation": {"to": "other", "inverse": "things"}}

    # when
    model = _load({"type": "string", "x-sealed": said}, properties={"to": to})

    # then it is kept by snapshots and files
    assert model["thing"]["f"].sealing == Sealing("to", "art9", 9, "folded")
    again = from_snapshot(json.loads(json.dumps(to_snapshot(model))))
    assert again["thing"]["f"].sealing == model["thing"]["f"].sealing
    assert json.loads(files_of(model)["thing.json"])["properties"]["f"]["x-sealed"] == said
    assert json.loads(files_of(_load(SEALED))["thing.json"])["properties"]["f"]["x-sealed"] == {}


@pytest.mark.parametrize("more", [{"format": "email"}, {"x-type": "long_text"}, {"x-type": "phone"}, {"maxLength": 3}])
def test_texts_of_all_kinds_can_be_sealed(more: dict[str, Any]) -> None:
    assert _load({**SEALED, **more})["thing"]["f"].sealing == Sealing()


@pytest.mark.parametrize("said", TYPES.values(), ids=TYPES)
def test_other_types_are_stored_as_texts_and_kept_by_snapshots_and_files(said: dict[str, Any]) -> None:
    # given
    words = {"x-sealed": {"class": "art9"}, **said, "description": "What it is.", "x-labels": {"de": "Etwas"}}

    # when
    model = _load(words)

    # then it is a text to whatever reads what is stored, and what it is to whoever writes it
    field = model["thing"]["f"]
    assert (field.type, field.given.name, field.labels) == ("long_text", "f", {"de": "Etwas"})
    assert field.given.type != "long_text"
    again = from_snapshot(json.loads(json.dumps(to_snapshot(model))))
    assert again["thing"]["f"] == field
    assert again.fingerprint == model.fingerprint
    files = files_of(model)
    written = _load(json.loads(files["thing.json"])["properties"]["f"])
    assert written.fingerprint == model.fingerprint


@pytest.mark.parametrize(("enum", "wrong"), [(["a"], False), (["a", "b"], False), (["a", "b", "c"], True)])
def test_a_higher_layer_narrows_what_may_be_written_and_widens_nothing(enum: list[str], *, wrong: bool) -> None:
    below: dict[str, Any] = {"x-entity": "thing", "type": "object"}
    below |= {"properties": {"name": {"type": "string"}, "f": {**SEALED, "enum": ["a", "b"]}}}
    above: dict[str, Any] = {"x-extends": "thing", "properties": {"f": {"enum": enum}}}
    texts = [("thing.json", json.dumps(below), "core"), ("more.json", json.dumps(above), "deployment")]
    if not wrong:
        assert load_texts(texts)["thing"]["f"].given.enum == tuple(enum)
        return
    with pytest.raises(SchemaFilesInvalid) as refused:
        load_texts(texts)
    assert {each.pointer for each in refused.value.problems} == {"/properties/f/enum"}


@pytest.mark.parametrize(
    ("field", "more", "pointer"),
    [
        ({**SEALED, "x-unique": True}, {}, "/properties/f/x-unique"),
        ({**SEALED, "x-index": True}, {}, "/properties/f/x-index"),
        ({**SEALED, "x-search": True}, {}, "/properties/f/x-search"),
        ({**SEALED, "default": "a"}, {}, "/properties/f/default"),
        ({"x-type": "file", "x-sealed": {"blind": {"bits": 9}}}, {}, "/properties/f/x-sealed/blind"),
        ({"type": "boolean", "x-sealed": {}, "default": True}, {}, "/properties/f/default"),
        ({"type": "boolean", "x-sealed": {"blind": {"bits": 1}}}, {}, "/properties/f/x-sealed/blind"),
        (JSON | {"x-sealed": {"blind": {"bits": 8}}}, {}, "/properties/f/x-sealed/blind"),
        (
            {"type": "integer", "x-sealed": {"blind": {"bits": 8, "form": "compact"}}},
            {},
            "/properties/f/x-sealed/blind",
        ),
        ({"type": "integer", "x-index": True, "x-sealed": {}}, {}, "/properties/f/x-index"),
        ({"x-relation": {"to": "other", "inverse": "things"}, "x-sealed": {}}, {}, "/properties/f/x-sealed"),
        (SEALED, {"x-display": "f"}, "/x-display"),
        (SEALED, {"x-indexes": [["name", "f"]]}, "/x-indexes/0/1"),
        (SEALED, {"x-unique": [["name", "f"]]}, "/x-unique/0/1"),
        (SEALED, {"dependentRequired": {"name": ["f"]}}, "/properties/f"),
        ({"type": "string", "x-sealed": {"subject": "name"}}, {}, "/properties/f/x-sealed/subject"),
        ({"type": "string", "x-sealed": {"subject": "no"}}, {}, "/properties/f/x-sealed/subject"),
        ({"type": "string", "x-sealed": {"blind": {"bits": 65}}}, {}, "/properties/f/x-sealed/blind/bits"),
        (SEALED, {"properties": {"c": {"type": "string", "x-computed": "upper(f)"}}}, "/properties/c/x-computed"),
        (
            {"x-relation": {"to": "other", "many": True, "inverse": "things", "attributes": {"a": SEALED}}},
            {},
            "/properties/f/x-relation/attributes/a",
        ),
    ],
)
def test_what_the_database_would_have_to_read_is_refused(
    field: dict[str, Any], more: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(SchemaFilesInvalid) as refused:
        _load(field, **more)
    assert pointer in {problem.pointer for problem in refused.value.problems}


def test_a_roll_up_cannot_use_it() -> None:
    to = {"x-relation": {"to": "other", "inverse": "things"}}
    for rollup in (
        {"relation": "things", "function": "last", "field": "f"},
        {"relation": "things", "function": "last", "field": "name", "order_by": "f"},
        {"relation": "things", "function": "count", "where": {"f": {"eq": "a"}}},
    ):
        texts = [
            {"x-entity": "thing", "properties": {"name": {"type": "string"}, "f": SEALED, "to": to}},
            {"x-entity": "other", "properties": {"name": {"type": "string"}, "r": {"x-rollup": rollup}}},
        ]
        with pytest.raises(SchemaFilesInvalid, match="sealed"):
            load_texts([(f"{each['x-entity']}.json", json.dumps({"type": "object", **each}), "core") for each in texts])


def test_files_can_be_sealed() -> None:
    said = {"x-type": "file", "x-max-bytes": 9, "x-sealed": {"class": "art9"}}
    model = _load(said)
    assert model["thing"]["f"].sealing == Sealing(class_name="art9")
    assert json.loads(files_of(model)["thing.json"])["properties"]["f"] == said


def test_it_does_not_stand_for_a_record_by_itself() -> None:
    text = {"x-entity": "thing", "type": "object", "properties": {"f": SEALED, "name": {"type": "string"}}}
    assert load_texts([("thing.json", json.dumps(text), "core")])["thing"].display == "name"


def test_a_workflow_cannot_take_its_value() -> None:
    model = _load(SEALED)
    with pytest.raises(PathWrong, match="sealed"):
        end_of(model, model["thing"], "f")


def test_a_row_rule_cannot_look_at_it() -> None:
    model = _load(SEALED)
    with pytest.raises(FieldSealed, match="sealed"):
        parse(model, model["thing"], {"not": {"f": {"eq": "a"}}})
