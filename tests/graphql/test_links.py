"""Many-to-many relations in GraphQL: pages of them, writing them, and what a role may not know."""

from pathlib import Path
from typing import Any

import pytest

from tests.graphql import kit
from tests.graphql.kit import World, uid
from tests.graphql.test_statements import statements
from xrm_core.metadata.model import Model
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database

ADVISORS = [
    {"id": uid(601), "firm": uid(101), "person": uid(1), "share": 10, "since": "2020-01-01"},
    {"id": uid(602), "firm": uid(101), "person": uid(2), "share": 20},
    {"id": uid(603), "firm": uid(101), "person": uid(3), "share": 30},
    {"id": uid(604), "firm": uid(102), "person": uid(2), "share": 40},
]
ALLIES = [
    {"id": uid(701), "firm": uid(101), "ally": uid(102)},
    {"id": uid(702), "firm": uid(102), "ally": uid(101)},
    {"id": uid(703), "firm": uid(103), "ally": uid(103)},
]
ROWS = {
    "person": [{"id": uid(number), "name": name} for number, name in ((1, "Ada"), (2, "Bob"), (3, "Cid"))],
    "firm": [{"id": uid(100 + number), "name": f"F{number}", "owner": uid(1)} for number in (1, 2, 3)],
    "firm_advisor": ADVISORS,
    "firm_ally": ALLIES,
}
POLICIES = """\
admin,*,*,*,,allow
some,firm,read,*,,allow
some,person,read,*,not_bob,allow
unnamed,firm,read,name,,allow
unnamed,person,read,*,,allow
denied,*,read,*,,allow
denied,firm,read,advisors,,deny
shares,firm,read,*,,allow
shares,person,read,*,,allow
shares,firm_advisor,read,firm person,big,allow
firms,firm,read,*,,allow
firms,firm_advisor,read,*,,allow""".splitlines()
RULES = {"not_bob": {"name": {"ne": "Bob"}}, "big": {"share": {"gte": 20}}}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def linked(request: pytest.FixtureRequest, model: Model, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Firms with advisors and allies, on each database."""
    rights = kit.policies(model, POLICIES, RULES)
    if request.param == "sqlite":
        path: Path = tmp_path_factory.mktemp("links") / "world.db"
        opened = World(model, rights, f"sqlite:///{path}", ROWS)
        yield opened
        opened.close()
    else:
        with request.getfixturevalue("postgres_server").database() as url:
            opened = World(model, rights, url, ROWS)
            yield opened
            opened.close()


def firms(body: str, of: str = "") -> str:
    return f"{{ firms{of} {{ nodes {{ name {body} }} }} }}"


def test_edges_have_the_attributes_of_links(linked: World) -> None:
    query = firms("advisors(orderBy: [{name: DESC}]) { totalCount edges { share since node { name } } }")
    [first, second, third] = linked.ask("admin", query)["firms"]["nodes"]
    assert first["advisors"] == {
        "totalCount": 3,
        "edges": [
            {"share": 30, "since": None, "node": {"name": "Cid"}},
            {"share": 20, "since": None, "node": {"name": "Bob"}},
            {"share": 10, "since": "2020-01-01", "node": {"name": "Ada"}},
        ],
    }
    assert [edge["share"] for edge in second["advisors"]["edges"]] == [40]
    assert third["advisors"] == {"totalCount": 0, "edges": []}


def test_the_other_side_has_the_same_links(linked: World) -> None:
    query = "{ persons { nodes { name advises { edges { share node { name } } } } } }"
    found = linked.ask("admin", query)["persons"]["nodes"][1]
    assert found == {
        "name": "Bob",
        "advises": {"edges": [{"share": 20, "node": {"name": "F1"}}, {"share": 40, "node": {"name": "F2"}}]},
    }


def test_figures_over_links_count_what_their_list_has(linked: World) -> None:
    lists = "advisors(whereLink: {share: {gte: 20}}) { totalCount } allies { totalCount } alliedWith { totalCount }"
    figures = (
        "advisorsAggregate(whereLink: {share: {gte: 20}}) { count } alliesAggregate { count } "
        "alliedWithAggregate { count }"
    )
    counted = []
    for role in ("admin", "some"):
        for node in linked.ask(role, firms(f"{lists} {figures}"))["firms"]["nodes"]:
            for name in ("advisors", "allies", "alliedWith"):
                assert node[f"{name}Aggregate"] == [{"count": node[name]["totalCount"]}]
                counted.append(node[name]["totalCount"])
    assert set(counted) > {0, 1}
    assert "alliesAggregate" in linked.errors("unnamed", firms("alliesAggregate { count }"))[0]["message"]


def test_figures_over_links_can_be_grouped(linked: World) -> None:
    by = "advisorsAggregate(groupBy: [{name: VALUE}], orderBy: [{key: {name: DESC}}], first: 2) { key { name } count }"
    [first, *_] = linked.ask("admin", firms(by))["firms"]["nodes"]
    assert first["advisorsAggregate"] == [{"key": {"name": "Cid"}, "count": 1}, {"key": {"name": "Bob"}, "count": 1}]


def test_an_entity_linked_with_itself_keeps_directions_apart(linked: World) -> None:
    query = firms("allies { nodes { name } } alliedWith { nodes { name } }", '(where: {name: {ne: "F2"}})')
    [first, third] = linked.ask("admin", query)["firms"]["nodes"]
    assert first["allies"] == first["alliedWith"] == {"nodes": [{"name": "F2"}]}
    assert third["allies"] == third["alliedWith"] == {"nodes": [{"name": "F3"}]}


@pytest.mark.parametrize("way", ["first: 2, after", "last: 2, before"])
def test_pages_of_links_join_up(linked: World, way: str) -> None:
    found: list[int] = []
    cursor = None
    while len(found) < 3:
        query = (
            f'query($c: String) {{ firm(id: "{uid(101)}") {{ advisors(orderBy: [{{name: ASC}}], {way}: $c) '
            "{ edges { share cursor } pageInfo { startCursor endCursor } } } }"
        )
        page = linked.ask("admin", query, {"c": cursor})["firm"]["advisors"]
        shares = [edge["share"] for edge in page["edges"]]
        assert shares
        found = found + shares if way.startswith("first") else shares + found
        cursor = page["pageInfo"]["endCursor" if way.startswith("first") else "startCursor"]
    assert found == [10, 20, 30]


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ('advisors: {some: {name: {eq: "Bob"}}}', ["F1", "F2"]),
        ('advisors: {none: {name: {eq: "Cid"}}}', ["F2", "F3"]),
        ('advisors: {every: {name: {eq: "Bob"}}}', ["F2", "F3"]),
        ("advisorLinks: {some: {share: {gt: 30}}}", ["F2"]),
        ('advisorLinks: {some: {share: {lt: 30}, person: {name: {eq: "Bob"}}}}', ["F1"]),
        ('allies: {some: {advisors: {some: {name: {eq: "Cid"}}}}}', ["F2"]),
    ],
)
def test_filters_reach_through_links(linked: World, where: str, names: list[str]) -> None:
    found = linked.ask("admin", firms("", f"(where: {{{where}}})"))["firms"]["nodes"]
    assert [each["name"] for each in found] == names


def test_where_link_is_about_the_links(linked: World) -> None:
    query = firms('advisors(whereLink: {share: {gte: 20}}, where: {name: {ne: "Cid"}}) { totalCount nodes { name } }')
    assert [each["advisors"]["totalCount"] for each in linked.ask("admin", query)["firms"]["nodes"]] == [1, 1, 0]


def test_links_to_hidden_records_do_not_exist(linked: World) -> None:
    # given somebody who does not see Bob
    query = firms("advisors { totalCount nodes { name } } advisorLinks { totalCount }")
    nodes = linked.ask("some", query)["firms"]["nodes"]
    # then no list, count, figure or filter knows of a link to him
    assert [each["advisors"]["totalCount"] for each in nodes] == [2, 0, 0]
    assert [each["advisorLinks"]["totalCount"] for each in nodes] == [2, 0, 0]
    figures = linked.ask("some", "{ firmAdvisorsAggregate { count sum { share } max { share } } }")
    assert figures == {"firmAdvisorsAggregate": [{"count": 2, "sum": {"share": "40"}, "max": {"share": 30}}]}
    assert linked.ask("some", "{ firmAdvisors { totalCount } }") == {"firmAdvisors": {"totalCount": 2}}
    for where in (
        'advisors: {some: {id: {isNull: false}}}, name: {eq: "F2"}',
        "advisorLinks: {some: {share: {eq: 40}}}",
        f'advisors: {{some: {{id: {{eq: "{uid(2)}"}}}}}}',
    ):
        assert linked.ask("some", firms("", f"(where: {{{where}}})"))["firms"]["nodes"] == []
    assert linked.ask("some", f'{{ firmAdvisor(id: "{uid(602)}") {{ share }} }}') == {"firmAdvisor": None}


@pytest.mark.parametrize("role", ["unnamed", "denied"])
def test_a_relation_that_may_not_be_read_is_not_there(linked: World, role: str) -> None:
    for query in (
        firms("advisors { totalCount }"),
        firms("advisorLinks { totalCount }"),
        "{ persons { nodes { advises { totalCount } } } }",
        "{ firmAdvisors { totalCount } }",
        firms("", "(where: {advisors: {some: {}}})"),
        "{ persons(where: {advises: {some: {}}}) { totalCount } }",
    ):
        assert linked.code(role, query) == "BAD_QUERY"


def test_policies_that_name_the_links_count_alone_but_both_sides_must_be_visible(linked: World) -> None:
    nodes = linked.ask("shares", firms("advisors { nodes { name } }"))["firms"]["nodes"]
    assert [[each["name"] for each in node["advisors"]["nodes"]] for node in nodes] == [["Bob", "Cid"], ["Bob"], []]
    assert linked.code("shares", firms("advisors { edges { share } }")) == "BAD_QUERY"
    # who sees no persons sees no links to them, whatever a policy says
    assert linked.code("firms", "{ firmAdvisors { totalCount } }") == "BAD_QUERY"


def test_links_are_read_in_one_statement(linked: World, monkeypatch: pytest.MonkeyPatch) -> None:
    query = firms(
        'advisors(where: {advises: {some: {name: {ne: "x"}}}}) { totalCount pageInfo { hasNextPage } '
        "edges { share node { name advises { nodes { name allies { nodes { name } } } } } } }"
    )
    for role in ("admin", "some"):
        first = linked.ask(role, query)
        with statements(linked, monkeypatch) as seen:
            assert linked.ask(role, query) == first
        assert len(seen) == 1, seen


def test_money_of_a_link_is_written_filtered_and_read_like_its_other_attributes(database_url: str) -> None:
    fee = {"type": "object", "x-type": "money", "x-currencies": ["EUR", "USD"]}
    firm = {"name": kit.TEXT, "advisors": kit.many("person", "advises", fee=fee)}
    model = kit.load_model({"person": {"name": kit.TEXT}, "firm": firm})
    database = Database(database_url)
    apply(database, model)
    database.close()
    rows = ["admin,*,*,*,,allow", "poor,firm,read,*,,allow", "poor,person,read,*,,allow"]
    rights = kit.policies(model, [*rows, "poor,firm_advisor,read,firm person,,allow"], {})
    people = [{"id": uid(number), "name": f"P{number}"} for number in (1, 2)]
    world = World(model, rights, database_url, {"person": people, "firm": [{"id": uid(9), "name": "F"}]})
    try:
        added = f'[{{id: "{uid(1)}", fee: {{amount: "12.50", currency: USD}}}}, {{id: "{uid(2)}"}}]'
        body = "{ edges { fee { amount currency } } }"
        query = (
            f'mutation {{ updateFirm(id: "{uid(9)}", input: {{advisors: {{add: {added}}}}}) {{ advisors {body} }} }}'
        )
        answer = world.ask("admin", query)["updateFirm"]["advisors"]["edges"]
        assert answer == [{"fee": {"amount": "12.50", "currency": "USD"}}, {"fee": None}]
        query = (
            "{ firms { nodes { advisors(whereLink: {fee: {amount: {gt: 12}}}) { edges { f: fee { a: amount } } } } } }"
        )
        assert world.ask("admin", query)["firms"]["nodes"] == [{"advisors": {"edges": [{"f": {"a": "12.50"}}]}}]
        for hidden in (f"advisors {body}", "advisors(whereLink: {fee: {isNull: true}}) { totalCount }"):
            assert world.code("poor", f"{{ firms {{ nodes {{ {hidden} }} }} }}") == "BAD_QUERY"
    finally:
        world.close()
