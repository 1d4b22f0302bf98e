"""The table of expressions in docs/computed.md: each gives the value that stands beside it, on both databases."""

import re

import pytest

from tests.docs.pages import DOCS, marked
from tests.graphql.kit import World, load_model, policies, uid
from xrm_core.metadata.expression_text import ALLOWED

PAGE = DOCS / "computed.md"
TEXT = PAGE.read_text("utf-8").replace("\\|", "¦")
TYPES = {
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "decimal": {"type": "number", "x-type": "decimal"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
}
ROWS = re.findall(r"^\| `(.+?)` \| (text|integer|decimal|boolean|date) \| (?:`(.*?)`|empty) \|$", TEXT, re.MULTILINE)
STORED = {
    "number": {"type": "string"},
    "first_name": {"type": "string"},
    "last_name": {"type": "string"},
    "discount": {"type": "number", "x-type": "decimal", "x-precision": 5, "x-scale": 2},
    "ordered_on": {"type": "string", "format": "date"},
    "days_to_pay": {"type": "integer"},
    "paid": {"type": "boolean"},
}
RECORD = {"number": "A-1", "first_name": "Eva", "discount": "2.50", "days_to_pay": 7, "ordered_on": "2026-01-31"}


def test_the_table_of_expressions_is_right(database_url: str) -> None:
    # given an entity with a field for each expression
    assert len(ROWS) >= 15
    fields = {f"e{i}": {**TYPES[row[1]], "x-computed": row[0].replace("¦", "|")} for i, row in enumerate(ROWS)}
    model = load_model({"order": {**STORED, **fields}})
    rows = {"order": [{"id": uid(1), "paid": True, **RECORD}]}
    world = World(model, policies(model, ["role,*,*,*,,allow"], {}), database_url, rows)
    # when the record is read
    [found] = world.ask("role", f"{{ orders {{ nodes {{ {' '.join(fields)} }} }} }}")["orders"]["nodes"]
    world.close()
    # then each has its value
    for i, (expression, _, value) in enumerate(ROWS):
        shown = {True: "true", False: "false", None: ""}.get(found[f"e{i}"], str(found[f"e{i}"]))
        assert shown == value, expression


@pytest.mark.parametrize("word", re.findall(r"[A-Z_]{2,}(?: [A-Z]{2,})?", ALLOWED))
def test_each_word_that_is_allowed_is_described(word: str) -> None:
    assert word == "SQL" or f"{word}" in TEXT


def test_the_fields_of_the_table_are_those_of_the_page() -> None:
    [order] = [block.text for block in marked(PAGE, "entity") if block.label == "order.json"]
    assert all(f'"{name}"' in order for name in STORED)
