"""Right files, changed here and there by chance: whatever comes out is loaded whole or refused in order."""

import copy
import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

from xrm_core.errors import Problem, SchemaFilesInvalid
from xrm_core.metadata.layers import LayerSource
from xrm_core.metadata.loader import load
from xrm_core.metadata.model import Model

TIMES = 250

TEXT: dict[str, Any] = {"type": "string"}
CLUB: dict[str, Any] = {
    "x-entity": "club",
    "x-labels": {"de": "Verein"},
    "x-indexes": [["name", "status"]],
    "x-ownership": "user_and_team",
    "type": "object",
    "required": ["name"],
    "allOf": [
        {
            "if": {"properties": {"status": {"const": "a"}}, "required": ["status"]},
            "then": {"required": ["tags"]},
            "x-message": {"en": "Tags, please."},
        }
    ],
    "dependentRequired": {"tags": ["status"]},
    "dependentSchemas": {"price": {"properties": {"price": {"properties": {"amount": {"minimum": 3}}}}}},
    "properties": {
        "name": {"type": "string", "maxLength": 50, "x-index": True},
        "status": {"type": "string", "enum": ["a", "b"], "default": "a", "x-enum-labels": {"a": {"de": "A"}}},
        "tags": {"type": "array", "uniqueItems": True, "items": {"enum": ["x", "y"]}, "minItems": 0},
        "price": {"type": "object", "x-type": "money", "x-currencies": ["EUR", "USD"]},
        "contract": {"x-type": "file", "x-max-bytes": 100},
        "number": {"type": "string", "x-sequence": {"format": "K-{YYYY}-{000}"}},
        "parent": {"x-relation": {"to": "club", "inverse": "children"}},
        "ages": {
            "x-rollup": {"relation": "people", "function": "sum", "field": "age", "where": {"name": {"contains": "x"}}}
        },
        "twice": {"x-computed": "COALESCE(ages, 0) * 2", "type": "integer"},
        "members": {
            "x-relation": {
                "to": "person",
                "many": True,
                "inverse": "clubs",
                "attributes": {"role": {"$ref": "#/$defs/role"}},
                "required": ["role"],
            }
        },
    },
    "$defs": {"role": {"type": "string", "default": "x"}},
}
PERSON: dict[str, Any] = {
    "x-entity": "person",
    "x-plural": "persons",
    "x-renamed-from": "human",
    "type": "object",
    "properties": {
        "name": TEXT,
        "age": {"type": "integer", "minimum": 0},
        "weight": {"type": "number", "x-type": "decimal", "x-scale": 3, "default": 1.5},
        "meta": {"type": "object", "x-type": "json", "default": {"a": [1]}},
        "spell": {"type": "string", "format": "duration", "default": "PT1H"},
        "club": {"x-relation": {"to": "club", "inverse": "people", "on_delete": "cascade"}},
        "about": {"x-relation": {"to": ["club", "person"], "inverse": "notes"}},
    },
}
KNOWS: dict[str, Any] = {
    "x-relationship": "knows",
    "x-pairs": [{"from": "person", "to": "person"}, {"from": "person", "to": "club"}],
    "x-reverse": "known_by",
    "x-reverse-labels": {"de": "bekannt"},
    "type": "object",
    "required": ["how"],
    "properties": {"how": TEXT, "weight": {"type": "integer"}},
}
CORE = {
    "club": CLUB,
    "person": PERSON,
    "knows": KNOWS,
    "user": {"x-entity": "user", "type": "object", "properties": {"login": TEXT}},
    "team": {"x-entity": "team", "type": "object", "properties": {"title": TEXT}},
}
ABOVE = {
    "club": {
        "x-extends": "club",
        "x-labels": {"de": "Klub"},
        "required": ["status"],
        "allOf": [{"required": ["tags"]}],
        "x-indexes": [["name", "extra"]],
        "properties": {
            "name": {"maxLength": 30, "pattern": "^a", "x-labels": {"fr": "n"}},
            "status": {"enum": ["a"], "default": "a"},
            "tags": {"maxItems": 1, "items": {"enum": ["x"]}},
            "contract": {"x-max-bytes": 50},
            "extra": {"$ref": "#/$defs/extra"},
        },
        "$defs": {"extra": {"type": "integer"}},
    },
    "knows": {
        "x-extends": "knows",
        "x-pairs": [{"from": "club", "to": "club"}],
        "x-labels": {"fr": "connaît"},
        "required": ["since"],
        "properties": {"how": {"maxLength": 20}, "since": {"type": "string", "format": "date"}},
    },
    "person": {"x-extends": "person", "properties": {"age": {"minimum": 18}, "weight": {"maximum": 300}}},
}
VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 3.5, 2**63, 1e300, "", "x", "name", "club", "person", "é", "a" * 300),
    *([], [1], ["a", "a"], ["name"], [[]], {}, {"a": 1}, {"$ref": "#/$defs/x"}, {"$ref": 5}, {"de": "x"}),
    *({"type": "string"}, {"x-type": "file"}, {"name": {"eq": 1}}, {"type": "object", "x-type": "money"}),
    *({"x-computed": "name", "type": "string"}, {"x-rollup": {"relation": "people", "function": "count"}}),
    {"x-relation": {"to": "person", "inverse": "zz"}},
]
WORDS = [
    *(
        "x-entity",
        "x-extends",
        "x-relationship",
        "type",
        "properties",
        "required",
        "x-relation",
        "to",
        "inverse",
        "many",
    ),
    *("attributes", "default", "enum", "x-labels", "x-rollup", "x-computed", "where", "field", "x-type", "minimum"),
    *("maxLength", "pattern", "$ref", "$defs", "x-unique", "x-indexes", "x-ownership", "allOf", "if", "const", "items"),
    *("x-pairs", "x-sequence", "format", "x-currencies", "x-plural", "x-renamed-from", "through", "dependentRequired"),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, (*path, key))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def change(chance: random.Random, value: Any) -> None:
    """One thing in a file is set, removed, renamed or added."""
    path = chance.choice([path for path in places(value) if path])
    around, key = at(value, path[:-1]), path[-1]
    how = chance.random()
    if how < 0.5:
        around[key] = copy.deepcopy(chance.choice(VALUES))
    elif how < 0.65:
        del around[key]
    elif isinstance(around, list):
        around.append(copy.deepcopy(chance.choice(VALUES)))
    elif how < 0.85:
        around[chance.choice(WORDS)] = around.pop(key)
    else:
        around[chance.choice(WORDS)] = copy.deepcopy(chance.choice(VALUES))


def outcome(sources: list[LayerSource]) -> tuple[Model | None, tuple[Problem, ...]]:
    try:
        return load(sources), ()
    except SchemaFilesInvalid as error:
        return None, error.problems


def test_files_changed_by_chance_are_loaded_whole_or_refused_in_order() -> None:
    for seed in range(TIMES):
        # given two layers of right files of which one or two are changed
        chance = random.Random(seed)
        layers: dict[str, dict[str, Any]] = copy.deepcopy({"core": CORE, "above": ABOVE})
        files = list(layers[chance.choice(["core", "above"])].values())
        for _ in range(chance.choice([1, 1, 2])):
            change(chance, chance.choice(files))
        sources = [
            LayerSource(
                name,
                "core" if name == "core" else "deployment",
                texts=[(f"{name}/{file}.json", json.dumps(text)) for file, text in found.items()],
            )
            for name, found in layers.items()
        ]
        # when they are loaded
        model, problems = outcome(sources)
        # then each mistake is told once, in words, at a place that is there
        assert set(Counter(map(str, problems)).values()) <= {1}, seed
        for problem in problems:
            layer, _, file = problem.file.removesuffix(".json").partition("/")
            keys = [key.replace("~1", "/").replace("~0", "~") for key in problem.pointer.split("/")[1:]]
            there: Any = layers[layer][file]
            for key in keys:
                there = there[int(key) if isinstance(there, list) else key]
            assert problem.reason, seed
            assert problem.remedy, seed
        if model is None:
            continue
        # or every field of every file is there
        for text in (text for found in layers.values() for text in found.values()):
            entity = model[text.get("x-entity") or text.get("x-extends") or text["x-relationship"]]
            assert set(text.get("properties", {})) <= {*entity.fields, *entity.links}, seed
