"""Persons, firms and jobs with relationships of several kinds between them, for tests and the naive reference."""

import json
from typing import Any

from xrm_core.metadata.loader import load_texts
from xrm_core.metadata.model import Model

TEXT = {"type": "string", "maxLength": 50}
FILES: list[dict[str, Any]] = [
    {"x-entity": "person", "properties": {"name": TEXT, "grade": {"type": "integer"}}},
    {"x-entity": "firm", "properties": {"name": TEXT, "grade": {"type": "integer"}}},
    {"x-entity": "job", "properties": {"name": TEXT, "grade": {"type": "integer"}}},
    {
        "x-relationship": "decides_for",
        "x-labels": {"de": "entscheidet für", "en": "decides for"},
        "x-reverse": "decided_by",
        "x-reverse-labels": {"de": "Entscheider", "en": "decided by"},
        "x-pairs": [{"from": "person", "to": "firm"}, {"from": "person", "to": "job"}],
        "properties": {"area": TEXT},
    },
    {"x-relationship": "part_of", "x-pairs": [{"from": "firm", "to": "firm"}], "x-reverse": "parts"},
    {
        "x-relationship": "friend_of",
        "x-labels": {"de": "Freund", "en": "friend of"},
        "x-pairs": [{"from": "person", "to": "person"}, {"from": "person", "to": "firm"}],
        "x-symmetric": True,
    },
]
PAIRS = {
    "decides_for": [("person", "firm"), ("person", "job")],
    "part_of": [("firm", "firm")],
    "friend_of": [("person", "person"), ("person", "firm")],
}
FIRST_ID = {"person": 0, "firm": 100, "job": 200, "decides_for": 300, "part_of": 400, "friend_of": 500}


def relationship_model() -> Model:
    """The model of these files, through the loader."""
    return load_texts(
        [(f"{number}.json", json.dumps({"type": "object", **file}), "core") for number, file in enumerate(FILES)]
    )
