"""What is wrong with a query of records is said in the same words by both ways to an answer."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.query.two_ways import INTROSPECTION, Ways
from xrm_core.graphql.demands import Limits
from xrm_core.graphql.engine import Engine, Request

WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "a cursor": ('{ firms(after: "zz") { totalCount } persons { totalCount } }', {}, "BAD_CURSOR"),
    "a page": (
        "query ($n: Int) { persons { totalCount } firms(first: $n) { totalCount } }", {"n": 1001}, "QUERY_TOO_LARGE"
    ),
    "a condition of null": (
        "query ($b: Boolean = true) { firms { nodes { id name @include(if: $b) } } }", {"b": None}, "BAD_QUERY"
    ),
    "an id of null": ('query ($i: ID = "x") { firm(id: $i) { id } }', {"i": None}, "BAD_QUERY"),
    "a null in a list": (
        'query ($t: String = "x") { firms(where: {name: {in: ["a", $t]}}) { totalCount } }', {"t": None}, "BAD_QUERY"
    ),
    "a null in an object": (
        "query ($w: FirmFilter = {}) { firms(where: {or: [{}, $w]}) { totalCount } }", {"w": None}, "BAD_QUERY"
    ),
    "a variable": ("query ($n: Int) { firms(first: $n) { totalCount } }", {"n": "many"}, "BAD_QUERY"),
    "a field": ("{ firms { nodes { nothing } } }", {}, "BAD_QUERY"),
    "a key": ("{ firmsAggregate { key { name } } }", {}, "BAD_QUERY"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_refused_in_the_same_words(open_way: Ways, name: str) -> None:
    query, variables, code = WRONG[name]
    request = Request(query, variables)
    refused = open_way.ask(request)
    # whoever answers, and whatever stands beside it
    beside = open_way.ask(replace(request, query=f"{query.removesuffix('}')} {INTROSPECTION} }}"))
    assert open_way.executed(request) == beside == refused
    assert not refused.executed
    assert json.loads(refused.body)["errors"][0]["extensions"]["code"] == code


def test_root_fields_beside_introspection_cost_together(open_way: Ways) -> None:
    fields = "a: firms(first: 600) { nodes { id } } b: persons(first: 600) { nodes { id } }"
    engine = open_way.world.engine
    tight = Engine(engine.records, engine.database, engine.reader, Limits(cost=1000), threads=engine.threads)
    for query in (f"{{ {fields} }}", f"{{ {fields} __typename {INTROSPECTION} }}"):
        answer = open_way.world.run(tight.execute(Request(query, {}), open_way.world.user("role")))
        [error] = json.loads(answer.body)["errors"]
        assert error["extensions"]["details"] == {"cost": 1200, "limit": 1000, "path": ["a"]}
