"""Records are counted wherever they stand. Costs of random documents are checked where both paths are compared."""

import json

import pytest

from tests.query.counting import check_cost, counted
from tests.query.two_ways import Ways
from xrm_core.graphql.engine import Request

QUERIES = {
    """{ firms(first: 1) { a: nodes { name } b: nodes { name } edges { c: node { id } d: node { id } } }
        persons(first: 1) { nodes { name } edges { cursor } } firmsAggregate { count } }""": (4 + 1 + 1, 4 + 2 + 1001),
    "{ firms(first: 1) { nodes { a: owner { name } b: owner { id } deals { edges { node { id } } } } } }": (1, 53),
    '{ nodes(ids: ["00000000-0000-7000-8000-000000000001", "x"]) { id } }': (1, 2),
}


@pytest.mark.parametrize("query", QUERIES)
def test_records_are_counted_wherever_they_stand(open_way: Ways, query: str) -> None:
    with counted() as records:
        body = open_way.executed(Request(query, {}, tells_cost=True)).body
    assert (len(records), json.loads(body)["extensions"]["cost"]["requested"]) == QUERIES[query]
    check_cost(body, len(records), query)


def test_a_cost_that_is_too_small_is_noticed() -> None:
    body = json.dumps({"extensions": {"cost": {"requested": 2, "fields": [{"path": ["a"], "points": 2}]}}}).encode()
    check_cost(body, 2, "")
    with pytest.raises(AssertionError):
        check_cost(body, 3, "")
