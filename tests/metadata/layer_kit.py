"""A core with one entity, and layers above it."""

import json
from typing import Any

import pytest

from xrm_core.errors import Problem, SchemaFilesInvalid
from xrm_core.metadata.layers import LayerKind, LayerSource
from xrm_core.metadata.loader import load
from xrm_core.metadata.model import Model

CUSTOMER = """{
"x-entity": "customer",
"x-labels": {"de": "Kunde", "en": "Customer"},
"type": "object",
"required": ["name"],
"x-indexes": [["name", "city"]],
"properties": {
"name": {"type": "string", "maxLength": 100, "x-labels": {"de": "Name"}},
"city": {"type": "string"},
"code": {"type": "string", "pattern": "^[A-Z]+$"},
"employees": {"type": "integer", "minimum": 0},
"revenue": {"type": "number", "x-type": "decimal", "maximum": 1000},
"status": {"type": "string", "enum": ["lead", "active", "gone"], "default": "lead",
"x-enum-labels": {"lead": {"de": "Interessent"}, "gone": {"de": "Weg"}}},
"boss": {"x-relation": {"to": "customer", "inverse": "reports", "on_delete": "set_null"}},
"town": {"type": "string", "x-renamed-from": "place"}
}
}"""

CORE = LayerSource("core", "core", texts=(("customer.json", CUSTOMER),))


def above(name: str, kind: LayerKind = "industry", **words: Any) -> LayerSource:
    """A layer with one extension of the customer, each word on a line of its own from line 2."""
    lines = [f"{json.dumps(word)}: {json.dumps(value)}" for word, value in {"x-extends": "customer", **words}.items()]
    return LayerSource(name, kind, texts=((f"{name}.json", "{\n" + ",\n".join(lines) + "\n}"),))


def field(name: str, /, **words: Any) -> dict[str, Any]:
    return {
        "properties": {name: {word.replace("_", "-") if word[0] == "x" else word: it for word, it in words.items()}}
    }


def problems_of(*layers: LayerSource) -> tuple[Problem, ...]:
    with pytest.raises(SchemaFilesInvalid) as caught:
        load([CORE, *layers])
    return caught.value.problems


def loaded(*layers: LayerSource) -> Model:
    return load([CORE, *layers])
