"""File fields in entity files."""

import json

import pytest

from xrm_core.errors import BadQuery, SchemaFilesInvalid
from xrm_core.metadata.file_rules import DEFAULT_MAX_BYTES, FileRules
from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.model import Model
from xrm_core.metadata.predicate import Compare, Literal_, OfFile, Op, parse
from xrm_core.metadata.snapshot import from_snapshot, to_snapshot
from xrm_core.metadata.types import FieldType


def _load(**field: object) -> Model:
    properties = {"name": {"type": "string"}, "paper": {"x-type": "file", **field}}
    text = {"x-entity": "contract", "type": "object", "properties": properties}
    model = load_texts([("contract.json", json.dumps(text), "core")])
    assert from_snapshot(to_snapshot(model)) == model
    return model


def test_a_file_field_has_rules_and_a_column_for_the_id() -> None:
    field = _load(**{"x-media-types": ["application/pdf", "image/*"], "x-max-bytes": 1000})["contract"]["paper"]
    assert (field.type, field.columns) == (FieldType.FILE, ("paper_id",))
    assert field.file == FileRules(("application/pdf", "image/*"), 1000)
    assert _load(type="string")["contract"]["paper"].file == FileRules((), DEFAULT_MAX_BYTES)


def test_rules_say_what_fits() -> None:
    rules = FileRules(("application/pdf", "image/*"), 10)
    assert rules.problem("image/png", 10) is None
    assert "the field takes application/pdf, image/*" in (rules.problem("imagex/png", 1) or "")
    assert "10 at most" in (rules.problem("application/pdf", 11) or "")
    assert FileRules().problem("text/html", DEFAULT_MAX_BYTES) is None


@pytest.mark.parametrize(
    ("field", "pointer"),
    [
        ({"x-media-types": []}, "/x-media-types"),
        ({"x-media-types": ["pdf"]}, "/x-media-types/0"),
        ({"x-media-types": ["*/*"]}, "/x-media-types/0"),
        ({"x-media-types": ["Image/PNG"]}, "/x-media-types/0"),
        ({"x-media-types": ["a/b", "a/b"]}, "/x-media-types/1"),
        ({"x-max-bytes": 0}, "/x-max-bytes"),
        ({"x-max-bytes": 2**31}, "/x-max-bytes"),
        ({"x-max-bytes": "1 MB"}, "/x-max-bytes"),
        ({"default": "x"}, "/default"),
        ({"x-unique": True}, "/x-unique"),
        ({"maxLength": 3}, "/maxLength"),
        ({"type": "integer"}, "/type"),
    ],
)
def test_a_wrong_word_is_told_at_its_place(field: dict[str, object], pointer: str) -> None:
    with pytest.raises(SchemaFilesInvalid) as caught:
        _load(**field)
    [problem] = caught.value.problems
    assert problem.pointer == f"/properties/paper{pointer}"
    assert problem.remedy


def test_a_field_of_the_name_of_the_column_is_refused() -> None:
    properties = {"paper": {"x-type": "file"}, "paper_id": {"type": "string"}}
    text = {"x-entity": "contract", "type": "object", "properties": properties}
    with pytest.raises(SchemaFilesInvalid, match='"paper" is kept in the column "paper_id"'):
        load_texts([("contract.json", json.dumps(text), "core")])


def test_rules_of_rows_can_ask_for_files() -> None:
    model = _load()
    small = parse(model, model["contract"], {"paper": {"size": {"lt": 10}}})
    assert small == OfFile("paper", Compare("size", Op.LT, Literal_(10)))
    for wrong in ({"sha256": {"eq": "x"}}, {"eq": "x"}, {"size": {"lt": "x"}}, {"isNull": 1}, {"id": {"eq": "x"}}):
        with pytest.raises(BadQuery):
            parse(model, model["contract"], {"paper": wrong})
