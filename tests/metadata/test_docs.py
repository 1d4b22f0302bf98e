"""docs/entity-files.md says what is so: its examples load, and it names every word."""

import re
from pathlib import Path
from typing import Any

import pytest

from xrm_core.errors import SchemaFilesInvalid
from xrm_core.metadata.loader import load, load_texts
from xrm_core.metadata.packs import pack_layers
from xrm_core.metadata.structure import meta_schema
from xrm_core.metadata.types import FieldType

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "entity-files.md").read_text("utf-8")
EXAMPLES = re.findall(r"<!-- entity files: example -->\n```json\n(.*?)```", PAGE, re.DOTALL)
FILES = [("schemas/machine.json", EXAMPLES[0], "core"), ("schemas/visit.json", EXAMPLES[1], "core")]


def keywords() -> set[str]:
    """Every keyword that the meta-schema allows somewhere."""
    schemas: list[dict[str, Any]] = [meta_schema(), *meta_schema()["$defs"].values()]
    return {keyword for schema in schemas for keyword in schema.get("properties", {})}


def test_every_json_block_is_an_example_that_loads() -> None:
    assert PAGE.count("```json") == len(EXAMPLES) == 2
    model = load_texts(FILES)
    assert list(model["machine"].inverses) == ["followed_by", "parts", "visits"]


def test_the_example_has_every_type() -> None:
    fields = [field for entity in load_texts(FILES) for field in entity.fields.values()]
    assert {field.type for field in fields} == set(FieldType)


def test_every_word_is_described() -> None:
    missing = {word for word in keywords() if f"`{word}`" not in PAGE and f'"{word}"' not in PAGE}
    assert not missing


def test_the_messages_shown_are_those_that_appear() -> None:
    shown = re.search(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert shown is not None
    # given the second example with two mistakes
    wrong = EXAMPLES[1].replace('"to": "machine"', '"to": "machin"').replace("  }\n}", '  },\n  "x-lables": {}\n}')
    # when it is loaded
    with pytest.raises(SchemaFilesInvalid) as caught:
        load_texts([FILES[0], (FILES[1][0], wrong, "core")])
    # then it says what the page says
    assert str(caught.value) == shown[1].strip()


def test_the_core_pack_loads() -> None:
    model = load(pack_layers(ROOT / "schemas"))
    assert {"customer", "contact", "user", "activity"} <= set(model.entities)
