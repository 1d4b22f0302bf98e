"""Computed fields have the value that exact arithmetic gives, on both databases, whatever the records."""

import json
import os
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from tests.graphql.kit import Rows, World, load_model, policies, uid
from tests.query.computed_oracle import FIELDS, Draw, Drawn, rows
from tests.query.computed_values import on_the_wire
from tests.query.examples import examples, many_examples

TYPES: dict[str, dict[str, Any]] = {
    "integer": {"type": "integer"},
    "decimal": {"type": "number", "x-type": "decimal", "x-scale": 3},
    "text": {"type": "string"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
}
KINDS = {"integer": "number", "decimal": "number"}
URLS: dict[str, str] = {}
EVERYTHING = ["role,*,*,*,,allow"]


@pytest.fixture(scope="module", autouse=True)
def urls(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An empty database of each kind."""
    URLS["sqlite"] = f"sqlite:///{tmp_path_factory.mktemp('computed') / 'world.db'}"
    if os.environ.get("XRM_TEST_POSTGRES") == "off":
        yield
        return
    with request.getfixturevalue("postgres_server").database() as url:
        URLS["postgresql"] = url
        yield


def answers(fields: dict[str, dict[str, Any]], records: Rows, query: str) -> dict[str, Any]:
    """The answer of each database to a query about things with these fields."""
    model = load_model({"thing": {"label": {"type": "string"}, **FIELDS, **fields}})
    found = {}
    for name, url in URLS.items():
        world = World(model, policies(model, EVERYTHING, {}), url, records)
        try:
            found[name] = json.loads(world.body("role", query))
        finally:
            with world.database.begin() as connection:
                world.tables.metadata.drop_all(connection)
            world.close()
    return found


def compare(data: st.DataObject) -> None:
    """Ten random expressions over random records."""
    draw = Draw(data.draw)
    drawn: dict[str, tuple[str, Drawn]] = {}
    for number in range(10):
        kind = data.draw(st.sampled_from(sorted(TYPES)))
        drawn[f"c{number}"] = kind, draw.any_of(KINDS.get(kind, kind), data.draw(st.integers(1, 3)))
    records = [{"id": uid(number), "label": "l", **row} for number, row in enumerate(data.draw(rows()), 1)]
    fields = {name: {**TYPES[kind], "x-computed": each.text} for name, (kind, each) in drawn.items()}
    query = f"{{ things(orderBy: [{{id: ASC}}]) {{ nodes {{ {' '.join(fields)} }} }} }}"
    for database, answer in answers(fields, {"thing": records}, query).items():
        if "errors" in answer and database == "sqlite":
            assert answer["errors"][0]["extensions"]["code"] == "QUERY_TOO_LARGE"
            continue
        for record, node in zip(records, answer["data"]["things"]["nodes"], strict=True):
            for name, (kind, each) in drawn.items():
                expected = on_the_wire(kind, each.of(record), 3 if kind == "decimal" else 0)
                if node[name] != expected:
                    note(f"{database}: {each.text} of {record}")
                assert node[name] == expected


@examples(15)
@given(data=st.data())
def test_random_expressions_give_what_exact_arithmetic_gives(data: st.DataObject) -> None:
    compare(data)


@pytest.mark.slow
@many_examples(400)
@given(data=st.data())
def test_many_more_expressions(data: st.DataObject) -> None:
    compare(data)


def test_not_binds_as_it_is_written() -> None:
    # SQLAlchemy's own NOT x IS NOT NULL means NOT (x IS NOT NULL)
    fields = {
        "known": {"type": "boolean", "x-computed": "(NOT x) IS NOT NULL"},
        "unknown": {"type": "boolean", "x-computed": "(NOT x) IS NULL"},
        "same": {"type": "boolean", "x-computed": "(NOT x) = (NOT (a = 1))"},
    }
    records = [{"id": uid(number), "x": x, "a": 1} for number, x in enumerate((True, False, None), 1)]
    query = "{ things(orderBy: [{id: ASC}]) { nodes { known unknown same } } }"
    for answer in answers(fields, {"thing": records}, query).values():
        found = [tuple(node.values()) for node in answer["data"]["things"]["nodes"]]
        assert found == [(True, False, True), (True, False, False), (False, True, None)]


def test_what_a_sum_gives_is_written_and_added_up_as_a_whole() -> None:
    decimal = {"type": "number", "x-type": "decimal", "x-scale": 4}
    fields = {
        "written": {"type": "string", "x-computed": "(q + a) || ' ' || (p - q) || ' ' || (a * q + b)"},
        "sum": {**decimal, "x-computed": "q + a"},
        "difference": {**decimal, "x-scale": 2, "x-computed": "p - 1"},
        "large": {"type": "integer", "x-type": "big_integer", "x-computed": "a + b * 3"},
    }
    records = [{"id": uid(number), "q": "0.5000", "p": "1.50", "a": 2, "b": 10} for number in (1, 2)]
    query = "{ things { nodes { written sum difference large } } thingsAggregate { sum { sum difference large } } }"
    for answer in answers(fields, {"thing": records}, query).values():
        one = {"written": "2.5000 1.0000 11.0000", "sum": "2.5000", "difference": "0.50", "large": "32"}
        assert answer["data"]["things"]["nodes"] == [one, one]
        assert answer["data"]["thingsAggregate"] == [{"sum": {"sum": "5.0000", "difference": "1.00", "large": "64"}}]
