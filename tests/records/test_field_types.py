"""Fields of types that plugins bring: stored as one of the platform's, in one form, on every way in."""

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from xrm_core.api import CustomFieldType, hookimpl
from xrm_core.errors import PluginLoadError, SchemaFilesInvalid
from xrm_core.metadata.custom_types import custom_types_of, kept, stored_by
from xrm_core.metadata.keywords import Keywords
from xrm_core.metadata.layers import LayerSource
from xrm_core.metadata.loader import load
from xrm_core.metadata.model import Model
from xrm_core.metadata.snapshot import from_snapshot, to_snapshot
from xrm_core.metadata.writer import files_of
from xrm_core.plugins import InstalledPlugin, Plugins
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.plan import plan
from xrm_core.testing import Setup, Xrm

FIELDS: Mapping[str, Any] = {
    "name": {"type": "string"},
    "colour": {"x-type": "paint-colour", "x-unique": True, "default": "#000000"},
    "share": {"x-type": "paint-percentage"},
    "place": {"x-type": "paint-geo-point"},
}
HEX = "^#[0-9a-f]{6}$"


def one_colour(text: str) -> str:
    text = text.strip().lower()
    return f"#{''.join(2 * each for each in text[1:])}" if len(text) == 4 else text


def in_the_world(point: Mapping[str, Any]) -> str | None:
    if set(point) != {"latitude", "longitude"}:
        return "has not a latitude and a longitude alone"
    return None if abs(point["latitude"]) <= 90 and abs(point["longitude"]) <= 180 else "is not on this world"


TYPES = [
    CustomFieldType(
        "paint-colour", {"type": "string", "maxLength": 7, "pattern": HEX}, None, one_colour, ("eq", "in", "isNull")
    ),
    CustomFieldType(
        "paint-percentage",
        {"type": "number", "x-type": "decimal", "x-precision": 5, "x-scale": 2, "minimum": 0, "maximum": 100},
        lambda share: "is unlucky" if share == 13 else None,
        description="Per cent.",
    ),
    CustomFieldType("paint-geo-point", {"type": "object", "x-type": "json"}, in_the_world),
]


class Plugin(SimpleNamespace):
    """Has the types."""

    __hash__ = object.__hash__  # type: ignore[assignment]


def installed(*types: CustomFieldType) -> Plugins:
    plugin = Plugin(register_field_types=hookimpl(lambda: list(types)))
    return Plugins([InstalledPlugin("paint", plugin, "xrm-paint", "1.0")])


ALL = installed(*TYPES)


def layer(fields: Mapping[str, Any] = FIELDS, words: tuple[str, ...] = ()) -> LayerSource:
    text = {"x-entity": "tin", "type": "object", "properties": dict(fields)}
    return LayerSource("core", "core", texts=[("tin.json", json.dumps(text))], words=words)


def read(fields: Mapping[str, Any] = FIELDS, plugins: Plugins | None = ALL, words: tuple[str, ...] = ()) -> Model:
    return load([layer(fields, words)], Keywords(plugins))


def refused(fields: Mapping[str, Any], plugins: Plugins | None = ALL, words: tuple[str, ...] = ()) -> str:
    with pytest.raises(SchemaFilesInvalid) as found:
        read(fields, plugins, words)
    return "\n".join(f"{each.pointer} {each.reason} {each.remedy}" for each in found.value.problems)


# Files and model


def test_a_field_is_what_it_is_stored_as_and_keeps_its_type_where_it_is_written_again() -> None:
    model = read()
    share = model["tin"].fields["share"]
    assert (share.custom_type, share.type, share.scale, share.maximum) == ("paint-percentage", "decimal", 2, 100)
    assert model["tin"].fields["colour"].operators == ("eq", "in", "isNull")
    assert from_snapshot(to_snapshot(model)).fingerprint == model.fingerprint
    again = LayerSource("core", "core", texts=tuple(files_of(model).items()), words=("x-paint",))
    assert load([again], Keywords(ALL)).fingerprint == model.fingerprint
    assert load([again]).fingerprint == model.fingerprint, "without the plugin, too: the file says how it is stored"


def test_a_type_that_nobody_has_is_told_with_its_field() -> None:
    told = refused({"colour": {"x-type": "paint-color"}})
    assert '/properties/colour/x-type No plugin that is loaded has the type "paint-color" of "colour".' in told
    assert 'Did you mean "paint-colour"?' in told
    told = refused({"colour": {"x-type": "paint-colour"}}, None, ("x-paint",))
    assert "Switch its plugin on, or say by" in told


@pytest.mark.parametrize(
    ("field", "told"),
    [
        (
            {"x-type": "paint-percentage", "maximum": 200},
            '/maximum "maximum" is for the type "paint-percentage" to say.',
        ),
        (
            {"x-type": "paint-colour", "x-stored-as": {"type": "integer"}},
            'of its plugin has "type": "string"; here it is',
        ),
        ({"x-type": "paint-colour", "x-stored-as": {"x-relation": {}}}, '"x-stored-as" is no way to store a value.'),
        ({"x-type": "paint-colour", "default": "red"}, "The default breaks the field's own rules"),
    ],
)
def test_a_field_says_nothing_that_its_type_says_otherwise(field: Mapping[str, Any], told: str) -> None:
    assert told in refused({"colour": field})


def test_a_higher_layer_narrows_such_a_field_as_any_other() -> None:
    def above(most: int) -> LayerSource:
        text = {"x-extends": "tin", "properties": {"share": {"maximum": most}}}
        return LayerSource("site", "deployment", texts=[("tin.json", json.dumps(text))])

    assert load([layer(), above(50)], Keywords(ALL))["tin"].fields["share"].maximum == 50
    with pytest.raises(SchemaFilesInvalid, match="maximum"):
        load([layer(), above(200)], Keywords(ALL))


def test_an_entity_that_is_called_like_the_scalar_is_told() -> None:
    other = {"x-entity": "paint_colour", "type": "object", "properties": {"name": {"type": "string"}}}
    texts = [("paint_colour.json", json.dumps(other)), *layer().texts]
    with pytest.raises(SchemaFilesInvalid, match="makes the type PaintColour of the API, which is another's"):
        load([LayerSource("core", "core", texts=texts)], Keywords(ALL))


STORED: Mapping[str, Any] = {"type": "string"}


@pytest.mark.parametrize(
    ("types", "cause"),
    [
        ([CustomFieldType("colour", STORED)], "the field type 'colour' must be called 'paint', or begin with that"),
        ([CustomFieldType("paint-A", STORED)], "has a name that is none"),
        ([CustomFieldType("paint", STORED)] * 2, "is one of the plugin paint of xrm-paint 1.0, too"),
        ([CustomFieldType("paint", STORED, check="no")], "has a function that is none"),  # type: ignore[arg-type]
        ([CustomFieldType("paint", {"type": "number"})], 'is stored as what cannot be: "x-type" is missing.'),
        ([CustomFieldType("paint", {"type": "object", "x-type": "money"})], "is stored as money"),
        ([CustomFieldType("paint", {"x-relation": {"to": "user"}})], "words that are none for that: x-relation"),
        ([CustomFieldType("paint", {})], "is not stored"),
        ([CustomFieldType("paint", STORED, operators=("near",))], "operators that are none of what is stored: near"),
        ([CustomFieldType("paint", {"type": "boolean"}, operators=("lt",))], "none of what is stored: lt"),
        (["paint"], "register_field_types must return a list of CustomFieldType"),
    ],
)
def test_types_that_cannot_be_used_name_the_plugin(types: Any, cause: str) -> None:
    with pytest.raises(PluginLoadError, match=cause):
        custom_types_of(installed(*types))


# Changes of the model


def test_a_plan_knows_the_type_as_what_it_is_stored_as(database: Database) -> None:
    before = read({"share": {"type": "number", "x-type": "decimal", "x-precision": 5}})
    apply(database, before)

    def told(fields: Mapping[str, Any]) -> list[str]:
        with database.read() as connection:
            return [type(each).__name__ for each in plan(connection, before, read(fields)).operations]

    assert told({"share": {"x-type": "paint-percentage"}}) == ["ChangeLimits", "ChangeMetadata"]
    assert "ChangeType" in told({"share": {"x-type": "paint-geo-point"}})


def test_a_plugin_that_is_switched_off_leaves_files_that_say_how_its_types_are_stored() -> None:
    text = json.dumps({"x-entity": "tin", "type": "object", "properties": FIELDS})
    left = LayerSource("core", "core", texts=[("tin.json", kept(text, stored_by(ALL)))], words=("x-paint",))
    assert load([left]).fingerprint == read().fingerprint
    assert kept('{"x-entity": "plain"}', stored_by(ALL)) == '{"x-entity": "plain"}', "others stay as they are"


# Values, over the API


SETUP = Setup(
    {"paint": Plugin(register_field_types=hookimpl(lambda: list(TYPES)))},
    pack=None,
    files={
        "user": {
            "x-entity": "user",
            "type": "object",
            "required": ["name", "email"],
            "properties": {
                "name": {"type": "string"},
                "email": {"type": "string", "format": "email", "x-unique": True},
                "active": {"type": "boolean", "default": True},
            },
        },
        "tin": {"x-entity": "tin", "type": "object", "required": ["name"], "properties": FIELDS},
    },
    roles={"roles": {"clerk": {}}},
    policies=["clerk,tin,*,*,,allow"],
)
CREATE = "mutation ($input: CreateTinInput!) { createTin(input: $input) { id colour share place } }"
POINT = {"latitude": 48.1, "longitude": 11.6}


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return SETUP


def test_values_are_taken_in_any_form_kept_in_one_and_found_by_any(xrm: Xrm) -> None:
    clerk = xrm.as_role("clerk")
    given = {"name": "red", "colour": " #F00 ", "share": "12.50", "place": POINT}
    made = clerk.query(CREATE, input=given)["createTin"]
    assert made == {"id": made["id"], "colour": "#ff0000", "share": "12.50", "place": POINT}

    document = "query ($c: PaintColour!) { tins(where: {colour: {eq: $c}}) { nodes { name } } }"
    with xrm.statements() as asked:
        found = clerk.query(document, c="#F00")
    assert found == {"tins": {"nodes": [{"name": "red"}]}}
    assert len([each for each in asked if "FROM tin" in each]) == 1
    literal = '{ tins(where: {colour: {in: ["#f00"]}, share: {gt: 12}}) { nodes { name } } }'
    assert clerk.query(literal) == {"tins": {"nodes": [{"name": "red"}]}}
    figures = clerk.query("{ tinsAggregate { sum { share } max { share } } }")["tinsAggregate"]
    assert figures == [{"sum": {"share": "12.50"}, "max": {"share": "12.50"}}]


def test_every_way_in_brings_values_into_one_form(xrm: Xrm) -> None:
    clerk = xrm.as_role("clerk")
    one = clerk.query(CREATE, input={"name": "one", "colour": "#ABC"})["createTin"]["id"]
    update = 'mutation ($id: ID!) { updateTin(id: $id, input: {colour: "#DEF"}) { colour } }'
    assert clerk.query(update, id=one) == {"updateTin": {"colour": "#ddeeff"}}
    with xrm.database.begin() as connection:
        records, caller = xrm.platform.records, xrm._system()
        other = records.create(connection, caller, "tin", {"name": "plugin", "colour": "#012"})
        again, created = records.upsert(connection, caller, "tin", ["colour"], {"name": "x", "colour": "#012"})
    assert (again, created) == (other, False)
    assert (xrm.get("tin", other) or {})["colour"] == "#001122"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"share": "13"}, {"field": "share", "rule": "type", "message": "is unlucky"}),
        ({"share": "101"}, {"field": "share", "rule": "maximum"}),
        ({"colour": "red"}, {"field": "colour", "rule": "pattern"}),
        ({"place": {"latitude": 1}}, {"field": "place", "rule": "type"}),
        ({"place": {"latitude": 91, "longitude": 1}}, {"message": "is not on this world"}),
    ],
)
def test_what_is_wrong_is_a_problem_of_the_record(xrm: Xrm, given: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    refusal = xrm.as_role("clerk").refused(CREATE, "VALIDATION_FAILED", input={"name": "wrong", **given})
    [problem] = refusal.details["problems"]
    assert {name: problem[name] for name in told} == told


def test_the_schema_has_a_scalar_with_the_operators_of_the_type(xrm: Xrm) -> None:
    document = """{ colour: __type(name: "PaintColour") { kind } share: __type(name: "PaintPercentage") { description }
      filter: __type(name: "PaintColourFilter") { inputFields { name } }
      all: __type(name: "PaintPercentageFilter") { inputFields { name } } }"""
    found = xrm.as_role("clerk").query(document)
    assert found["colour"] == {"kind": "SCALAR"}
    assert found["share"] == {"description": "Per cent."}
    assert [each["name"] for each in found["filter"]["inputFields"]] == ["eq", "in", "isNull", "ignoring"]
    assert "gte" in [each["name"] for each in found["all"]["inputFields"]]
    xrm.as_role("clerk").refused('{ tins(where: {colour: {contains: "f"}}) { nodes { name } } }')
