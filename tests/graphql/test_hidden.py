"""What a role may not see does not exist for it: in names, rows, figures, orders, and between the lines of errors."""

import json
from typing import Any

import pytest

from tests.graphql.kit import ACCOUNT_CHANGES, World, uid
from xrm_core.graphql.schema import build

# «rep» reads firms of their own without revenue, all deals, id and name of persons, all visits; no secrets.
HIDDEN_FIELD = [
    "{ firms { nodes { #revenue# } } }",
    "{ firms { nodes { alias: #revenue# } } }",
    "{ firms { nodes { ...F } } } fragment F on Firm { #revenue# }",
    "{ deals { nodes { firm { #revenue# } } } }",
    "{ visits { nodes { regarding { ... on Firm { #revenue# } } } } }",
    "{ firms(where: {#revenue#: {gt: 1}}) { totalCount } }",
    "{ firms(where: {#revenue#: {isNull: true}}) { totalCount } }",
    "{ firms(where: {not: {or: [{and: [{#revenue#: {eq: null}}]}]}}) { totalCount } }",
    "{ deals(where: {firm: {#revenue#: {gt: 1}}}) { totalCount } }",
    "{ firms(where: {children: {some: {#revenue#: {gt: 1}}}}) { totalCount } }",
    "{ visits(where: {regarding: {firm: {#revenue#: {gt: 1}}}}) { totalCount } }",
    "{ firms(orderBy: [{#revenue#: ASC}]) { totalCount } }",
    "{ deals(orderBy: [{firm: {#revenue#: DESC}}]) { totalCount } }",
    "{ firmsAggregate(groupBy: [{#revenue#: VALUE}]) { count } }",
    "{ dealsAggregate(groupBy: [{firm: {#revenue#: VALUE}}]) { count } }",
    "{ firmsAggregate { max { #revenue# } } }",
    "{ firmsAggregate { countDistinct { #revenue# } } }",
    "{ firmsAggregate { key { #revenue# } } }",
    "query($w: FirmFilter = {#revenue#: {gt: 1}}) { firms(where: $w) { totalCount } }",
    "{ firms { nodes { id } } __schema { queryType { name } } } fragment F on Firm { #revenue# }",
]
HIDDEN_ENTITY = [
    "{ #secret#s { totalCount } }",
    '{ #secret#(id: "1") { id } }',
    "{ #secret#sAggregate { count } }",
    "{ firms { nodes { #secret#s { totalCount } } } }",
    "{ firms(where: {#secret#s: {some: {}}}) { totalCount } }",
    "{ deals(where: {firm: {#secret#s: {none: {}}}}) { totalCount } }",
    "{ firms { nodes { ... on #Secret# { id } } } }",
    "{ firms { nodes { ...F } } } fragment F on #Secret# { id }",
    "query($w: #Secret#Filter) { firms { totalCount } }",
    'mutation { create#Secret#(input: {word: "x"}) { id } }',
    'mutation { update#Secret#(id: "1", input: {word: "x"}) { id } }',
    'mutation { delete#Secret#(id: "1") { id } }',
]


@pytest.mark.parametrize("template", HIDDEN_FIELD)
def test_a_hidden_field_is_answered_like_one_that_does_not_exist(world: World, template: str) -> None:
    assert world.errors("admin", template.replace("#revenue#", "wombats"))
    assert_same(world, template, {"#revenue#": "revenue"}, {"#revenue#": "wombats"})


@pytest.mark.parametrize("template", HIDDEN_ENTITY)
def test_a_hidden_entity_is_answered_like_one_that_does_not_exist(world: World, template: str) -> None:
    hidden, unknown = {"#secret#": "secret", "#Secret#": "Secret"}, {"#secret#": "wizard", "#Secret#": "Wizard"}
    assert_same(world, template, hidden, unknown)


def test_the_words_of_a_hidden_field_do_not_exist(world: World) -> None:
    # «own_name» reads name and owner of firms: the type of their kind is not there, neither at first nor later
    for _ in range(2):
        hidden, unknown = (
            world.errors("own_name", f"query ($kind: {name}) {{ firms {{ totalCount }} }}")
            for name in ("FirmKind", "FirmWord")
        )
        assert [each["message"].replace("FirmKind", "FirmWord") for each in hidden] == [
            each["message"] for each in unknown
        ]
        assert any("Unknown type" in each["message"] for each in hidden)


def assert_same(world: World, template: str, hidden: dict[str, str], unknown: dict[str, str]) -> None:
    asked, made_up = template, template
    for mark in hidden:
        asked, made_up = asked.replace(mark, hidden[mark]), made_up.replace(mark, unknown[mark])
    one, other = world.body("rep", asked), world.body("rep", made_up)
    for mark in hidden:
        one = one.replace(hidden[mark].encode(), b"X")
        other = other.replace(unknown[mark].encode(), b"X")
    assert b'"errors"' in one
    assert strip(one) == strip(other)


def strip(body: bytes) -> Any:
    answer = json.loads(body)
    for error in answer["errors"]:
        error.pop("locations", None)  # the names differ in length
    return answer


def test_a_hidden_key_in_variables_is_answered_like_one_that_does_not_exist(world: World) -> None:
    query = "query($w: FirmFilter, $o: [FirmOrderBy!]) { firms(where: $w, orderBy: $o) { totalCount } }"
    for variables in ({"w": {"X": {"gt": 1}}}, {"o": [{"X": "ASC"}]}, {"w": {"children": {"some": {"X": {"gt": 1}}}}}):
        answers = {
            world.body("rep", query, json.loads(json.dumps(variables).replace("X", name))).replace(name.encode(), b"X")
            for name in ("revenue", "wombats")
        }
        assert len(answers) == 1
        assert b"BAD_QUERY" in answers.pop()


def test_introspection_does_not_know_what_is_hidden(world: World) -> None:
    query = "query($name: String!) { __type(name: $name) { name fields { name } inputFields { name } } }"
    for name in ("Secret", "SecretFilter", "SecretConnection", "SecretListFilter", "Wide", "DealRegarding", "Nonsense"):
        assert world.ask("rep", query, {"name": name}) == {"__type": None}, name
    whole = build(world.engine.records.model, world.user("rep").access).text()
    assert "revenue" not in whole
    assert "ecret" not in whole
    assert "born" not in whole


@pytest.mark.parametrize(
    "query",
    [
        "{ firmz { totalCount } }",
        "{ firms { nodes { nam } } }",
        "{ firms { nodes { revenu } } }",
        "{ firms(wher: {}) { totalCount } }",
        "{ firms(where: {nam: {eq: 1}}) { totalCount } }",
        "{ firms(where: {name: {contain: 1}}) { totalCount } }",
        "{ firms(orderBy: [{name: ASK}]) { totalCount } }",
        "{ firms { nodes { ... on Frim { id } } } }",
        "query($w: FirmFilte) { firms(where: $w) { totalCount } }",
        "{ firms { ...Fragmen } } fragment Fragment on FirmConnection { totalCount }",
        "{ firms @skipp(if: true) { totalCount } }",
        "{ firms @skip(iff: true) { totalCount } }",
    ],
)
@pytest.mark.parametrize("role", ["rep", "admin"])
def test_misspelt_names_get_no_suggestions(world: World, query: str, role: str) -> None:
    for error in world.errors(role, query):
        assert "did you mean" not in error["message"].lower()
        assert error["extensions"]["code"] == "BAD_QUERY"
    query = "query($w: FirmFilter, $o: [FirmOrderBy!]) { firms(where: $w, orderBy: $o) { totalCount } }"
    for variables in ({"w": {"nam": {"eq": "a"}}}, {"w": {"kind": {"eq": "leat"}}}, {"o": [{"name": "ASK"}]}):
        assert "did you mean" not in world.body(role, query, variables).decode().lower()


# -- rows -------------------------------------------------------------------------------------------------------------


def test_rows_of_others_are_nowhere(world: World) -> None:
    """rep 1 owns firms 101, 103 and 106."""
    mine = [uid(101), uid(103), uid(106)]
    answer = world.ask(
        "rep",
        """{ firms { totalCount nodes { id } edges { node { id } } }
        firmsAggregate { count sum { employees } min { name } }
        grouped: firmsAggregate(groupBy: [{kind: VALUE}]) { key { kind } count }
        deals { nodes { title firm { id } } } visits { nodes { subject regarding { __typename } } }
        persons { nodes { name firms { totalCount nodes { id } } } } }""",
    )
    assert answer["firms"]["totalCount"] == 3
    assert [each["id"] for each in answer["firms"]["nodes"]] == mine
    assert [each["node"]["id"] for each in answer["firms"]["edges"]] == mine
    assert answer["firmsAggregate"] == [{"count": 3, "sum": {"employees": "-2"}, "min": {"name": "Zeta"}}]
    assert [(each["key"]["kind"], each["count"]) for each in answer["grouped"]] == [("lead", 1), ("lost", 1), (None, 1)]
    firms = [each["firm"] and each["firm"]["id"] for each in answer["deals"]["nodes"]]
    assert firms == [uid(101), uid(101), None, uid(103), uid(103), None]
    assert [each["regarding"] for each in answer["visits"]["nodes"]] == [
        {"__typename": "Firm"},
        {"__typename": "Deal"},
        None,
        None,
    ]
    assert [each["firms"]["totalCount"] for each in answer["persons"]["nodes"]] == [3, 0, 0]


def titles(world: World, where: str, role: str = "rep") -> list[str]:
    nodes = world.ask(role, f"{{ deals(where: {where}) {{ nodes {{ title }} totalCount }} }}")["deals"]
    assert nodes["totalCount"] == len(nodes["nodes"])
    return [each["title"] for each in nodes["nodes"]]


def test_filters_see_hidden_rows_as_absent(world: World) -> None:
    """d3 is of firm 102, which is not the rep's: to filters it is as if it had no firm."""
    assert titles(world, '{firm: {name: {startsWith: "O"}}}', "admin") == ["d3"]
    assert titles(world, '{firm: {name: {startsWith: "O"}}}') == []
    assert titles(world, f'{{firm: {{id: {{eq: "{uid(102)}"}}}}}}') == []
    assert titles(world, f'{{firm: {{id: {{ne: "{uid(102)}"}}}}}}') == ["d1", "d2", "d4", "d5"]
    assert titles(world, "{firm: {}}") == ["d1", "d2", "d4", "d5"]
    assert titles(world, "{firm: {isNull: true}}") == ["d3", "d6"]
    assert titles(world, "{firm: {isNull: false}}") == ["d1", "d2", "d4", "d5"]
    assert titles(world, "{not: {firm: {isNull: false}}}") == ["d3", "d6"]
    assert titles(world, "{firm: {isNull: true}}", "admin") == ["d6"]
    query = "{ visits(where: {regarding: {isNull: %s}}) { nodes { subject } } }"
    nodes = world.ask("rep", query % "true")["visits"]["nodes"]
    assert [each["subject"] for each in nodes] == ["at other", "nowhere"]
    nodes = world.ask("rep", query % "false")["visits"]["nodes"]
    assert [each["subject"] for each in nodes] == ["at firm", "on deal"]


def test_some_none_and_every_see_visible_rows_only(world: World) -> None:
    """Person 2 owns two firms, none of which the rep sees; firm 101 has two children, of which they see one."""

    def persons(where: str) -> list[str]:
        nodes = world.ask("rep", f"{{ persons(where: {{firms: {where}}}) {{ nodes {{ name }} }} }}")["persons"]["nodes"]
        return [each["name"] for each in nodes]

    assert persons("{some: {}}") == ["Ada"]
    assert persons("{none: {}}") == ["Bob", "Zoë"]
    assert persons('{every: {name: {eq: "impossible"}}}') == ["Bob", "Zoë"]
    query = '{ firms(where: {children: {every: {name: {eq: "under_score"}}, some: {}}}) { nodes { id } } }'
    assert world.ask("rep", query)["firms"]["nodes"] == [{"id": uid(101)}]
    assert world.ask("admin", query)["firms"]["nodes"] == []


def test_orders_and_groups_through_a_hidden_row_see_nothing(world: World) -> None:
    nodes = world.ask("rep", "{ deals(orderBy: [{firm: {name: ASC}}]) { nodes { title } } }")["deals"]["nodes"]
    assert [each["title"] for each in nodes] == ["d4", "d5", "d1", "d2", "d3", "d6"]
    groups = world.ask("rep", "{ dealsAggregate(groupBy: [{firm: {name: VALUE}}]) { key { firm { name } } count } }")
    assert [(each["key"]["firm"]["name"], each["count"]) for each in groups["dealsAggregate"]] == [
        ("under_score", 2),
        ("Ärzte 100%", 2),
        (None, 2),
    ]


def test_users_of_a_role_see_their_own_rows(world: World) -> None:
    query = "{ firms { nodes { id } } }"
    assert [each["id"] for each in world.ask("rep", query, user=2)["firms"]["nodes"]] == [uid(102), uid(104)]
    assert world.ask("rep", query, user=3)["firms"]["nodes"] == []
    assert [each["id"] for each in world.ask("rep", query, user=1)["firms"]["nodes"]] == [uid(101), uid(103), uid(106)]


# -- fields by rows (two policies: name on own firms, note on those of the team) --------------------------------------

TWO = "own_name team_notes"


def test_two_policies_do_not_lend_each_other_their_rows(world: World) -> None:
    nodes = world.ask(TWO, "{ firms { nodes { id name note kind owner { id } } } }".replace("owner { id } ", ""))[
        "firms"
    ]["nodes"]
    assert nodes == [
        {"id": uid(101), "name": "Ärzte 100%", "note": "a_b", "kind": "lead"},
        {"id": uid(102), "name": None, "note": "A_b", "kind": "active"},
        {"id": uid(103), "name": "under_score", "note": None, "kind": None},
        {"id": uid(105), "name": None, "note": None, "kind": "lead"},
        {"id": uid(106), "name": "Zeta", "note": None, "kind": None},
    ]


def test_a_field_hidden_on_a_row_is_empty_to_filters_orders_groups_and_figures(world: World) -> None:
    def ids(arguments: str) -> list[int]:
        nodes = world.ask(TWO, f"{{ firms({arguments}) {{ nodes {{ id }} }} }}")["firms"]["nodes"]
        return [int(each["id"][-3:]) for each in nodes]

    assert ids('where: {name: {eq: "zeta"}}') == []
    assert ids('where: {name: {ne: "zeta"}}') == [101, 102, 103, 105, 106]
    assert ids("where: {name: {isNull: true}}") == [102, 105]
    assert ids('where: {name: {contains: "e"}}') == [101, 103, 106]
    assert ids('where: {not: {name: {contains: "e"}}}') == [102, 105]
    assert ids('where: {name: {notIn: ["Zeta"]}}') == [101, 102, 103, 105]
    assert ids("orderBy: [{name: ASC}]") == [106, 103, 101, 102, 105]
    assert ids("orderBy: [{name: DESC}]") == [105, 102, 101, 103, 106]
    groups = world.ask(
        TWO, "{ firmsAggregate(groupBy: [{kind: VALUE}]) { key { kind } count countDistinct { name } } }"
    )
    assert groups["firmsAggregate"] == [
        {"key": {"kind": "active"}, "count": 1, "countDistinct": {"name": 0}},
        {"key": {"kind": "lead"}, "count": 2, "countDistinct": {"name": 1}},
        {"key": {"kind": None}, "count": 2, "countDistinct": {"name": 2}},
    ]
    assert world.ask(TWO, "{ firmsAggregate { max { name note } } }")["firmsAggregate"] == [
        {"max": {"name": "Ärzte 100%", "note": "a_b"}}
    ]


def test_one_of_the_two_alone(world: World) -> None:
    assert world.ask("team_notes", "{ firms { totalCount } }") == {"firms": {"totalCount": 3}}
    assert world.ask("own_name", "{ firms { totalCount } }") == {"firms": {"totalCount": 3}}
    assert world.code("team_notes", "{ firms { nodes { name } } }") == "BAD_QUERY"
    assert world.code("own_name", "{ firms { nodes { note } } }") == "BAD_QUERY"


# -- denial -----------------------------------------------------------------------------------------------------------


def test_denied_rows_and_denied_fields_on_rows(world: World) -> None:
    """no_leads: all firms but leads, and no revenue of the own ones."""
    nodes = world.ask("no_leads", "{ firms { totalCount nodes { id revenue kind } } }")["firms"]
    assert nodes["totalCount"] == 5
    assert [(int(each["id"][-3:]), each["revenue"]) for each in nodes["nodes"]] == [
        (102, "-0.01"),
        (103, None),
        (104, "0.00"),
        (106, None),
        (107, None),
    ]
    assert world.ask("no_leads", "{ firmsAggregate { sum { revenue } } }")["firmsAggregate"] == [
        {"sum": {"revenue": "-0.01"}}
    ]


def test_a_denial_beats_the_grant_of_another_role(world: World) -> None:
    assert world.ask("no_leads admin", "{ firms { totalCount } }") == {"firms": {"totalCount": 5}}
    assert world.code("rep admin", "{ firms { nodes { revenue } } }") == "BAD_QUERY"


# -- nothing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("roles", ["", "empty", "wombats", "wombats other", "nobody", "u:admin", "r:admin", "ADMIN"])
def test_no_known_role_sees_anything(world: World, roles: str) -> None:
    assert world.code(roles, "{ firms { totalCount } }") == "BAD_QUERY"
    assert world.code(roles, 'mutation { createPerson(input: {name: "x"}) { id } }') == "BAD_QUERY"
    types = world.ask(roles, "{ __schema { queryType { fields { name } } mutationType { fields { name } } } }")[
        "__schema"
    ]
    account = [{"name": name} for name in ACCOUNT_CHANGES]
    own = [{"name": name} for name in ("me", "backgroundJobs", "backgroundJob")]
    assert types == {"queryType": {"fields": own}, "mutationType": {"fields": account}}


def test_a_value_of_the_caller_that_is_missing_grants_nothing(world: World) -> None:
    """Also where the rule is negated."""
    from tests.graphql import kit, small_world
    from xrm_core.graphql.engine import Request
    from xrm_core.permissions.authority import Authority
    from xrm_core.permissions.caller import User

    rules = {"not_mine": {"not": {"owner": {"id": {"eq": "$user"}}}}, "or": {"or": [{"id": {"ne": "$user"}}, {}]}}
    policies = kit.policies(world.model, ["a,firm,read,*,not_mine,allow", "b,firm,read,*,or,allow"], rules)
    for role in "ab":
        access = Authority(world.model, policies).access(frozenset({role}))
        for user in (None, "", "no uuid"):
            caller = User(user, access)  # type: ignore[arg-type] # what must not happen, happens
            body = world.run(
                world.engine.execute(Request("{ firms { totalCount } firmsAggregate { count } }", {}), caller)
            ).body
            if user is None:
                assert json.loads(body)["data"] == {"firms": {"totalCount": 0}, "firmsAggregate": [{"count": 0}]}
    assert len(small_world.FIRMS) == 7


def test_answers_of_one_caller_are_not_those_of_another(world: World) -> None:
    """The same document by several callers, twice over: caches are kept apart."""
    query = "query($first: Int) { firms(first: $first) { totalCount } }"
    expected = {("admin", 1): 7, ("rep", 1): 3, ("rep", 2): 2, ("rep", 3): 0, ("no_leads", 1): 5, ("admin rep", 2): 7}
    for _ in range(2):
        for (roles, user), count in expected.items():
            assert world.ask(roles, query, {"first": 1}, user=user)["firms"]["totalCount"] == count, roles
