"""Right files become the model that they describe, frozen, the same in whatever order they are read."""

import json
from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.metadata.pack import CONTACT, CUSTOMER, PACK
from tests.query.examples import examples
from xrm_core.errors import Problem, SchemaFilesInvalid
from xrm_core.metadata.frozen import thaw
from xrm_core.metadata.layers import LayerSource
from xrm_core.metadata.lines import read
from xrm_core.metadata.loader import load, load_texts
from xrm_core.metadata.model import Inverse, Model
from xrm_core.metadata.snapshot import from_snapshot, to_snapshot
from xrm_core.metadata.types import FieldType

IDENTIFIER = "0193a1b2-0000-7000-8000-000000000001"


@pytest.fixture(scope="module")
def model() -> Model:
    return load_texts(PACK)


def test_every_type_is_read(model: Model) -> None:
    assert {name: field.type for name, field in model["contact"].fields.items()} == {
        "last_name": FieldType.TEXT,
        "notes": FieldType.LONG_TEXT,
        "email": FieldType.EMAIL,
        "phone": FieldType.PHONE,
        "website": FieldType.URL,
        "born_on": FieldType.DATE,
        "met_at": FieldType.DATETIME,
        "external": FieldType.UUID,
        "revenue": FieldType.DECIMAL,
        "employees": FieldType.INTEGER,
        "active": FieldType.BOOLEAN,
        "status": FieldType.ENUM,
        "customer": FieldType.RELATION,
        "boss": FieldType.RELATION,
        "regarding": FieldType.RELATION,
    }


def test_keywords_of_fields_are_read(model: Model) -> None:
    fields = model["contact"].fields
    assert (fields["last_name"].required, fields["last_name"].indexed, fields["last_name"].max_length) == (
        True,
        True,
        100,
    )
    assert fields["last_name"].labels["de"] == "Nachname"
    assert fields["email"].unique
    assert (fields["revenue"].precision, fields["revenue"].scale, fields["revenue"].default) == (14, 3, "0.125")
    assert fields["active"].default is True
    assert (fields["status"].enum, fields["status"].enum_labels["lead"]["en"]) == (("lead", "active"), "Lead")
    assert fields["met_at"].renamed_from == "seen_at"
    assert fields["employees"].description == "How many people work there."
    assert fields["website"].description == "Web site"


def test_keywords_of_the_entity_are_read(model: Model) -> None:
    contact = model["contact"]
    assert (contact.plural, contact.display, contact.renamed_from) == ("contacts", "last_name", "person")
    assert contact.indexes == (("status", "last_name"),)
    assert contact.unique_together == (("customer", "last_name"),)
    assert contact.plural_labels["de"] == "Kontakte"
    assert (contact.source.file, contact.source.line, contact.source.layer) == ("contact.json", 3, "core")


def test_what_is_left_out_gets_its_default(model: Model) -> None:
    customer = model["customer"]
    assert (customer.plural, customer.display) == ("customers", "name")
    assert customer.fields["name"].max_length == 255
    fields = model["contact"].fields
    assert [fields[name].max_length for name in ("notes", "email", "website", "phone")] == [100_000, 320, 2_048, 50]
    assert (fields["employees"].minimum, fields["employees"].maximum) == (0, 2**31 - 1)
    boss = fields["boss"].relation
    assert boss is not None
    assert boss.on_delete == "restrict"


def test_inverses_stand_on_each_target(model: Model) -> None:
    labels = {"de": "Kontakte", "en": "Contacts"}
    assert dict(model["customer"].inverses) == {
        "contacts": Inverse("contacts", "contact", "customer", labels),
        "mentions": Inverse("mentions", "contact", "regarding"),
    }
    assert list(model["contact"].inverses) == ["mentions", "reports"]


def test_the_model_cannot_be_changed(model: Model) -> None:
    def assert_frozen(value: Any) -> None:
        assert not isinstance(value, dict | list | set)
        if isinstance(value, Mapping):
            assert isinstance(value, MappingProxyType)
            for part in value.values():
                assert_frozen(part)
        elif isinstance(value, tuple):
            for part in value:
                assert_frozen(part)
        elif hasattr(value, "__dataclass_fields__"):
            for name in value.__dataclass_fields__:
                assert_frozen(getattr(value, name))
                with pytest.raises(FrozenInstanceError):
                    setattr(value, name, "other")

    assert_frozen(model)


def accepted(model: Model, **values: object) -> bool:
    schema = thaw(model["contact"].json_schema)
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    return validator.is_valid({"last_name": "Ada", **values})


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"email": None, "status": None, "regarding": None, "employees": None},
        {"email": "a@b.de", "website": "https://b.de/x", "born_on": "1990-02-28", "external": IDENTIFIER},
        {"met_at": "2026-11-22T10:00:00+01:00", "revenue": 99_999_999_999, "active": False, "status": "lead"},
        {"customer": IDENTIFIER, "regarding": {"contact": IDENTIFIER}},
    ],
)
def test_right_records_fit_the_record_schema(model: Model, values: dict[str, object]) -> None:
    assert accepted(model, **values)


@pytest.mark.parametrize(
    "values",
    [
        {"last_name": None},
        {"last_name": "x" * 101},
        {"unknown": 1},
        {"id": IDENTIFIER},
        {"notes": "x" * 100_001},
        {"phone": "1" * 51},
        {"email": "nobody"},
        {"born_on": "1990-02-30"},
        {"met_at": "yesterday"},
        {"employees": 2**31},
        {"employees": -1},
        {"revenue": 10**11},
        {"active": "yes"},
        {"status": "other"},
        {"customer": "not an id"},
        {"regarding": {}},
        {"regarding": {"user": IDENTIFIER}},
        {"regarding": {"customer": IDENTIFIER, "contact": IDENTIFIER}},
    ],
)
def test_wrong_records_do_not_fit_the_record_schema(model: Model, values: dict[str, object]) -> None:
    assert not accepted(model, **values)


def test_snapshot_survives_json_and_gives_an_equal_model(model: Model) -> None:
    text = json.dumps(to_snapshot(model), allow_nan=False)
    again = from_snapshot(json.loads(text))
    assert again == model
    assert again.fingerprint == model.fingerprint
    assert to_snapshot(again) == to_snapshot(model)
    assert again["contact"].json_schema == model["contact"].json_schema


def test_snapshot_of_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="format 99"):
        from_snapshot({"format": 99, "entities": []})


def test_fingerprint_does_not_depend_on_order_layout_or_place_of_files(model: Model) -> None:
    squeezed = [(f"far/{file}", json.dumps(json.loads(text)), "plugin") for file, text, _ in reversed(PACK)]
    assert load_texts(squeezed).fingerprint == model.fingerprint
    assert load_texts(squeezed) == model
    assert list(load_texts(squeezed).entities) == list(model.entities)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"maxLength": 100', '"maxLength": 101'),
        ('"Nachname"', '"Name"'),
        ('"x-scale": 3', '"x-scale": 4'),
        ('"inverse": "reports"', '"inverse": "staff"'),
        ('["lead", "active"]', '["active", "lead"]'),
    ],
)
def test_fingerprint_changes_with_the_model(model: Model, old: str, new: str) -> None:
    assert old in CONTACT
    changed = load_texts([("contact.json", CONTACT.replace(old, new), "core"), PACK[1]])
    assert changed.fingerprint != model.fingerprint


def test_folders_are_read_in_layers(tmp_path: Path) -> None:
    # given a core pack with things beside its entity files, and a plugin's pack that refers to it
    core, fleet = tmp_path / "core", tmp_path / "fleet"
    (core / "permissions").mkdir(parents=True)
    fleet.mkdir()
    (core / "permissions" / "roles.json").write_text("{}")
    (core / "README.md").write_text("hello")
    (core / "._customer.json").write_bytes(b"\x00\x05")
    (core / "customer.json").write_text("\ufeff" + CUSTOMER, encoding="utf-8")
    (fleet / "contact.json").write_text(CONTACT, encoding="utf-8")
    # when both are loaded
    model = load([LayerSource("fleet", "plugin", fleet), LayerSource("core", "core", core)])
    # then each entity knows where it comes from
    assert [(entity.name, entity.source.layer, entity.source.file) for entity in model] == [
        ("contact", "fleet", str(fleet / "contact.json")),
        ("customer", "core", str(core / "customer.json")),
    ]
    assert model["contact"].fields["notes"].source.line == 14


def test_nothing_to_load_is_an_empty_model() -> None:
    assert dict(load([]).entities) == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@examples(60)
@given(value=JSON)
def test_strict_reader_agrees_with_the_standard_library(value: object) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=2)):
        problems: list[Problem] = []
        document = read("x.json", text, problems)
        if problems:  # only for what the library lets pass and we do not
            assert any(word in str(problems[0]) for word in ("NUL", "surrogate", "digits"))
        else:
            assert document is not None
            assert document.value == json.loads(text)


PLACES = st.sampled_from(
    [
        "",
        "/x-entity",
        "/properties",
        "/properties/email",
        "/properties/customer/x-relation",
        "/properties/regarding/x-relation/to",
        "/properties/status/enum",
        "/properties/revenue/x-scale",
        "/properties/last_name/pattern",
        "/properties/notes/default",
        "/properties/born_on/default",
        "/x-unique",
        "/x-labels/de",
        "/required",
        "/title",
    ]
)


def assert_loads_or_is_refused(text: str) -> None:
    problems: tuple[Problem, ...] | None = None
    try:
        load_texts([("x.json", text, "core")])
    except SchemaFilesInvalid as error:
        problems = error.problems
    assert problems != ()
    for problem in problems or ():
        assert problem.line >= 1
        assert problem.reason
        assert problem.remedy


@examples(60)
@given(place=PLACES, value=JSON)
def test_any_value_at_any_place_is_accepted_or_refused_in_words(place: str, value: object) -> None:
    tree: Any = json.loads(CONTACT)
    if place:
        around = tree
        *path, last = place.split("/")[1:]
        for key in path:
            around = around.setdefault(key, {})
        around[last] = value
    else:
        tree = value
    assert_loads_or_is_refused(json.dumps(tree))


@examples(60)
@given(text=st.text() | st.text(alphabet='{}[]",:-+.0123456789eE truefalsnx\\\n'), cut=st.integers(0, len(CONTACT)))
def test_any_text_is_accepted_or_refused_in_words(text: str, cut: int) -> None:
    assert_loads_or_is_refused(text)
    assert_loads_or_is_refused(CONTACT[:cut] + text + CONTACT[cut:])


def test_words_of_references_are_names_and_values_where_they_are_no_words() -> None:
    # given attributes of links that are called like words, and a JSON object that looks like a reference
    text = """{"x-entity": "a", "type": "object", "$defs": {"word": {"type": "string", "maxLength": 7}}, "properties": {
        "name": {"type": "string"},
        "data": {"type": "object", "x-type": "json", "default": {"$ref": "x"}},
        "friends": {"x-relation": {"to": "a", "many": true, "inverse": "fans", "attributes": {
            "default": {"$ref": "#/$defs/word"}, "properties": {"$ref": "#/$defs/word"}}}}}}"""
    # when they are loaded
    model = load_texts([("a.json", text, "core")])
    # then nothing is lost
    assert model["a"]["data"].default == {"$ref": "x"}
    assert [model["a_friend"][name].max_length for name in ("default", "properties")] == [7, 7]


def test_what_was_read_before_is_told_the_same_again() -> None:
    file = "a.json"
    right = json.dumps({"x-entity": "a", "type": "object", "properties": {"name": {"type": "string"}}})
    wrong = '{"x-entity": "a", "type": "object", "type": "object", "properties": {"name": {"$ref": "#/$defs/no"}}}'

    def told(*texts: str) -> list[tuple[str, str]]:
        with pytest.raises(SchemaFilesInvalid) as raised:
            load_texts([(file, text, "core") for text in texts])
        return [(problem.pointer, problem.reason) for problem in raised.value.problems]

    first = told(wrong)
    assert {pointer for pointer, _ in first} == {"/type", "/properties/name/$ref"}
    assert load_texts([(file, right, "core")]).fingerprint == load_texts([(file, right, "core")]).fingerprint
    assert told(wrong) == first
    # and a file that is given twice is two
    assert told(right, right) == [("/x-entity", 'The entity "a" is defined already, at a.json:1.')]
