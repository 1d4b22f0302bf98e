"""Relay's ``node(id)`` and ``nodes(ids)``: records of any entity by their ids, under the caller's rights."""

import json
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLInterfaceType, parse, validate, validate_schema

from tests.graphql.kit import TEXT, World, load_model, policies, uid
from tests.graphql.test_statements import statements
from xrm_core.graphql.demands import Limits
from xrm_core.graphql.schema import build
from xrm_core.metadata.model import Model
from xrm_core.permissions.authority import Authority
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database

NODE = """query ($id: ID!) { node(id: $id) {
    __typename ...Known
    ... on Firm { name deals(orderBy: [{title: ASC}]) { totalCount nodes { title ...Known } } owner { name } }
    ... on Visit { subject regarding { ...Known ... on Firm { name } } }
} }
fragment Known on Node { id kind: __typename ... on Person { name } }"""
FIRM, DEAL, VISIT, SECRET, WIDE = uid(101), uid(201), uid(301), uid(401), uid(501)


def both(world: World, role: str, document: str, variables: dict[str, Any] | None = None) -> Any:
    """The answer, which the plans and the executor must give alike."""
    found = world.ask(role, document, variables)
    beside = document.rstrip()
    head, brace, rest = beside.partition("{")
    executed = world.ask(role, f"{head}{brace} __schema {{ queryType {{ name }} }} {rest}", variables)
    assert executed.pop("__schema") == {"queryType": {"name": "Query"}}
    assert json.dumps(executed) == json.dumps(found)
    return found


def test_a_node_is_the_record_of_its_id_whatever_its_entity(world: World) -> None:
    firm = both(world, "admin", NODE, {"id": FIRM})["node"]
    assert firm == {
        "__typename": "Firm",
        "id": FIRM,
        "kind": "Firm",
        "name": "Ärzte 100%",
        "deals": {
            "totalCount": 2,
            "nodes": [{"title": "d1", "id": DEAL, "kind": "Deal"}, {"title": "d2", "id": uid(202), "kind": "Deal"}],
        },
        "owner": {"name": "Ada"},
    }
    visit = both(world, "admin", NODE, {"id": VISIT})["node"]
    assert visit["regarding"] == {"id": FIRM, "kind": "Firm", "name": "Ärzte 100%"}
    person = both(world, "admin", NODE, {"id": uid(1)})["node"]
    assert person == {"__typename": "Person", "id": uid(1), "kind": "Person", "name": "Ada"}


@pytest.mark.parametrize("id_", [uid(999), "no uuid", "", "123"])
def test_an_id_of_no_record_is_null(world: World, id_: str) -> None:
    assert both(world, "admin", NODE, {"id": id_}) == {"node": None}
    assert both(world, "admin", "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": [id_]}) == {"nodes": [None]}


def test_a_record_with_nothing_asked_of_its_type_is_an_empty_object(world: World) -> None:
    found = both(world, "admin", f'{{ node(id: "{DEAL}") {{ ... on Firm {{ name }} }} }}')
    assert found == {"node": {}}


def test_nodes_come_in_the_order_of_their_ids(world: World) -> None:
    ids = [VISIT, uid(999), WIDE, FIRM, "no uuid", VISIT, DEAL]
    expected = [("Visit", VISIT), None, ("Wide", WIDE), ("Firm", FIRM), None, ("Visit", VISIT), ("Deal", DEAL)]
    listed = ", ".join(json.dumps(each) for each in ids)
    mixed = ", ".join("$own" if each == FIRM else json.dumps(each) for each in ids)
    for document, variables in (
        ("query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", {"ids": ids}),
        (f"{{ nodes(ids: [{listed}]) {{ __typename id }} }}", {}),
        (f"query ($own: ID!) {{ nodes(ids: [{mixed}]) {{ __typename id }} }}", {"own": FIRM}),
    ):
        found = both(world, "admin", document, variables)["nodes"]
        assert [each and (each["__typename"], each["id"]) for each in found] == expected
    assert both(world, "admin", "{ nodes(ids: []) { id } }") == {"nodes": []}
    assert both(world, "admin", f'{{ nodes(ids: "{DEAL}") {{ id }} }}') == {"nodes": [{"id": DEAL}]}


def test_aliases_directives_and_lists_within_nodes(world: World) -> None:
    document = """query ($ids: [ID!]!, $no: Boolean!) {
        first: nodes(ids: $ids) { ... on Node @skip(if: $no) { id } ... on Firm { called: name } }
        second: nodes(ids: $ids) { ... on Firm { visits { nodes { regarding { ... on Node { id } } } } } } }"""
    found = both(world, "admin", document, {"ids": [FIRM, DEAL], "no": True})
    assert found["first"] == [{"called": "Ärzte 100%"}, {}]
    assert found["second"] == [{"visits": {"nodes": [{"regarding": {"id": FIRM}}]}}, {}]


def test_what_the_caller_may_not_see_is_null(world: World) -> None:
    # Given a role that reads firms of their own, and no secrets: neither record differs from one that does not exist
    ids = [FIRM, uid(102), SECRET, uid(999)]
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Firm { name } } }"
    found = both(world, "rep", document, {"ids": ids})["nodes"]
    assert found == [{"__typename": "Firm", "id": FIRM, "name": "Ärzte 100%"}, None, None, None]
    for id_ in ids[1:]:
        assert both(world, "rep", "query ($id: ID!) { node(id: $id) { id } }", {"id": id_}) == {"node": None}
    other = world.ask("rep", document, {"ids": ids}, user=2)["nodes"]
    assert [each and each["id"] for each in other] == [None, uid(102), None, None]


def test_fields_follow_the_rules_of_each_record(world: World) -> None:
    # «no_leads» reads no revenue of its own firms; the first two are Bob's and Ada's
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Firm { revenue } } }"
    ids = [uid(102), uid(103), FIRM]
    assert world.ask("no_leads", document, {"ids": ids})["nodes"] == [{"revenue": "-0.01"}, {"revenue": None}, None]


@pytest.mark.parametrize(
    "document",
    [
        '{ node(id: "1") { ... on #Secret# { id } } }',
        "{ nodes(ids: []) { ...F } } fragment F on #Secret# { word }",
        '{ node(id: "1") { ... on Firm { ... on #Secret# { id } } } }',
    ],
)
def test_a_type_that_the_role_cannot_read_does_not_exist(world: World, document: str) -> None:
    hidden = world.body("rep", document.replace("#Secret#", "Secret")).replace(b"Secret", b"X")
    unknown = world.body("rep", document.replace("#Secret#", "Wizard")).replace(b"Wizard", b"X")
    assert hidden == unknown
    assert b"Unknown type" in hidden


def test_a_hidden_field_in_a_fragment_does_not_exist(world: World) -> None:
    assert world.code("rep", '{ node(id: "1") { ... on Firm { revenue } } }') == "BAD_QUERY"


def test_only_fields_of_all_records_are_asked_of_a_node_itself(world: World) -> None:
    assert "Cannot query field 'name'" in world.errors("admin", '{ node(id: "1") { name } }')[0]["message"]
    assert (
        "can never be of type 'PageInfo'"
        in (world.errors("admin", '{ node(id: "1") { ... on PageInfo { hasNextPage } } }')[0]["message"])
    )


def test_introspection_knows_the_interface(world: World) -> None:
    asked = """{ node: __type(name: "Node") { kind possibleTypes { name } fields { name } }
        firm: __type(name: "Firm") { interfaces { name } } page: __type(name: "PageInfo") { interfaces { name } } }"""
    found = world.ask("rep", asked)
    assert found["node"]["kind"] == "INTERFACE"
    assert {each["name"] for each in found["node"]["possibleTypes"]} == {
        *("Firm", "Deal", "Person", "Visit", "FirmAdvisor", "FirmAlly")
    }
    assert found["node"]["fields"] == [{"name": "id"}]
    assert found["firm"]["interfaces"] == [{"name": "Node"}]
    assert found["page"]["interfaces"] == []
    everything = {each["name"] for each in world.ask("admin", asked)["node"]["possibleTypes"]}
    assert {"Secret", "Wide", "FirmAdvisor"} < everything


def test_a_role_that_reads_nothing_has_no_nodes(world: World) -> None:
    assert world.code("empty", '{ node(id: "1") { __typename } }') == "BAD_QUERY"
    schema = build(world.model, world.authority.access(frozenset({"empty"}))).graphql
    assert not [each for each in schema.every_type().values() if isinstance(each, GraphQLInterfaceType)]


@pytest.mark.parametrize("role", ["admin", "rep", "own_name", "team_notes"])
def test_schemas_with_the_interface_are_valid(world: World, role: str) -> None:
    schema = build(world.model, world.authority.access(frozenset({role}))).graphql
    schema.assume_valid, schema._validation_errors = False, None
    assert validate_schema(schema) == []


def test_mutations_answer_through_the_interface(model: Model, database_url: str) -> None:
    database = Database(database_url)
    apply(database, model)
    database.close()
    world = World(model, policies(model, ["admin,*,*,*,,allow"], {}), database_url, {})
    document = """mutation { createFirm(input: {name: "New"}) { ...F ... on Node { __typename ... on Firm { name } } } }
        fragment F on Node { id }"""
    try:
        made = world.ask("admin", document)["createFirm"]
        assert made["__typename"] == "Firm"
        assert made["name"] == "New"
        asked = "query ($id: ID!) { node(id: $id) { ... on Firm { name } } }"
        assert world.ask("admin", asked, {"id": made["id"]}) == {"node": {"name": "New"}}
    finally:
        world.close()


def test_nodes_are_one_statement(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Firm { deals { nodes { seller { name } } } } id } }"
    variables = {"ids": [FIRM, DEAL, uid(102)]}
    first = world.ask("admin", document, variables)
    with statements(world, monkeypatch) as seen:
        assert world.ask("admin", document, variables) == first
    assert len(seen) == 1, seen


def test_ids_are_limited_and_cost(model: Model, tmp_path: Path) -> None:
    rights = policies(model, ["admin,firm,read,*,,allow", "admin,deal,read,*,,allow"], {})
    sizes = Limits(largest_page=60, cost=600)
    world = World(model, rights, f"sqlite:///{tmp_path}/world.db", {}, sizes)
    asked = "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Firm { deals(first: 9) { nodes { id } } } } }"
    try:
        assert len(world.ask("admin", asked, {"ids": [FIRM] * 60})["nodes"]) == 60
        [error] = world.errors("admin", asked, {"ids": [FIRM] * 61})
        assert error["extensions"]["code"] == "QUERY_TOO_LARGE"
        assert "At most 60 records are read by their ids" in error["message"]
        literal = asked.replace("query ($ids: [ID!]!) ", "").replace("$ids", json.dumps([FIRM] * 61))
        assert "At most 60" in world.errors("admin", literal)[0]["message"]
        more = asked.replace("first: 9", "first: 10")
        [error] = world.errors("admin", more, {"ids": [FIRM] * 60})
        assert error["extensions"]["details"] == {"cost": 660, "limit": 600, "path": ["nodes", "deals"]}
    finally:
        world.close()


def test_any_of_500_entities_has_the_record(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given more entities than functions of SQLite take arguments, with rules on some of them
    entities = {f"thing_{number}": {"name": TEXT, "open": {"type": "boolean"}} for number in range(500)}
    model = load_model(entities)
    rows = [f"role,thing_{number},read,*,{'open' if number % 7 == 0 else ''},allow" for number in range(499)]
    rights = policies(model, rows, {"open": {"open": {"eq": True}}})
    numbers = (0, 1, 99, 100, 101, 350, 490, 498, 499)
    things = {f"thing_{n}": [{"id": uid(n), "name": f"n{n}", "open": n == 490}] for n in numbers}
    world = World(model, rights, database_url, things)
    document = "query ($ids: [ID!]!, $id: ID!) { nodes(ids: $ids) { id ...T } node(id: $id) { __typename ...T } }"
    document += " fragment T on Thing498 { name thing498: __typename }"
    try:
        found = both(world, "role", document, {"ids": [uid(n) for n in (*numbers, 777)], "id": uid(498)})
        wide = [
            asks_widely(world, monkeypatch, each) for each in ('{ node(id: "x") { id } }', "{ thing1s { totalCount } }")
        ]
    finally:
        world.close()
    # Then records that no rule hides are there: 0 and 350 are closed, the role does not read the last entity
    seen = [int(each["id"][-3:]) if each else None for each in found["nodes"]]
    assert seen == [None, 1, 99, 100, 101, None, 490, 498, None, None]
    assert found["node"] == {"__typename": "Thing498", "name": "n498", "thing498": "Thing498"}
    # And the reader knows that a statement of that kind needs many locks
    assert wide == [True, False]


def asks_widely(world: World, monkeypatch: pytest.MonkeyPatch, document: str) -> bool:
    """Whether the reader is told that a document looks into many tables."""
    told: list[bool] = []
    fetch = world.reader.fetch

    async def spy(*arguments: Any, wide: bool = False) -> Any:
        told.append(wide)
        return await fetch(*arguments, wide=wide)

    with monkeypatch.context() as patch:
        patch.setattr(world.reader, "fetch", spy)
        world.ask("role", document)
    return told == [True]


def test_a_node_makes_only_the_types_that_its_document_names(model: Model) -> None:
    schema = build(model, Authority(model, policies(model, ["a,*,read,*,,allow"], {})).access(frozenset({"a"}))).graphql
    document = "query ($id: ID!) { node(id: $id) { ...F ... on Firm { name } } } fragment F on Node { id }"
    assert validate(schema, parse(document)) == []
    made = set(dict.keys(schema.type_map))
    assert {"Node", "Firm", "ID"} <= made
    assert not {"Deal", "Person", "Wide"} & made
