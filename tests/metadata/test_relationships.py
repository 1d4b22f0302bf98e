"""Relationship files: what they make, and what can be wrong with them."""

import json
from pathlib import Path
from typing import Any

import pytest

from xrm_core.errors import Problem, SchemaFilesInvalid
from xrm_core.metadata.layers import LayerSource
from xrm_core.metadata.loader import load, load_texts
from xrm_core.metadata.model import Model
from xrm_core.metadata.snapshot import from_snapshot, to_snapshot
from xrm_core.metadata.writer import files_of

PAIR = {"from": "person", "to": "firm"}
ENTITIES = {name: {"x-entity": name, "properties": {"name": {"type": "string"}}} for name in ("person", "firm")}


def texts(relationship: Any) -> list[tuple[str, str, str]]:
    files = {**ENTITIES, "relationships/knows": {"x-relationship": "knows", "x-pairs": [PAIR], **relationship}}
    return [(f"{name}.json", json.dumps({"type": "object", **body}, indent=0), "core") for name, body in files.items()]


def read(**relationship: Any) -> Model:
    return load_texts(texts(relationship))


def problems(**relationship: Any) -> tuple[Problem, ...]:
    with pytest.raises(SchemaFilesInvalid) as caught:
        read(**relationship)
    return caught.value.problems


def test_a_relationship_is_an_entity_with_two_ends_and_a_period() -> None:
    model = read(properties={"level": {"type": "integer"}}, required=["level"])
    knows = model["knows"]
    assert (knows.kind, knows.plural) == ("relationship", "knows_links")
    assert {name: field.columns for name, field in knows.fields.items()} == {
        "source": ("source_person_id",),
        "target": ("target_firm_id",),
        "valid_from": ("valid_from",),
        "valid_to": ("valid_to",),
        "level": ("level",),
    }
    assert [name for name, field in knows.fields.items() if field.required] == ["source", "target", "level"]
    assert list(model["person"].inverses) == ["knows"]
    assert list(model["firm"].inverses) == ["knows_reverse"]


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"x-pairs": [PAIR, {"from": "firm", "to": "firm"}], "x-symmetric": True, "x-labels": {"en": "knows"}},
        {"x-one-at-a-time": True, "x-reverse": "known_by", "x-reverse-labels": {"de": "bekannt"}, "x-plural": "all"},
        {"properties": {"a": {"type": "string"}}, "required": ["a"], "description": "Who.", "x-renamed-from": "met"},
    ],
)
def test_snapshot_and_files_give_the_same_model(words: dict[str, Any]) -> None:
    model = read(**words)
    assert from_snapshot(json.loads(json.dumps(to_snapshot(model)))) == model
    assert load_texts([(file, text, "core") for file, text in files_of(model).items()]).fingerprint == model.fingerprint


def test_files_are_found_in_the_folder_of_a_pack(tmp_path: Path) -> None:
    (tmp_path / "relationships").mkdir()
    for name, text, _ in texts({}):
        (tmp_path / name).write_text(text)
    assert "knows" in load([LayerSource("core", "core", tmp_path)])


WRONG: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "no pairs": ({"x-pairs": []}, "/x-pairs", "too short", "Which entities"),
    "unknown source": ({"x-pairs": [{"from": "persn", "to": "firm"}]}, "/x-pairs/0/from", '"persn"', '"person"'),
    "unknown target": (
        {"x-pairs": [PAIR, {"from": "firm", "to": "frim"}]},
        "/x-pairs/1/to",
        '"frim"',
        'Did you mean "firm"?',
    ),
    "pair without target": ({"x-pairs": [{"from": "person"}]}, "/x-pairs/0", '"to" is missing', "Add"),
    "unknown word": ({"x-simmetric": True}, "/x-simmetric", "Unknown keyword", '"x-symmetric"'),
    "symmetric with labels of its own": (
        {"x-symmetric": True, "x-reverse-labels": {"en": "a"}},
        "/x-reverse-labels",
        "called the same from both sides",
        "Remove it",
    ),
    "symmetric and one at a time": (
        {"x-symmetric": True, "x-one-at-a-time": True},
        "/x-one-at-a-time",
        "no source",
        "Remove it",
    ),
    "name taken": ({"x-relationship": "firm"}, "/x-relationship", "is taken already", "another name"),
    "name reserved": ({"x-relationship": "relationship"}, "/x-relationship", "has this word already", "another name"),
    "attribute called like an end": (
        {"properties": {"source": {"type": "string"}}},
        "/properties/source",
        'has the field "source" already',
        "another name",
    ),
    "attribute called like a date": (
        {"properties": {"valid_to": {"type": "string"}}},
        "/properties/valid_to",
        "already",
        "another name",
    ),
    "required is no attribute": ({"required": ["level"]}, "/required/0", 'no attribute "level"', "Add it"),
    "attribute of no type": (
        {"properties": {"level": {"type": "nummer"}}},
        "/properties/level/type",
        '"nummer" is not one of',
        "kind of value",
    ),
    "name of a field there": ({"x-relationship": "name"}, "/x-relationship", 'a field "name" already', "another"),
    "reverse is a field there": ({"x-reverse": "name"}, "/x-reverse", 'a field "name" already', "another inverse"),
    "reverse reserved": ({"x-reverse": "network"}, "/x-reverse", "has this field on every record", "another"),
}


@pytest.mark.parametrize(("words", "place", "reason", "remedy"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_file_gets_one_problem_with_place_reason_and_remedy(
    words: dict[str, Any], place: str, reason: str, remedy: str
) -> None:
    [problem] = problems(**words)
    assert (problem.file, problem.pointer) == ("relationships/knows.json", place)
    assert reason in problem.reason
    assert remedy in problem.remedy


def test_two_files_of_one_name_are_told() -> None:
    twice = [*texts({}), ("relationships/again.json", texts({})[-1][1], "core")]
    with pytest.raises(SchemaFilesInvalid, match=r"is taken already, at relationships/knows\.json"):
        load_texts(twice)


def test_an_entity_cannot_have_a_field_that_the_api_gives_all() -> None:
    files = [("a.json", '{"x-entity": "a", "type": "object", "properties": {"network": {"type": "string"}}}', "core")]
    with pytest.raises(SchemaFilesInvalid, match="has this field on every record"):
        load_texts(files)


def above(**words: Any) -> LayerSource:
    texts = [("mine/knows.json", json.dumps({"x-extends": "knows", **words}, indent=0))]
    texts.append(("mine/club.json", json.dumps({"type": "object", "x-entity": "club", **_NAMED})))
    return LayerSource("mine", "deployment", texts=texts)


_NAMED = {"properties": {"name": {"type": "string"}}}


def below(**relationship: Any) -> LayerSource:
    return LayerSource("core", "core", texts=[each[:2] for each in texts(relationship)])


def test_a_higher_layer_adds_pairs_and_attributes_to_a_relationship_and_tightens_it() -> None:
    # given a kind of relationship, and a layer that says more of it, with an entity of its own
    low = below(**{"x-labels": {"de": "kennt"}, "properties": {"how": {"type": "string", "maxLength": 30}}})
    high = above(
        **{
            "x-pairs": [PAIR, {"from": "club", "to": "firm"}, {"from": "person", "to": "club"}],
            "x-one-at-a-time": True,
        },
        **{"x-labels": {"de": "kennt gut", "fr": "connaît"}, "x-reverse-labels": {"de": "bekannt mit"}},
        required=["since", "how"],
        properties={"how": {"maxLength": 9}, "since": {"type": "string", "format": "date"}},
    )
    # when both are loaded
    model = load([low, high])
    # then the kind has it all, the pairs of the lower layer first
    knows = model["knows"]
    assert knows.relationship is not None
    assert knows.relationship.pairs == (("person", "firm"), ("club", "firm"), ("person", "club"))
    assert knows.relationship.one_at_a_time
    assert (knows.labels["de"], knows.relationship.reverse_labels) == ("kennt gut", {"de": "bekannt mit"})
    assert knows["source"].columns == ("source_person_id", "source_club_id")
    assert [(knows[name].required, knows[name].max_length) for name in ("how", "since")] == [(True, 9), (True, None)]
    assert {at.file for at in knows["how"].tightened} == {"mine/knows.json"}
    assert (knows["since"].source.layer, knows.layers) == ("mine", {"core", "mine"})
    assert "knows" in model["club"].inverses
    assert load_texts([(file, text, "core") for file, text in files_of(model).items()]).fingerprint == model.fingerprint


@pytest.mark.parametrize(
    ("base", "words", "file", "pointer", "reason"),
    [
        ({}, {"x-pairs": [{"from": "club", "to": "frim"}]}, "mine", "/x-pairs/0/to", 'no entity "frim"'),
        ({}, {"x-pairs": []}, "mine", "/x-pairs", "too short"),
        ({}, {"x-symmetric": True}, "mine", "/x-symmetric", "does not belong in an extension file of a relationship"),
        ({}, {"x-indexes": [["a", "b"]]}, "mine", "/x-indexes", "does not belong"),
        ({}, {"x-one-at-a-time": False}, "mine", "/x-one-at-a-time", "should be true"),
        ({"x-symmetric": True}, {"x-one-at-a-time": True}, "mine", "/x-one-at-a-time", "no source"),
        ({"x-symmetric": True}, {"x-reverse-labels": {"de": "a"}}, "mine", "/x-reverse-labels", "from both sides"),
        ({}, {"required": ["how"]}, "mine", "/required/0", 'no attribute "how"'),
        ({}, {"properties": {"how": {"maxLength": 3}}}, "mine", "/properties/how", 'no field "how" of "knows"'),
        ({}, {"properties": {"source": {"type": "string"}}}, "mine", "/properties/source", "already"),
        ({"properties": 5}, {"properties": {"how": {"type": "string"}}}, "relationships", "/properties", "an object"),
        ({"x-pairs": 5}, {"x-pairs": [PAIR]}, "relationships", "/x-pairs", "should be a list"),
    ],
)
def test_what_does_not_fit_a_relationship_below_is_told_where_it_stands(
    base: dict[str, Any], words: dict[str, Any], file: str, pointer: str, reason: str
) -> None:
    with pytest.raises(SchemaFilesInvalid) as caught:
        load([below(**base), above(**words)])
    [problem] = caught.value.problems
    assert (problem.file, problem.pointer) == (f"{file}/knows.json", pointer)
    assert reason in problem.reason


def test_a_required_attribute_that_is_worked_out_is_told_at_its_name() -> None:
    attributes = {"how": {"type": "string"}, "loud": {"type": "string", "x-computed": "UPPER(how)"}}
    [problem] = problems(properties=attributes, required=["how", "loud"])
    assert problem.pointer == "/required/1"


def test_a_relationship_is_extended_by_a_higher_layer_only() -> None:
    more = ("relationships/more.json", '{"x-extends": "knows", "x-labels": {"de": "a"}}', "core")
    with pytest.raises(SchemaFilesInvalid, match=r"The relationship \"knows\" belongs to the same layer, core"):
        load_texts([*texts({}), more])


def test_an_entity_and_a_relationship_of_one_name_are_told_beside_an_extension() -> None:
    entity = LayerSource(
        "plug", "plugin", texts=[("plug/knows.json", json.dumps({"x-entity": "knows", "type": "object", **_NAMED}))]
    )
    with pytest.raises(SchemaFilesInvalid, match=r"is taken already, at plug/knows\.json"):
        load([below(), entity, above(**{"x-labels": {"de": "a"}})])
