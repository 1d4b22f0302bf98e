"""Every keyword of the meta-schemas with every kind of wrong value: each is refused with place, reason and remedy.

The cases are made from the meta-schemas, so that a new word is tried from the day on which it is there.
"""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

import jsonschema_rs
import pytest

from xrm_core.errors import SchemaFilesInvalid
from xrm_core.metadata.layers import LayerSource
from xrm_core.metadata.loader import load
from xrm_core.metadata.structure import Form, meta_schema

WRONG: dict[str, Any] = {
    "null": None,
    "true": True,
    "false": False,
    "zero": 0,
    "negative": -1,
    "fraction": 1.5,
    "huge": 10**30,
    "empty text": "",
    "blank": " ",
    "word": "zzz",
    "capitals": "DROP TABLE",
    "quotes": "a\"b'c`d",
    "umlaut": "größe",
    "emoji": "👾",
    "long": "a" * 200,
    "very long": "x" * 100_000,
    "line break": "a\nb",
    "surrogates": "\ufffe",
    "empty list": [],
    "list of null": [None],
    "list of text": ["zzz", "zzz"],
    "list of lists": [[["a"]]],
    "empty object": {},
    "object": {"zzz": {"zzz": 1}},
    "ref": {"$ref": "http://127.0.0.1:9/x.json"},
    "deep": json.loads('{"a":' * 20 + "1" + "}" * 20),
}

SAME_EVERYWHERE = {"title", "description", "x-labels", "x-renamed-from", "x-unique", "x-index"}
"""Words that the meta-schema defines once for all fields; they are tried on one kind."""

SAMPLES: dict[str, dict[str, Any]] = {
    "text-field": {"type": "string"},
    "long-text-or-phone-field": {"type": "string", "x-type": "phone"},
    "time-field": {"type": "string", "x-type": "time"},
    "address-field": {"type": "string", "format": "email"},
    "date-or-uuid-field": {"type": "string", "format": "date"},
    "enum-field": {"type": "string", "enum": ["a", "b"]},
    "integer-field": {"type": "integer"},
    "big-integer-field": {"type": "integer", "x-type": "big_integer"},
    "decimal-field": {"type": "number", "x-type": "decimal"},
    "boolean-field": {"type": "boolean"},
    "sequence-field": {"type": "string", "x-sequence": {"format": "A-{0000}"}},
    "relation-field": {"x-relation": {"to": "thing", "inverse": "others"}},
    "file-field": {"x-type": "file"},
    "set-field": {"type": "array", "uniqueItems": True, "items": {"enum": ["a", "b"]}},
    "money-field": {"type": "object", "x-type": "money"},
    "json-field": {"type": "object", "x-type": "json"},
    "computed-field": {"type": "integer", "x-computed": "1 + 1"},
    "rollup-field": {"x-rollup": {"relation": "others", "function": "count"}},
}
"""A right field of each kind, so far as it has a name of its own in the meta-schema."""

INNER: dict[str, tuple[dict[str, Any], str]] = {
    "sequence": (SAMPLES["sequence-field"], "x-sequence"),
    "relation": (SAMPLES["relation-field"], "x-relation"),
    "many-relation": ({"x-relation": {"to": "other", "many": True, "inverse": "others"}}, "x-relation"),
}
"""Objects inside of a field: a right field that has one, and the word under which it stands."""

OTHER = '{"x-entity": "other", "type": "object", "properties": {"name": {"type": "string"}}}'
ENTITY = {"x-entity": "thing", "type": "object", "properties": {"name": {"type": "string"}}}


def field_cases() -> Iterator[tuple[str, dict[str, Any], str, str]]:
    """(label, field, pointer in it of the word, kind of the object around the word)."""
    for kind, sample in SAMPLES.items():
        for word in meta_schema()["$defs"].get(kind, {}).get("properties", {}):
            if word in SAME_EVERYWHERE and kind != "text-field":
                continue
            for label, value in WRONG.items():
                yield f"{kind}/{word}/{label}", {**sample, word: value}, f"/{word}", kind
    for kind, (sample, inside) in INNER.items():
        for word in meta_schema()["$defs"].get(kind, {}).get("properties", {}):
            for label, value in WRONG.items():
                changed = {**sample, inside: {**sample[inside], word: value}}
                yield f"{kind}/{word}/{label}", changed, f"/{inside}/{word}", kind


def told(*layers: LayerSource) -> list[tuple[str, str]] | None:
    """(file, pointer) of each problem, or None if there is none; every problem must be complete."""
    try:
        load(layers)
    except SchemaFilesInvalid as error:
        for problem in error.problems:
            assert problem.line >= 1
            assert problem.reason.endswith((".", "?"))
            assert len(problem.reason) < 700
            assert problem.remedy
            assert problem.pointer == "" or problem.pointer.startswith("/")
            assert "\n" not in str(problem)
            assert "Traceback" not in str(problem)
        return [(problem.file, problem.pointer) for problem in error.problems]
    return None


def core(*texts: str) -> LayerSource:
    return LayerSource("core", "core", texts=[(f"{number}.json", text) for number, text in enumerate(texts)])


def entity(**words: Any) -> str:
    return json.dumps({**ENTITY, **words})


@cache
def validator(form: Form) -> jsonschema_rs.Draft202012Validator:
    known = [(f"{name}.schema.json", meta_schema(name)) for name in get_args(Form)]
    registry = jsonschema_rs.Registry(known)
    return jsonschema_rs.Draft202012Validator(meta_schema(form), registry=registry)


def valid(form: Form, document: Any) -> bool:
    return validator(form).is_valid(document)


FIELD_CASES = list(field_cases())


@pytest.mark.parametrize("kind", [*SAMPLES, *INNER])
def test_every_word_of_a_field_with_every_wrong_value(kind: str) -> None:
    refused = 0
    for label, field, pointer, owner in FIELD_CASES:
        if owner != kind:
            continue
        document = {**ENTITY, "properties": {"name": {"type": "string"}, "f": field}}
        found = told(core(json.dumps(document), OTHER))
        if not valid("entity", document):
            # what the meta-schema refuses is told at this word and nowhere else, and nothing follows from it
            assert found, label
            assert all(place[1].startswith("/properties/f") for place in found), (label, found)
            if not pointer.endswith(
                ("/type", "/x-type", "/format", "/enum", "/x-relation", "/x-sequence", "/many", "/to")
            ):
                assert all(place[1].startswith(f"/properties/f{pointer}") for place in found), (label, found)
            refused += 1
    assert refused > 10 or kind not in meta_schema()["$defs"]


@pytest.mark.parametrize("word", [word for word in meta_schema()["properties"] if word != "properties"])
def test_every_word_of_an_entity_with_every_wrong_value(word: str) -> None:
    refused = 0
    for label, value in WRONG.items():
        found = told(core(entity(**{word: value})))
        if not valid("entity", {**ENTITY, word: value}):
            assert found, label
            assert all(place[1].startswith(f"/{word}") for place in found), (label, found)
            refused += 1
    assert refused > 5


@pytest.mark.parametrize("word", list(meta_schema("extension")["properties"]))
def test_every_word_of_an_extension_with_every_wrong_value(word: str) -> None:
    refused = 0
    for label, value in WRONG.items():
        document = {"x-extends": "other", "properties": {"f": {"type": "string"}}, word: value}
        above = LayerSource("mine", "deployment", texts=[("mine.json", json.dumps(document))])
        found = told(core(OTHER), above)
        if not valid("extension", document):
            assert found, label
            assert {place[0] for place in found} == {"mine.json"}
            assert all(place[1].startswith(f"/{word}") for place in found), (label, found)
            refused += 1
    assert refused > 5


@pytest.mark.parametrize("word", list(meta_schema("relationship_extension")["properties"]))
def test_every_word_of_an_extension_of_a_relationship_with_every_wrong_value(word: str) -> None:
    pair = [{"from": "other", "to": "other"}]
    base = json.dumps({"x-relationship": "knows", "x-pairs": pair, "type": "object"})
    refused = 0
    for label, value in WRONG.items():
        document = {"x-extends": "knows", "properties": {"f": {"type": "string"}}, word: value}
        above = LayerSource("mine", "deployment", texts=[("mine.json", json.dumps(document))])
        found = told(core(OTHER, base), above)
        if not valid("relationship_extension", document):
            assert found, label
            assert {place[0] for place in found} == {"mine.json"}
            assert all(place[1].startswith(f"/{word}") for place in found), (label, found)
            refused += 1
    assert refused > 5


@pytest.mark.parametrize("word", list(meta_schema("extension")["$defs"]["tightening"]["properties"]))
def test_every_tightening_word_with_every_wrong_value_for_every_type(word: str) -> None:
    refused = 0
    for kind, sample in SAMPLES.items():
        if kind not in meta_schema()["$defs"] or (word in SAME_EVERYWHERE and kind != "text-field"):
            continue
        others = {"up": SAMPLES["relation-field"]} if kind == "rollup-field" else {}
        base = entity(properties={"name": {"type": "string"}, "f": sample, **others})
        for label, value in WRONG.items():
            document = {"x-extends": "thing", "properties": {"f": {word: value}}}
            above = LayerSource("mine", "deployment", texts=[("mine.json", json.dumps(document))])
            found = told(core(base), above)
            if found:
                assert {place[0] for place in found} == {"mine.json"}, (kind, label, found)
                refused += 1
            assert found or valid("extension", document), (kind, label)
    assert refused > 10


def test_the_cases_are_many() -> None:
    assert len(FIELD_CASES) > 1500


HOSTILE_NAMES = [
    *(
        "",
        " ",
        "_a",
        "1a",
        "a-b",
        "a b",
        "a.b",
        "A",
        "aB",
        "größe",
        "straße",
        "名前",
        "👾",
        "a\u0301",
        "\u202egnp",
        "ａ",
    ),
    *('a"b', "a'b", "a`b", "a;b", "a--", "/*a*/", "a\\", "a\nb", "a\tb", "a%s", "a:b", "$1", "?", "a)b", "[a]", "{a}"),
    *(
        'x"; DROP TABLE canary; --',
        "a" * 49,
        "a" * 200,
        "../a",
        "a/b",
        "a~b",
        "__typename",
        "__proto__",
        "constructor ",
    ),
]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_are_refused_wherever_a_name_stands(name: str) -> None:
    relation = {"x-relation": {"to": "thing", "inverse": name}}
    cases: dict[str, dict[str, Any]] = {
        "/x-entity": {"x-entity": name},
        "/properties": {"properties": {name: {"type": "string"}}},
        "/x-plural": {"x-plural": name},
        "/x-renamed-from": {"x-renamed-from": name},
        "/x-display": {"x-display": name},
        "/required": {"required": [name]},
        "/x-indexes": {"x-indexes": [["name", name]]},
        "/x-unique": {"x-unique": [["name", name]]},
        "/properties/f/x-relation/inverse": {"properties": {"f": relation}},
        "/properties/f/x-relation/to": {"properties": {"f": {"x-relation": {"to": name, "inverse": "fs"}}}},
        "/properties/f/x-renamed-from": {"properties": {"f": {"type": "string", "x-renamed-from": name}}},
    }
    for pointer, words in cases.items():
        found = told(core(entity(**words)))
        assert found, pointer
        assert all(place[1].startswith(pointer) for place in found), (pointer, found)
    extension = LayerSource("mine", "deployment", texts=[("x.json", json.dumps({"x-extends": name}))])
    assert told(core(OTHER), extension) == [("x.json", "/x-extends")]


@pytest.mark.parametrize(
    "name", ["id", "version", "created_at", "and", "not", "is_null", "xmin", "rowid", "xrm_x", "ctx_user"]
)
def test_reserved_names_are_refused_in_entities_and_in_extensions(name: str) -> None:
    fields = {name: {"type": "string"}}
    pointer = f"/properties/{name}"
    assert told(core(entity(properties={"name": {"type": "string"}, **fields}))) == [("0.json", pointer)]
    extension = json.dumps({"x-extends": "other", "properties": fields})
    above = LayerSource("mine", "deployment", texts=[("x.json", extension)])
    assert told(core(OTHER), above) == [("x.json", pointer)]


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$)", "(?=a)b", "(?<!a)b", r"(a)\1", "[", "a{1000000}", "(?P<n>a)(?P=n)", "((a{1000}){1000}){1000}", "*a"],
)
def test_patterns_that_explode_or_are_none_are_refused(pattern: str) -> None:
    field = {"type": "string", "pattern": pattern}
    place = "/properties/f/pattern"
    assert told(core(entity(properties={"name": {"type": "string"}, "f": field}))) == [("0.json", place)]
    extension = json.dumps({"x-extends": "other", "properties": {"name": {"pattern": pattern}}})
    above = LayerSource("mine", "deployment", texts=[("x.json", extension)])
    assert told(core(OTHER), above) == [("x.json", "/properties/name/pattern")]


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|aa)+$", "(x+x+)+y"])
def test_patterns_that_only_look_as_if_they_exploded_take_linear_time(pattern: str) -> None:
    field = {"type": "string", "pattern": pattern, "default": ("a" if "a" in pattern else "xxy") * 1}
    assert told(core(entity(properties={"name": field}))) is None


def test_a_folder_of_many_and_huge_files_is_told_in_bounded_text() -> None:
    # given a file with ten thousand wrong words, one with 500 wrong fields, and one of more than a mebibyte
    words = json.dumps({**ENTITY, **{f"x-w{number}": number for number in range(10_000)}})
    fields = json.dumps({**ENTITY, "x-entity": "b", "properties": {f"f{number}": {} for number in range(600)}})
    huge = '{"x-entity": "c", "description": "' + "x" * (1024 * 1024) + '"}'
    found = told(core(words, fields, huge))
    assert found is not None
    assert {place[0] for place in found} == {"0.json", "1.json", "2.json"}
