"""Selections: both directions, aliases, fragments, unions, directives, variables, introspection beside data."""

from typing import Any

import pytest

from tests.graphql.kit import World, uid


def test_relations_in_both_directions(world: World) -> None:
    answer = world.ask(
        "admin",
        """query($id: ID!) { firm(id: $id) { name parent { name } owner { name firms { totalCount nodes { name } } }
        children { nodes { name } }
        deals(orderBy: [{title: DESC}]) { nodes { title seller { name } firm { name } } } } }""",
        {"id": uid(102)},
    )
    assert answer["firm"] == {
        "name": 'O\'Brien \\ "Sons"',
        "parent": {"name": "Ärzte 100%"},
        "owner": {
            "name": "Bob",
            "firms": {"totalCount": 2, "nodes": [{"name": 'O\'Brien \\ "Sons"'}, {"name": "emoji 😀 \n\ttab"}]},
        },
        "children": {"nodes": [{"name": "zeta"}]},
        "deals": {"nodes": [{"title": "d3", "seller": {"name": "Ada"}, "firm": {"name": 'O\'Brien \\ "Sons"'}}]},
    }


VISIT_PARTS = """
fragment OnFirm on Firm { name kind }
fragment OnDeal on Deal { title amount firm { ...OnFirm } }
fragment Either on VisitRegarding { __typename ... on Firm { ...OnFirm } ...OnDeal }
"""
REGARDING = [
    {"regarding": {"__typename": "Firm", "name": "Ärzte 100%", "kind": "lead"}},
    {
        "regarding": {
            "__typename": "Deal",
            "title": "d3",
            "amount": "99999999999999.9999",
            "firm": {"name": 'O\'Brien \\ "Sons"', "kind": "active"},
        }
    },
    {"regarding": {"__typename": "Firm", "name": 'O\'Brien \\ "Sons"', "kind": "active"}},
    {"regarding": None},
]
TYPENAMES = [{"regarding": each["regarding"] and {"t": each["regarding"]["__typename"]}} for each in REGARDING]


@pytest.mark.parametrize("beside", ["", "__schema { queryType { name } }"], ids=["data", "with introspection"])
def test_unions_and_fragments_of_every_kind(world: World, beside: str) -> None:
    for body, expected in (("...Either", REGARDING), ("... on VisitRegarding { ...Either }", REGARDING)):
        query = f"{{ visits {{ nodes {{ regarding {{ {body} }} }} }} {beside} }} {VISIT_PARTS}"
        assert world.ask("admin", query)["visits"]["nodes"] == expected
    query = f"{{ visits {{ nodes {{ regarding {{ t: __typename }} }} }} {beside} }}"
    assert world.ask("admin", query)["visits"]["nodes"] == TYPENAMES
    query = f"{{ visits {{ nodes {{ regarding {{ ... on Deal {{ title }} ... {{ __typename }} }} }} }} {beside} }}"
    nodes = world.ask("admin", query)["visits"]["nodes"]
    assert [each["regarding"] for each in nodes] == [
        {"__typename": "Firm"},
        {"title": "d3", "__typename": "Deal"},
        {"__typename": "Firm"},
        None,
    ]


@pytest.mark.parametrize("beside", ["", '__type(name: "Firm") { name }'], ids=["data", "with introspection"])
def test_aliases_typenames_and_merged_selections(world: World, beside: str) -> None:
    answer = world.ask(
        "admin",
        f"""{{ {beside} q: __typename
        a: firms(first: 1) {{ t: __typename list: nodes {{ x: name y: name __typename }} }}
        firms(first: 2) {{ nodes {{ name }} }} firms(first: 2) {{ nodes {{ kind }} totalCount
          edges {{ __typename c: node {{ z: revenue }} }} pageInfo {{ __typename more: hasNextPage }} }}
        ... on Query {{ firms(first: 2) {{ nodes {{ owner {{ name }} }} }} }} ...Q }}
        fragment Q on Query {{ firms(first: 2) {{ nodes {{ owner {{ badge }} }} }} }}""",
    )
    answer.pop("__type", None)
    first = "Ärzte 100%"
    assert answer == {
        "q": "Query",
        "a": {"t": "FirmConnection", "list": [{"x": first, "y": first, "__typename": "Firm"}]},
        "firms": {
            "nodes": [
                {"name": first, "kind": "lead", "owner": {"name": "Ada", "badge": 7}},
                {"name": 'O\'Brien \\ "Sons"', "kind": "active", "owner": {"name": "Bob", "badge": 3}},
            ],
            "totalCount": 7,
            "edges": [
                {"__typename": "FirmEdge", "c": {"z": "1234.50"}},
                {"__typename": "FirmEdge", "c": {"z": "-0.01"}},
            ],
            "pageInfo": {"__typename": "PageInfo", "more": True},
        },
    }


def test_keys_come_in_the_order_of_the_document(world: World) -> None:
    body = world.body("admin", f'{{ b: firm(id: "{uid(107)}") {{ name id kind }} a: __typename }}').replace(b" ", b"")
    assert body == b'{"data":{"b":{"name":"bare","id":"%s","kind":null},"a":"Query"}}' % uid(107).encode()


def test_a_typename_alone(world: World) -> None:
    assert world.ask("admin", "{ __typename }") == {"__typename": "Query"}
    assert world.ask("empty", "{ __typename }") == {"__typename": "Query"}


DIRECTIVES = """query($yes: Boolean!, $no: Boolean = false) { firms(first: 1) {
  totalCount @include(if: $no) nodes @skip(if: $no) { a: name @include(if: $yes) b: name @skip(if: $yes)
  c: name @include(if: $yes) @skip(if: $yes) ... @include(if: $no) { d: name } ...F @skip(if: $no) } } }
fragment F on Firm { e: name @skip(if: false) f: name @include(if: false) }"""


def test_skip_and_include_with_variables(world: World) -> None:
    name = "Ärzte 100%"
    assert world.ask("admin", DIRECTIVES, {"yes": True})["firms"] == {"nodes": [{"a": name, "e": name}]}
    assert world.ask("admin", DIRECTIVES, {"yes": False})["firms"] == {"nodes": [{"b": name, "e": name}]}
    assert world.ask("admin", DIRECTIVES, {"yes": False, "no": True})["firms"] == {"totalCount": 7}
    assert world.code("admin", DIRECTIVES, {"no": True}) == "BAD_QUERY"
    assert world.code("admin", DIRECTIVES, {"yes": None}) == "BAD_QUERY"


def test_nothing_is_left_when_all_is_skipped(world: World) -> None:
    skipped = "@skip(if: true)"
    assert world.ask("admin", f"{{ firms {skipped} {{ totalCount }} }}") == {}
    assert world.ask("admin", f"{{ firms(first: 1) {{ nodes {{ id {skipped} owner {{ id {skipped} }} }} }} }}") == {
        "firms": {"nodes": [{"owner": {}}]}
    }
    assert world.ask("admin", f"{{ firms {{ totalCount {skipped} }} }}") == {"firms": {}}
    assert world.ask("admin", f"{{ firmsAggregate {{ count {skipped} }} }}") == {"firmsAggregate": [{}]}


VARIABLES: list[tuple[str, dict[str, Any], int]] = [
    ("($w: FirmFilter) { firms(where: $w)", {}, 7),
    ("($w: FirmFilter) { firms(where: $w)", {"w": None}, 7),
    ("($w: FirmFilter) { firms(where: $w)", {"w": {"kind": {"eq": "lead"}}}, 2),
    ("($w: FirmFilter) { firms(where: $w)", {"w": {"kind": {"eq": None}}}, 3),
    ("($w: FirmFilter! = {kind: {eq: lost}}) { firms(where: $w)", {}, 1),
    ("($k: FirmKindFilter) { firms(where: {kind: $k})", {"k": {"in": ["lead", "lost"]}}, 3),
    ("($k: FirmKind) { firms(where: {kind: {eq: $k}})", {"k": "lost"}, 1),
    ("($k: FirmKind) { firms(where: {kind: {eq: $k}})", {"k": None}, 3),
    ("($k: FirmKind) { firms(where: {kind: {eq: $k}})", {}, 7),
    ("($k: FirmKind = active) { firms(where: {kind: {eq: $k}})", {}, 1),
    ("($k: [FirmKind!]) { firms(where: {kind: {in: $k}})", {"k": ["lead", "active"]}, 3),
    ("($k: [FirmKind!]) { firms(where: {kind: {in: $k}})", {"k": "lead"}, 2),
    ("($k: FirmKind!) { firms(where: {kind: {in: [$k, lost]}})", {"k": "lead"}, 3),
    ("($k: FirmKind!) { firms(where: {kind: {in: $k}})", {"k": "lead"}, -1),
    ("($n: Int!) { firms(where: {employees: {in: [$n, 0]}})", {"n": 5}, 3),
    ("($n: Int!) { firms(where: {employees: {in: $n}})", {"n": 5}, -1),
    ("($n: Int) { firms(where: {employees: {gte: $n, lt: 6}})", {"n": 0}, 3),
    ("($n: Int) { firms(where: {employees: {gte: $n, lt: 6}})", {}, 4),
    ("($n: Int) { firms(where: {employees: {gte: $n, lt: 6}})", {"n": None}, -1),
    ("($d: Decimal) { firms(where: {revenue: {gt: $d}})", {"d": 1234.5}, 2),
    ("($d: Decimal) { firms(where: {revenue: {gt: $d}})", {"d": "1234.5"}, 2),
    ("($d: [Decimal!]) { firms(where: {revenue: {in: $d}})", {"d": ["1234.5", 0, 1234.51]}, 3),
    ("($d: DateTime) { firms(where: {seenAt: {lte: $d}})", {"d": "2026-03-01t11:00:00+01:00"}, 2),
    ("($d: [Date!]) { firms(where: {foundedOn: {notIn: $d}})", {"d": ["2001-01-01"]}, 6),
    ("($b: Boolean) { firms(where: {active: {eq: $b}})", {"b": False}, 2),
    ("($b: Boolean) { firms(where: {active: {isNull: $b}})", {"b": False}, 4),
    ("($b: Boolean) { firms(where: {active: {isNull: $b}})", {"b": True}, 3),
    ("($b: Boolean) { firms(where: {owner: {isNull: $b}})", {"b": True}, 2),
    ("($b: [Boolean!]) { firms(where: {active: {in: $b}})", {"b": [True, False]}, 4),
    ("($f: [FirmFilter!]) { firms(where: {or: $f})", {"f": [{"kind": {"eq": "lost"}}, {"active": {"eq": False}}]}, 3),
    ("($f: FirmFilter!) { firms(where: {or: [$f, {kind: {eq: lost}}]})", {"f": {"active": {"eq": False}}}, 3),
    ("($p: PersonFilter) { firms(where: {owner: $p, active: {eq: true}})", {"p": {"name": {"eq": "Ada"}}}, 2),
    ("($d: DealListFilter) { firms(where: {deals: $d})", {"d": {"some": {"amount": {"gt": 1}}}}, 1),
    ("($n: Int, $o: [FirmOrderBy!]) { firms(first: $n, orderBy: $o)", {"n": 1, "o": [{"owner": {"name": "ASC"}}]}, 7),
    ("($o: OrderDirection = DESC) { firms(orderBy: [{name: $o}])", {}, 7),
]


@pytest.mark.parametrize(("head", "variables", "count"), VARIABLES, ids=str)
def test_variables_in_every_place(world: World, head: str, variables: dict[str, Any], count: int) -> None:
    query = f"query{head} {{ totalCount }} }}"
    beside = f"query{head} {{ totalCount }} __schema {{ queryType {{ name }} }} }}"
    if count < 0:
        assert world.code("admin", query, variables) == world.code("admin", beside, variables) == "BAD_QUERY"
    else:
        assert world.ask("admin", query, variables)["firms"]["totalCount"] == count
        assert world.ask("admin", beside, variables)["firms"]["totalCount"] == count


def test_one_document_with_variables_of_many_shapes(world: World) -> None:
    """Plans are kept by the shape of the variables; none must be used for another shape."""
    query = "query($w: FirmFilter, $n: Int) { firms(where: $w, first: $n) { totalCount nodes { name } } }"
    shapes: list[Any] = [
        None,
        {},
        {"name": {}},
        {"name": {"eq": "zeta"}},
        {"name": {"ne": "zeta"}},
        {"name": {"eq": None}},
        {"name": {"in": ["zeta"]}},
        {"name": {"in": []}},
        {"active": {"eq": True}},
        {"active": {"eq": False}},
        {"active": {"isNull": True}},
        {"active": {"isNull": False}},
        {"kind": {"eq": "lead"}},
        {"kind": {"eq": "lost"}},
        {"or": []},
        {"or": [{}]},
        {"or": [{"name": {"eq": "zeta"}}, {"name": {"eq": "bare"}}]},
    ]
    counts = [7, 7, 7, 1, 6, 0, 1, 0, 2, 2, 3, 4, 2, 1, 0, 7, 2]
    for _ in range(2):
        for shape, count in zip(shapes, counts, strict=True):
            for size in (None, 1, 3):
                answer = world.ask("admin", query, {"w": shape, "n": size})["firms"]
                assert answer["totalCount"] == count, shape
                assert len(answer["nodes"]) == min(count, size or 50)


def test_several_operations_in_a_document(world: World) -> None:
    from xrm_core.graphql.engine import Request

    text = "query A { firms { totalCount } } query B($n: Int!) { deals(first: $n) { nodes { title } } }"

    def ask(name: str | None, **variables: Any) -> bytes:
        return world.run(world.engine.execute(Request(text, variables, name), world.user("admin"))).body.replace(
            b" ", b""
        )

    assert ask("A") == b'{"data":{"firms":{"totalCount":7}}}'
    assert ask("B", n=1) == b'{"data":{"deals":{"nodes":[{"title":"d1"}]}}}'
    assert b"BAD_QUERY" in ask(None)
    assert b"BAD_QUERY" in ask("C")
    assert b"BAD_QUERY" in ask("B")


SAME: list[str] = [
    "{ firms { nodes { id name kind revenue employees active foundedOn seenAt code note createdAt version } } }",
    "{ deals(orderBy: [{amount: DESC}]) { edges { node { title amount stage closesOn } } totalCount } }",
    "{ visits { nodes { minutes regarding { ... on Firm { active revenue seenAt } ... on Deal { amount } } } } }",
    "{ firmsAggregate(groupBy: [{active: VALUE}, {kind: VALUE}]) { key { active kind } count sum { revenue } } }",
    "{ firmsAggregate { min { revenue seenAt foundedOn name } max { revenue seenAt foundedOn name } } }",
    "{ dealsAggregate(groupBy: [{closesOn: VALUE}]) { key { closesOn } sum { amount } countDistinct { stage } } }",
    "{ persons(first: 9) { nodes { firms(first: 9) { nodes { children(first: 9) { nodes { active "
    "deals(first: 9) { nodes { amount } } } } } } } } }",
]


@pytest.mark.parametrize("query", SAME)
def test_introspection_beside_data_changes_nothing(world: World, query: str) -> None:
    """The executor and the fast path give the same."""
    plain = world.ask("admin", query)
    beside = world.ask("admin", query.removesuffix("}") + " __schema { queryType { name } } }")
    assert beside.pop("__schema") == {"queryType": {"name": "Query"}}
    assert beside == plain


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    return {}


@pytest.mark.parametrize("query", SAME)
def test_both_databases_say_the_same(world: World, query: str, answers: dict[str, Any]) -> None:
    """Whichever database comes second is held against the first."""
    assert answers.setdefault(query, world.ask("admin", query)) == world.ask("admin", query)
