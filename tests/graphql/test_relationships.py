"""Relationships in GraphQL: of one record in one list, on a day, in words, and what a role may not know."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.graphql import kit
from tests.graphql.kit import World, uid
from tests.graphql.relationship_world import relationship_model
from tests.graphql.test_statements import statements
from xrm_core.graphql.demands import Limits

ROWS = {
    "person": [{"id": uid(number), "name": name, "grade": number} for number, name in ((1, "Ada"), (2, "Bob"))],
    "firm": [{"id": uid(100 + number), "name": f"F{number}", "grade": number} for number in (1, 2, 3)],
    "job": [{"id": uid(201), "name": "J"}],
    "decides_for": [
        {"id": uid(301), "source": {"person": uid(1)}, "target": {"firm": uid(101)}, "area": "all"},
        {"id": uid(302), "source": {"person": uid(2)}, "target": {"firm": uid(101)}, "valid_from": "2020-01-01"},
        {"id": uid(303), "source": {"person": uid(1)}, "target": {"job": uid(201)}, "valid_to": "2020-12-31"},
    ],
    "part_of": [{"id": uid(401), "source": {"firm": uid(102)}, "target": {"firm": uid(101)}}],
    "friend_of": [
        {"id": uid(501), "source": {"person": uid(2)}, "target": {"person": uid(1)}},
        {"id": uid(502), "source": {"person": uid(1)}, "target": {"firm": uid(103)}, "valid_from": "2999-01-01"},
    ],
}
POLICIES = """\
admin,*,*,*,,allow
some,person,read,*,not_bob,allow
some,firm,read,*,,allow
some,decides_for,read,*,,allow
some,friend_of,read,source target,,allow
none,person,read,*,,allow
none,firm,read,*,,allow
blind,person,read,*,,allow
blind,decides_for,read,*,,allow""".splitlines()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def related(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Persons, firms and a job, on each database."""
    model = relationship_model()
    rights = kit.policies(model, POLICIES, {"not_bob": {"name": {"ne": "Bob"}}})
    if request.param == "sqlite":
        path: Path = tmp_path_factory.mktemp("relationships") / "world.db"
        opened = World(model, rights, f"sqlite:///{path}", ROWS)
        yield opened
        opened.close()
    else:
        with request.getfixturevalue("postgres_server").database() as url:
            opened = World(model, rights, url, ROWS)
            yield opened
            opened.close()


def of(world: World, role: str, kind: str, number: int, arguments: str, body: str) -> Any:
    given = f"({arguments})" if arguments else ""
    query = f'{{ {kind}(id: "{uid(number)}") {{ relationships{given} {{ {body} }} }} }}'
    return world.ask(role, query)[kind]["relationships"]


NODE = "nodes { id type direction label validFrom validTo other { ... on Person { name } ... on Firm { name } } }"


def test_one_list_has_all_kinds_in_both_directions(related: World) -> None:
    found = of(related, "admin", "firm", 101, "asOf: null", f"totalCount {NODE}")
    rows = [(each["type"], each["direction"], each["label"], each["other"]["name"]) for each in found["nodes"]]
    assert found["totalCount"] == 3
    assert rows == [
        ("decides_for", "REVERSE", "decided by", "Ada"),
        ("decides_for", "REVERSE", "decided by", "Bob"),
        ("part_of", "REVERSE", "parts", "F2"),
    ]


@pytest.mark.parametrize(
    ("as_of", "numbers"),
    [
        ("", [301, 501]),
        ("asOf: null", [301, 303, 501, 502]),
        ('asOf: "2020-12-31"', [301, 303, 501]),
        ('asOf: "2021-01-01"', [301, 501]),
        ('asOf: "2999-01-01"', [301, 501, 502]),
    ],
)
def test_as_of_a_day(related: World, as_of: str, numbers: list[int]) -> None:
    found = of(related, "admin", "person", 1, as_of, "nodes { id } totalCount")
    assert [each["id"] for each in found["nodes"]] == [uid(number) for number in numbers]
    assert found["totalCount"] == len(numbers)


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        ("direction: FORWARD", [301]),
        ("direction: REVERSE", [501]),
        ("direction: BOTH", [301, 501]),
        ("types: [friend_of]", [501]),
        ("types: [friend_of, part_of, decides_for], direction: FORWARD", [301]),
        ("types: []", []),
    ],
)
def test_types_and_directions(related: World, arguments: str, numbers: list[int]) -> None:
    found = of(related, "admin", "person", 1, arguments, "nodes { id }")
    assert [each["id"] for each in found["nodes"]] == [uid(number) for number in numbers]


def test_what_is_asked_can_stand_in_variables(related: World) -> None:
    query = (
        "query($t: [RelationshipType!], $d: RelationshipDirection, $on: Date, $l: String) { person(id: "
        f'"{uid(1)}") {{ relationships(types: $t, direction: $d, asOf: $on) {{ nodes {{ label(language: $l) }} }} }} }}'
    )
    for variables, labels in (
        ({"t": ["friend_of"], "l": "de"}, ["Freund"]),
        ({"t": ["decides_for"], "d": "FORWARD", "on": "2020-01-01", "l": "de-AT"}, ["entscheidet für"] * 2),
        ({"t": ["part_of"]}, []),
        ({"on": None, "d": "REVERSE", "l": "fr"}, ["friend of"]),
    ):
        found = related.ask("admin", query, variables)["person"]["relationships"]["nodes"]
        assert [each["label"] for each in found] == labels


def test_pages_join_up(related: World) -> None:
    found: list[str] = []
    after = "null"
    while len(found) < 4:
        page = of(
            related,
            "admin",
            "person",
            1,
            f"asOf: null, first: 1, after: {after}",
            "nodes { id } pageInfo { endCursor }",
        )
        assert page["nodes"]
        found += [each["id"] for each in page["nodes"]]
        after = f'"{page["pageInfo"]["endCursor"]}"'
    assert found == [uid(number) for number in (301, 303, 501, 502)]


def test_attributes_stand_in_the_relationship_itself(related: World) -> None:
    body = "nodes { record { __typename ... on DecidesFor { area target { ... on Firm { name } } } } }"
    found = of(related, "admin", "person", 1, "types: [decides_for]", body)
    assert found == {"nodes": [{"record": {"__typename": "DecidesFor", "area": "all", "target": {"name": "F1"}}}]}


def test_a_relationship_with_a_hidden_record_does_not_exist(related: World) -> None:
    # given somebody who does not see Bob, nor kinds but deciding and friends
    found = of(related, "some", "firm", 101, "asOf: null", "totalCount nodes { id type }")
    assert found == {"totalCount": 1, "nodes": [{"id": uid(301), "type": "decides_for"}]}
    found = of(related, "some", "person", 1, "asOf: null", "totalCount nodes { id validFrom }")
    # the job is not theirs to see, and of friends they may read the ends alone
    assert found["nodes"] == [{"id": uid(301), "validFrom": None}, {"id": uid(502), "validFrom": None}]
    assert related.ask("some", "{ decidesForLinks { totalCount } decidesForLinksAggregate { count } }") == {
        "decidesForLinks": {"totalCount": 1},
        "decidesForLinksAggregate": [{"count": 1}],
    }
    where = f'(where: {{decidedBy: {{some: {{source: {{person: {{id: {{eq: "{uid(2)}"}}}}}}}}}}}})'
    assert related.ask("some", f"{{ firms{where} {{ totalCount }} }}") == {"firms": {"totalCount": 0}}


def test_kinds_that_may_not_be_read_are_not_there(related: World) -> None:
    assert related.code("none", "{ firms { nodes { relationships { totalCount } } } }") == "BAD_QUERY"
    # a right to a relationship is none without a right to both ends
    assert related.code("blind", "{ persons { nodes { relationships { totalCount } } } }") == "BAD_QUERY"
    assert related.code("some", "{ firms { nodes { relationships(types: [part_of]) { totalCount } } } }") == "BAD_QUERY"


def test_relationships_are_read_in_one_statement(related: World, monkeypatch: pytest.MonkeyPatch) -> None:
    query = (
        "{ firms { nodes { name relationships { totalCount pageInfo { hasNextPage } edges { cursor node { label other "
        "{ ... on Person { name relationships { nodes { type } } } } } } } } } }"
    )
    for role in ("admin", "some"):
        first = related.ask(role, query)
        with statements(related, monkeypatch) as seen:
            assert related.ask(role, query) == first
        assert len(seen) == 1, seen


NETWORK = "nodes { depth record { ... on Person { name } ... on Firm { name } } } edges { type from to label }"


def network(world: World, role: str, kind: str, number: int, arguments: str) -> Any:
    query = f'{{ {kind}(id: "{uid(number)}") {{ network({arguments}) {{ {NETWORK} }} }} }}'
    return world.ask(role, query)[kind]["network"]


def test_a_network_reaches_in_both_directions_and_ends_in_circles(related: World) -> None:
    found = network(related, "admin", "firm", 102, "depth: 3")
    assert [(each["depth"], each["record"].get("name")) for each in found["nodes"]] == [
        (0, "F2"),
        (1, "F1"),
        (2, "Ada"),
        (2, "Bob"),
    ]
    assert [(each["type"], each["from"], each["to"]) for each in found["edges"]] == [
        ("decides_for", uid(1), uid(101)),
        ("decides_for", uid(2), uid(101)),
        ("part_of", uid(102), uid(101)),
        ("friend_of", uid(2), uid(1)),
    ]
    assert found["edges"][0]["label"] == "decides for"


def test_no_way_leads_through_a_hidden_record(related: World) -> None:
    # Bob stands between Ada and nobody else; F1 is reached from Ada by her own decision alone
    found = network(related, "some", "person", 1, "depth: 5, asOf: null")
    assert [each["record"]["name"] for each in found["nodes"]] == ["Ada", "F1", "F3"]
    assert {each["type"] for each in found["edges"]} == {"decides_for", "friend_of"}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [("depth: 6", "QUERY_TOO_LARGE"), ("depth: -1", "BAD_QUERY"), ("first: 1001", "QUERY_TOO_LARGE")],
)
def test_a_network_has_limits(related: World, arguments: str, code: str) -> None:
    query = f'{{ person(id: "{uid(1)}") {{ network({arguments}) {{ nodes {{ depth }} }} }} }}'
    assert related.code("admin", query) == code


@pytest.mark.parametrize(
    ("arguments", "cost"),
    [("depth: 5, first: 100", 601), ("depth: 5, first: 1", 252), ("depth: $d, first: $n", 252), ("", 151)],
)
def test_the_steps_of_a_network_cost_however_few_records_are_answered(
    sqlite_url: str, arguments: str, cost: int
) -> None:
    variables = "($d: Int, $n: Int)" if "$" in arguments else ""
    given = f"({arguments})" if arguments else ""
    query = f'query{variables} {{ person(id: "{uid(1)}") {{ network{given} {{ nodes {{ depth }} }} }} }}'
    model = relationship_model()
    rights = kit.policies(model, ["admin,*,*,*,,allow"], {})
    for most in (cost, cost - 1):
        world = World(model, rights, sqlite_url, ROWS, pages=Limits(cost=most))
        try:
            if most == cost:
                assert world.ask("admin", query, {"d": 5, "n": 1})["person"] is not None
            else:
                [error] = world.errors("admin", query, {"d": 5, "n": 1})
                details = error["extensions"]["details"]
                assert details == {"cost": cost, "limit": most, "path": ["person", "network"]}
        finally:
            world.close()


def test_how_far_can_stand_in_a_variable(related: World) -> None:
    query = f'query($d: Int) {{ person(id: "{uid(1)}") {{ network(depth: $d) {{ nodes {{ depth }} }} }} }}'
    assert len(related.ask("admin", query, {"d": 0})["person"]["network"]["nodes"]) == 1
    assert len(related.ask("admin", query, {"d": 2})["person"]["network"]["nodes"]) == 4
    assert related.code("admin", query, {"d": 6}) == "QUERY_TOO_LARGE"


def test_a_network_is_one_statement(related: World, monkeypatch: pytest.MonkeyPatch) -> None:
    query = f"{{ persons {{ nodes {{ name network(depth: 4) {{ {NETWORK} }} }} }} }}"
    first = related.ask("admin", query)
    with statements(related, monkeypatch) as seen:
        assert related.ask("admin", query) == first
    assert len(seen) == 1, seen
