"""Rules of a whole record, at the door."""

import json
from typing import Any

import pytest

from xrm_core.errors import SchemaFilesInvalid
from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.model import Entity, Model
from xrm_core.metadata.predicate import EVERYTHING
from xrm_core.metadata.snapshot import from_snapshot, to_snapshot
from xrm_core.metadata.writer import files_of
from xrm_core.permissions.access import Access, Permission
from xrm_core.permissions.caller import User
from xrm_core.records.rights import told
from xrm_core.records.stored import canonical
from xrm_core.records.validation import Validator

FIELDS: dict[str, Any] = {
    "stage": {"type": "string", "enum": ["open", "won", "lost"]},
    "value": {"type": "number", "x-type": "decimal", "x-scale": 2},
    "count": {"type": "integer", "x-type": "big_integer"},
    "reason": {"type": "string"},
    "price": {"type": "object", "x-type": "money", "x-currencies": ["EUR", "USD"]},
    "tags": {"type": "array", "uniqueItems": True, "items": {"enum": ["a", "b"]}},
    "extra": {"type": "object", "x-type": "json"},
    "parent": {"x-relation": {"to": "deal", "inverse": "children"}},
    "about": {"x-relation": {"to": ["deal", "other"], "inverse": "deals"}},
    "at": {"type": "string", "format": "date-time"},
    "opens": {"type": "string", "x-type": "time"},
    "takes": {"type": "string", "format": "duration"},
    "code": {"type": "string", "format": "uuid"},
}


def model(**rules: Any) -> Model:
    deal = {"x-entity": "deal", "type": "object", "properties": FIELDS, **rules}
    other = {"x-entity": "other", "type": "object", "properties": {"name": {"type": "string"}}}
    return load_texts([("deal.json", json.dumps(deal), "core"), ("other.json", json.dumps(other), "core")])


def broken(record: dict[str, Any], **rules: Any) -> list[tuple[str, str]]:
    """Field and rule of each problem of a record."""
    made = model(**rules)
    found = Validator(made).problems(made["deal"], canonical(made["deal"], record))
    return [(problem["field"], problem["rule"]) for problem in found]


ID = "abcdef00-0000-7000-8000-000000000001"
HAS = {name: {"required": [name]} for name in FIELDS}


@pytest.mark.parametrize("empty", [None, ""])
def test_required_in_a_rule_means_not_empty(empty: str | None) -> None:
    rules = {"anyOf": [HAS["reason"], HAS["value"]]}
    assert broken({"reason": empty}, **rules) == [("", "anyOf")]
    assert broken({"reason": "x"}, **rules) == []
    assert broken({"tags": []}, allOf=[HAS["tags"]]) == [("tags", "required")]


def test_properties_say_nothing_about_what_is_empty() -> None:
    rule = {"properties": {"stage": {"const": "won"}}}
    assert broken({"stage": None}, allOf=[rule]) == []
    assert broken({"stage": "open"}, allOf=[rule]) == [("stage", "const")]


@pytest.mark.parametrize(
    ("name", "rule", "right", "wrong", "word"),
    [
        ("value", {"minimum": 0.1}, "0.10", "0.09", "minimum"),
        ("value", {"const": 2.5}, "2.50", "2.51", "const"),
        ("value", {"multipleOf": 0.05}, "123456789012.35", "123456789012.36", "multipleOf"),
        ("count", {"maximum": 2**62}, 2**62, 2**62 + 1, "maximum"),
        ("tags", {"contains": {"const": "a"}}, ["a", "b"], ["b"], "contains"),
        ("tags", {"maxItems": 1}, ["a"], ["a", "b"], "maxItems"),
        ("reason", {"pattern": "^x"}, "xy", "y", "pattern"),
        ("reason", {"minLength": 2}, "ää", "ä", "minLength"),
        ("stage", {"enum": ["won", "lost"]}, "lost", "open", "enum"),
        ("parent", {"const": ID}, ID, ID.replace("1", "2"), "const"),
        ("about", {"required": ["deal"]}, {"deal": ID}, {"other": ID}, "required"),
        ("extra", {"properties": {"n": {"minimum": 3}}, "required": ["n"]}, {"n": 3.5}, {"n": 2}, "minimum"),
        (
            "price",
            {"properties": {"amount": {"exclusiveMinimum": 0.5}, "currency": {"const": "EUR"}}},
            {"amount": "0.51", "currency": "EUR"},
            {"amount": "0.50", "currency": "EUR"},
            "exclusiveMinimum",
        ),
        ("reason", False, None, "x", "empty"),
    ],
)
def test_words_about_values_of_each_type(name: str, rule: Any, right: Any, wrong: Any, word: str) -> None:
    whole = {"properties": {name: rule}}
    assert broken({name: right}, allOf=[whole]) == []
    assert broken({name: wrong}, allOf=[whole]) == [(name, word)]


FORMS = [
    ("at", "2026-01-01T10:00:00+00:00", ["2026-01-01T10:00:00Z", "2026-01-01t11:00:00.0+01:00"]),
    ("opens", "08:30:00", ["08:30", "08:30:00.00"]),
    ("takes", "PT1H30M", ["PT90M", "PT5400S"]),
    ("code", ID, [ID.upper()]),
    ("parent", ID, [ID.upper()]),
]


@pytest.mark.parametrize(("name", "form", "others"), FORMS)
def test_a_rule_holds_for_a_value_in_whatever_form_it_was_given(name: str, form: str, others: list[str]) -> None:
    rule = {"not": {"properties": {name: {"const": form}}, "required": [name]}}
    for value in (form, *others):
        assert broken({name: value}, allOf=[rule]) == [(name, "not")], value


@pytest.mark.parametrize(("name", "form", "others"), FORMS)
def test_a_rule_names_values_in_the_one_form_that_records_have(name: str, form: str, others: list[str]) -> None:
    for value in others:
        with pytest.raises(SchemaFilesInvalid, match="No record can have the value"):
            model(allOf=[{"properties": {name: {"enum": [form, value]}}}])


@pytest.mark.parametrize(
    ("rules", "record", "expected"),
    [
        ({"if": HAS["value"], "then": HAS["stage"]}, {"value": "1"}, [("stage", "required")]),
        ({"if": HAS["value"], "then": HAS["stage"]}, {}, []),
        ({"if": HAS["value"], "then": HAS["stage"], "else": HAS["reason"]}, {}, [("reason", "required")]),
        ({"oneOf": [HAS["value"], HAS["count"]]}, {"value": "1", "count": 1}, [("", "oneOf")]),
        ({"not": HAS["reason"]}, {"reason": "x"}, [("reason", "not")]),
        ({"dependentRequired": {"value": ["stage"]}}, {"value": "1"}, [("stage", "dependentRequired")]),
        ({"dependentSchemas": {"value": HAS["stage"]}}, {"value": "1"}, [("stage", "required")]),
        (
            {"allOf": [{"if": HAS["value"], "then": {"not": HAS["reason"]}}]},
            {"value": "1", "reason": "x"},
            [("", "not")],
        ),
    ],
)
def test_rules_about_several_fields(rules: Any, record: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert broken(record, **rules) == expected


def test_a_field_that_is_wrong_by_itself_is_not_told_twice() -> None:
    assert broken({"value": "0.123"}, allOf=[{"properties": {"value": {"minimum": 5}}}]) == [("value", "digits")]


def test_the_innermost_message_in_english_counts() -> None:
    inner = {"required": ["reason"], "x-message": {"de": "Warum?"}}
    made = model(
        allOf=[{"allOf": [inner], "x-message": {"en": "outer"}}, {**HAS["value"], "x-message": {"en": "How much?"}}]
    )
    messages = [problem["message"] for problem in Validator(made).problems(made["deal"], {})]
    assert sorted(messages) == ["How much?", "Warum?"]


def test_rules_are_part_of_the_model_its_snapshot_and_its_files() -> None:
    made = model(allOf=[{"$ref": "#/$defs/r"}], **{"$defs": {"r": HAS["reason"]}})
    assert made["deal"].rules == {"allOf": ({"required": ("reason",)},)}
    assert from_snapshot(to_snapshot(made)) == made
    assert made.fingerprint != model().fingerprint
    written = load_texts([(file, text, "core") for file, text in files_of(made).items()])
    assert written == made


def test_what_a_rule_says_of_hidden_fields_is_not_told() -> None:
    # given a role that sees the stage, but not the value
    made = model(**{"if": HAS["value"], "then": HAS["stage"]})
    entity: Entity = made["deal"]
    problems = Validator(made).problems(entity, canonical(entity, {"value": "1"}))

    class Granted(Access):
        def __init__(self, *names: str) -> None:
            self.names = frozenset(names)

        def get(self, *_: Any) -> Any:
            return Permission(EVERYTHING, dict.fromkeys(self.names))

    def heard(*names: str) -> list[dict[str, str]]:
        return told(problems, entity, User("anna", Granted(*names)))

    # then it hears nothing of the rule; one that sees both, does
    assert [each["rule"] for each in heard("stage")] == ["hidden"]
    assert heard("stage", "value") == [
        {"field": "stage", "rule": "required", "message": "is missing, as a rule of deal says"}
    ]


def test_references_stand_for_what_they_refer_to() -> None:
    definitions = {"short": {"type": "string", "maxLength": 5, "title": "Short"}, "a/b": {"$ref": "#/$defs/short"}}
    text = {
        "x-entity": "thing",
        "type": "object",
        "$defs": definitions,
        "properties": {"default": {"$ref": "#/$defs/short", "title": "Mine"}, "far": {"$ref": "#/$defs/a~1b"}},
    }
    fields = load_texts([("thing.json", json.dumps(text), "core")])["thing"].fields
    assert [(field.max_length, field.description) for field in fields.values()] == [(5, "Mine"), (5, "Short")]


def test_many_mistakes_in_one_definition_are_told_once_each() -> None:
    text = {
        "x-entity": "thing",
        "type": "object",
        "$defs": {"x": {"type": "string", "maxLength": "5"}},
        "properties": {"a": {"$ref": "#/$defs/x"}, "b": {"$ref": "#/$defs/x"}},
    }
    with pytest.raises(SchemaFilesInvalid) as caught:
        load_texts([("thing.json", json.dumps(text), "core")])
    assert {problem.pointer for problem in caught.value.problems} == {"/$defs/x/maxLength"}
