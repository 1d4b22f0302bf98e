"""What a query costs, whatever form it has, and the other limits of a request, each at its border."""

import json
from typing import Any

import pytest

from tests.graphql.kit import World, load_model, policies, uid
from xrm_core.graphql.demands import Limits
from xrm_core.graphql.engine import Request
from xrm_core.graphql.limits import DocumentLimits

FIRM = uid(101)
ROWS = {
    "person": [{"id": uid(1), "name": "Ada"}],
    "firm": [{"id": FIRM, "name": "Ulm", "owner": uid(1)}],
    "deal": [{"id": uid(201), "title": "d", "firm": FIRM}],
}
LIMIT = 3000


@pytest.fixture
def limited(database_url: str) -> Any:
    model = load_model()
    world = World(model, policies(model, ["role,*,*,*,,allow"], {}), database_url, ROWS, Limits(cost=LIMIT))
    yield world
    world.close()


def answer(world: World, query: str, variables: dict[str, Any] | None = None) -> Any:
    request = Request(query, variables or {}, tells_cost=True)
    return json.loads(world.run(world.engine.execute(request, world.user("role"))).body)


def cost(world: World, query: str, variables: dict[str, Any] | None = None) -> int:
    found = answer(world, query, variables)
    assert found["extensions"]["cost"]["limit"] == LIMIT, found
    return int(found["extensions"]["cost"]["requested"])


AROUND = {
    "alias": "{ a: firms(first: 30) { nodes { id } } b: firms(first: 30) { nodes { id } } }",
    "fragment": "{ a: firms(first: 30) { ...F } b: firms(last: 30) { ...F } } "
    "fragment F on FirmConnection { nodes { id } }",
    "default": "query ($n: Int = 60) { firms(first: $n) { nodes { id } } }",
    "include": "query ($b: Boolean = true) { firms(first: 60) @include(if: $b) { nodes { id } } }",
    "skip": "query ($b: Boolean!) { firms(first: 60) @skip(if: $b) { nodes { id } } }",
    "merged": "{ firms(first: 60) { nodes { id } } firms(first: 60) { nodes { name } } }",
    "edges": "{ firms(first: 60) { edges { node { id } } } }",
    "backward": "{ firms(last: 60) { nodes { id } } }",
    "pageInfo": "{ firms(first: 60) { pageInfo { hasNextPage } } }",
    "introspection beside": "{ firms(first: 60) { nodes { id } } __schema { queryType { name } } }",
    "ids": "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }",
    "id after id": "{ a: node(id: $) { id } b: firm(id: $) { ... on Firm { id deals(first: 58) { nodes { id } } } } }",
}


@pytest.mark.parametrize("form", AROUND)
def test_no_form_of_a_document_is_a_way_around(limited: World, form: str) -> None:
    query = AROUND[form].replace("$)", f'"{FIRM}")')
    variables = {"ids": [FIRM] * 60, "b": False} if "$ids" in query or "$b: Boolean!" in query else {}
    assert cost(limited, query, {name: value for name, value in variables.items() if f"${name}" in query}) == 60


def test_the_limit_itself_is_within_it(limited: World) -> None:
    query = "query ($n: Int, $m: Int) { firms(first: $n) { nodes { deals(first: $m) { nodes { id } } } } }"
    assert cost(limited, query, {"n": 1000, "m": 2}) == LIMIT
    for variables in ({"n": 1000, "m": 3}, {"n": 601, "m": 4}):
        found = answer(limited, query, variables)
        requested = variables["n"] * (1 + variables["m"])
        path = ["firms", "nodes", "deals"]
        details = {"cost": requested, "limit": LIMIT, "path": path}
        assert found["errors"][0]["extensions"]["details"] == details
        told = found["extensions"]["cost"]
        assert (told["requested"], told["limit"]) == (requested, LIMIT)
        assert told["fields"][0] == {"path": path, "points": variables["n"] * variables["m"]}
        assert sum(each["points"] for each in told["fields"]) == requested


@pytest.mark.parametrize(
    ("where", "points"),
    [
        ('{name: {contains: "a"}, and: [{note: {startsWith: "b"}}, {not: {note: {endsWith: "c"}}}]}', 3000),
        ('{or: [{name: {eq: "a"}}, {name: {in: ["b"]}}], revenue: {gt: 1}, tags: {has: vip}}', 0),
        ('{name: {eq: "a", ignoring: CASE}}', 10_000),
        ('{deals: {none: {title: {contains: "a"}}}}', 11_000),
        ('{parent: {parent: {name: {eq: "a"}}}}', 2000),
        ("{owner: {isNull: true}}", 0),
        ("$w", 1000),
    ],
)
def test_conditions_weigh_at_the_root_and_in_a_record(database_url: str, where: str, points: int) -> None:
    model = load_model()
    world = World(model, policies(model, ["role,*,*,*,,allow"], {}), database_url, {}, Limits(cost=10**6))
    variables = {"w": {"name": {"contains": "x"}}} if where == "$w" else {}
    head = "query ($w: FirmFilter)" if variables else "query"
    try:
        root = f"{head} {{ firms(first: 7, where: {where}) {{ nodes {{ id }} }} }}"
        inner = f"{head} {{ persons(first: 3) {{ nodes {{ firms(first: 7, where: {where}) {{ nodes {{ id }} }} }} }} }}"
        figures = f"{head} {{ firmsAggregate(where: {where}) {{ count }} }}"
        asked = [answer(world, query, variables)["extensions"]["cost"]["requested"] for query in (root, inner, figures)]
    finally:
        world.close()
    assert asked == [7 + points, 3 + 3 * (7 + points // 100), 1001 + points]


F = "fragment F on Query { __typename }"
BORDERS = {
    "tokens": (DocumentLimits(tokens=12), "{ a b c d e f g h i j }", "{ a b c d e f g h i j k }"),
    "depth": (DocumentLimits(depth=3), "{ firms { nodes { id } } }", "{ firms { nodes { owner { id } } } }"),
    "aliases": (DocumentLimits(aliases=1), "{ a: __typename }", "{ a: __typename b: __typename }"),
    "an alias": (DocumentLimits(), f"{{ {'a' * 63}: __typename }}", f"{{ {'a' * 64}: __typename }}"),
    "fields": (DocumentLimits(fields=2), f"{{ ...F ...F }} {F}", f"{{ ...F ...F ...F }} {F}"),
    "fragments": (DocumentLimits(fragments=1), f"{{ ...F }} {F}", f"{{ ...F ...G }} {F} {F.replace('F', 'G')}"),
    "repeats": (DocumentLimits(repeats=2), "{ __typename __typename }", "{ __typename __typename __typename }"),
}


@pytest.mark.parametrize("name", BORDERS)
def test_a_document_may_be_as_large_as_its_limit(sqlite_url: str, name: str) -> None:
    limits, allowed, refused = BORDERS[name]
    model = load_model()
    world = World(model, policies(model, ["role,*,read,*,,allow"], {}), sqlite_url, {}, documents=limits)
    try:
        within = json.loads(world.body("role", allowed))
        assert all(each["extensions"]["code"] == "BAD_QUERY" for each in within.get("errors", ()))
        assert world.code("role", refused) == "QUERY_TOO_LARGE"
    finally:
        world.close()


@pytest.mark.parametrize(
    ("allowed", "refused"),
    [
        ({"a": list(range(9))}, {"a": list(range(10))}),
        ({"a": {str(number): 1 for number in range(9)}}, {"a": {str(number): 1 for number in range(10)}}),
        ({str(number): number for number in range(10)}, {str(number): number for number in range(11)}),
        ({"a": [[1, 2], {"b": [3, 4], "c": 5}], "d": 6}, {"a": [[1, 2], {"b": [3, 4, 5], "c": 5}], "d": 6}),
    ],
)
def test_variables_may_have_as_many_values_as_the_limit_and_no_more(
    sqlite_url: str, allowed: Any, refused: Any
) -> None:
    model = load_model()
    rights, limits = policies(model, ["role,*,read,*,,allow"], {}), DocumentLimits(variables=10)
    world = World(model, rights, sqlite_url, {}, documents=limits)
    try:
        assert world.ask("role", "{ __typename }", allowed) == {"__typename": "Query"}
        [error] = world.errors("role", "{ __typename }", refused)
        assert (error["extensions"]["code"], "more than 10 values" in error["message"]) == ("QUERY_TOO_LARGE", True)
    finally:
        world.close()


def test_variables_nest_to_a_limit(limited: World) -> None:
    def levels(count: int) -> Any:
        return [levels(count - 1)] if count else "x"

    assert limited.ask("role", "{ __typename }", {"a": levels(50)}) == {"__typename": "Query"}
    [error] = limited.errors("role", "{ __typename }", {"a": levels(51)})
    assert (error["extensions"]["code"], "50 levels" in error["message"]) == ("QUERY_TOO_LARGE", True)
