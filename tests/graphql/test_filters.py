"""``where``: every operator on every type, logic, and conditions on related records."""

import json
from typing import Any

import pytest

from tests.graphql import small_world
from tests.graphql.kit import World, load_model, uid
from tests.query.documents import literal, variable
from tests.query.oracle import Oracle
from tests.query.oracle_rights import Rights
from xrm_core import naming
from xrm_core.metadata.predicate import LISTS, Op, operators
from xrm_core.metadata.types import FieldType
from xrm_core.permissions.policy import Effect, Policy

MODEL = load_model()
ADMIN = Rights(MODEL, [Policy("admin", None, None, None, None, Effect.ALLOW)], {})
ORACLE = Oracle(ADMIN, small_world.RECORDS, uid(1))

VALUES: dict[str, list[Any]] = {
    "name": ["", "zeta", "Zeta", "Z", "ä", "Ä", "😀", "%", "_", "\\", "'", '"', "\n", "\t", 'O\'Brien \\ "Sons"', "zz"],
    "note": ["a_b", "A", "_", ""],
    "kind": ["lead", "lost"],
    "revenue": ["1234.5", "1234.50", "-0.01", "0", "999999999999.99", "1234.505", "-1E+20", "1E+20", "0.001"],
    "employees": [5, 0, -7, 2**31 - 1, -(2**31)],
    "active": [True, False],
    "founded_on": ["2001-01-01", "1999-12-31", "0001-01-01", "9999-12-31"],
    "seen_at": ["2026-03-01T10:00:00Z", "2026-03-01T11:00:00.5+01:00", "2026-03-01T10:00:00.499999+00:00"],
    "units": [2**63 - 1, -(2**63), 0, 2**53 + 1],
    "opens": ["08:30:00", "08:30:00.5", "00:00:00", "23:59:59.999999"],
    "answers_in": ["PT0S", "P1DT12H", "P2DT3H", "PT1H30M", "PT1S"],
    "tags": ["vip", "eu", "late"],
    "extra": [],
    "code": [uid(901), uid(902)],
    "id": [uid(101), uid(999)],
    "version": [1, 2],
}


AS_VARIABLE = """query($where: FirmFilter) { firms(where: $where) { nodes { name } totalCount }
  others: firms(where: {not: $where}) { nodes { name } } }"""


def names(world: World, where: dict[str, Any], roles: str = "admin") -> list[str]:
    """Names of the firms for which a filter holds; the filter is sent as a variable and as a literal."""
    return both(world, where, roles)[0]


def both(world: World, where: dict[str, Any], roles: str = "admin") -> tuple[list[str], list[str]]:
    """Names of the firms for which a filter holds, and of those for which it does not."""
    found = world.ask(roles, AS_VARIABLE, {"where": variable(where)})  # one document, so it is made a statement once
    written = world.ask(roles, f"{{ firms(where: {literal(where, MODEL, MODEL['firm'])}) {{ nodes {{ name }} }} }}")
    assert found["firms"]["nodes"] == written["firms"]["nodes"]
    assert found["firms"]["totalCount"] == len(found["firms"]["nodes"])
    holds, not_ = ([each["name"] for each in found[key]["nodes"]] for key in ("firms", "others"))
    return holds, not_


def expected(where: dict[str, Any]) -> list[str]:
    return [row["name"] for row in ORACLE.visible("firm") if ORACLE.holds("firm", row, where)]


@pytest.mark.parametrize("field", VALUES)
def test_every_operator_with_every_kind_of_value(world: World, field: str) -> None:
    of = MODEL["firm"][field]
    conditions: list[dict[str, Any]] = [{"isNull": True}, {"isNull": False}, {}]
    conditions += [{"eq": None}, {"ne": None}] if Op.EQ in operators(of) else []
    for op in operators(of):
        if op is Op.IS_EMPTY:
            conditions += [{op.value: True}, {op.value: False}]
        elif op in LISTS:
            conditions += [{op.value: []}, {op.value: VALUES[field][:1]}, {op.value: VALUES[field]}]
        elif op is not Op.IS_NULL:
            conditions += [{op.value: value} for value in VALUES[field]]
    for condition in conditions:
        where = {naming.camel(field): condition}
        assert both(world, where) == (expected(where), expected({"not": where})), condition


def test_all_operators_are_tried() -> None:
    assert {MODEL["firm"][name].type for name in VALUES} >= set(FieldType) - {
        *(FieldType.RELATION, FieldType.EMAIL, FieldType.PHONE, FieldType.URL, FieldType.FILE, FieldType.MONEY)
    }


def test_decimals_between_the_digits_of_a_field_are_not_rounded(world: World) -> None:
    def titles(condition: dict[str, str]) -> list[str]:
        query = "query($a: DecimalFilter) { deals(where: {amount: $a}) { nodes { title } } }"
        return [each["title"] for each in world.ask("admin", query, {"a": condition})["deals"]["nodes"]]

    assert titles({"gt": "99999999999999.99985", "lt": "99999999999999.99995"}) == ["d3"]
    assert titles({"eq": "99999999999999.99990000"}) == ["d3"]
    assert titles({"eq": "99999999999999.99985"}) == []
    assert titles({"in": ["99999999999999.99985", "0.10", "7.00010000000000000000000000000001"]}) == ["d1"]
    assert titles({"gte": "7.00010000000000000000000000000001", "lt": "99999999999999"}) == []
    assert titles({"eq": "0.1"}) == ["d1"]


def test_decimals_that_are_written_as_numbers_keep_all_their_digits(world: World) -> None:
    found = world.ask("admin", "{ deals(where: {amount: {in: [99999999999999.9999]}}) { nodes { title } } }")
    assert found == {"deals": {"nodes": [{"title": "d3"}]}}
    assert world.ask("admin", "{ deals(where: {amount: {eq: 99999999999999.99985}}) { totalCount } }") == {
        "deals": {"totalCount": 0}
    }
    query = "query($a: Decimal) { deals(where: {amount: {eq: $a}}) { totalCount } }"
    [error] = world.errors("admin", query, {"a": 90071992547409.9325})  # which is 90071992547409.94 by now
    assert "keeps 15 digits" in error["message"]


LOGIC: list[dict[str, Any]] = [
    {},
    {"and": []},
    {"or": []},
    {"not": {}},
    {"and": [{}]},
    {"or": [{}]},
    {"not": {"or": []}},
    {"not": {"and": []}},
    {"or": [{"kind": {"eq": "lead"}}, {"employees": {"eq": 5}}]},
    {"or": [{"kind": {"eq": "lead"}}], "employees": {"eq": 5}},
    {"and": [{"kind": {"eq": "lead"}}, {"or": [{"active": {"eq": True}}, {"active": {"isNull": True}}]}]},
    {"not": {"kind": {"eq": "lead"}, "active": {"eq": True}}},
    {"not": {"not": {"revenue": {"gt": "0"}}}},
    {"employees": {"gte": 0, "lt": 6, "ne": 5}},
]
RELATED: list[dict[str, Any]] = [
    {"owner": {"name": {"eq": "Ada"}}},
    {"owner": {"id": {"eq": uid(1)}}},
    {"owner": {"id": {"ne": uid(1)}}},
    {"owner": {"id": {"in": [uid(1), uid(2)]}}},
    {"owner": {"id": {"isNull": True}}},
    {"owner": {"isNull": True}},
    {"owner": {"isNull": False}},
    {"owner": {}},
    {"not": {"owner": {}}},
    {"not": {"owner": {"name": {"eq": "Ada"}}}},
    {"owner": {"isNull": False, "bornOn": {"isNull": True}}},
    {"parent": {"parent": {"name": {"startsWith": "Ä"}}}},
    {"parent": {"owner": {"badge": {"lt": 8}}, "kind": {"ne": "active"}}},
    {"children": {"some": {}}},
    {"children": {"none": {}}},
    {"children": {"every": {}}},
    {"children": {}},
    {"children": {"some": {"owner": {"isNull": True}}}},
    {"children": {"every": {"owner": {"isNull": False}}}},
    {"children": {"every": {"owner": {"isNull": False}}, "some": {}}},
    {"deals": {"some": {"stage": {"eq": "won"}}, "none": {"amount": {"lt": "0"}}}},
    {"deals": {"every": {"seller": {"name": {"eq": "Ada"}}}}},
    {"deals": {"none": {"visits": {"some": {"minutes": {"gt": 40}}}}}},
    {"visits": {"some": {"minutes": {"gte": 10}}}},
    {"visits": {"none": {"regarding": {"firm": {"name": {"contains": "%"}}}}}},
]


@pytest.mark.parametrize("where", [*LOGIC, *RELATED], ids=json.dumps)
def test_logic_and_related_records(world: World, where: dict[str, Any]) -> None:
    assert names(world, where) == expected(where)


@pytest.mark.parametrize(
    ("where", "subjects"),
    [
        ({"regarding": {"firm": {"name": {"startsWith": "Ä"}}}}, ["at firm"]),
        ({"regarding": {"firm": {}}}, ["at firm", "at other"]),
        ({"regarding": {"deal": {"amount": {"gt": "1"}}}}, ["on deal"]),
        ({"regarding": {"deal": {}, "firm": {}}}, []),
        (
            {"or": [{"regarding": {"deal": {}}}, {"regarding": {"firm": {"kind": {"eq": "active"}}}}]},
            ["on deal", "at other"],
        ),
        ({"regarding": {"isNull": True}}, ["nowhere"]),
        ({"regarding": {"isNull": False}}, ["at firm", "on deal", "at other"]),
        ({"not": {"regarding": {"firm": {}}}}, ["on deal", "nowhere"]),
        ({"regarding": {"isNull": False, "deal": {"stage": {"eq": "won"}}}}, ["on deal"]),
    ],
    ids=str,
)  # fmt: skip
def test_polymorphic_relations(world: World, where: dict[str, Any], subjects: list[str]) -> None:
    query = "query($where: VisitFilter) { visits(where: $where) { nodes { subject } } }"
    nodes = world.ask("admin", query, {"where": where})["visits"]["nodes"]
    assert [each["subject"] for each in nodes] == subjects


@pytest.mark.parametrize("null", ["where: null", "where: {name: null}", "where: {owner: null}", "where: {or: null}",
    "where: {and: null}", "where: {not: null}", "where: {deals: null}", "where: {deals: {some: null}}",
    "where: {owner: {isNull: null}}", "where: {name: {isNull: null}}"])  # fmt: skip
def test_null_in_place_of_a_condition_is_no_condition(world: World, null: str) -> None:
    if null.startswith("where: {owner: {"):
        assert world.ask("admin", f"{{ firms({null}) {{ totalCount }} }}")["firms"]["totalCount"] == 7
    else:
        assert world.ask("admin", f"{{ firms({null}) {{ totalCount }} }}")["firms"]["totalCount"] == 7


@pytest.mark.parametrize(
    "where",
    [
        "{name: {lt: null}}",
        "{name: {contains: null}}",
        "{kind: {in: null}}",
        "{isNull: true}",
        "{kind: {eq: nonsense}}",
        '{kind: {eq: "lead"}}',
        "{employees: {eq: 2147483648}}",
        "{employees: {eq: 1.5}}",
        '{revenue: {eq: "NaN"}}',
        '{revenue: {eq: "1e999"}}',
        "{revenue: {eq: 1e999}}",
        "{revenue: {eq: true}}",
        '{foundedOn: {eq: "2001-02-30"}}',
        '{foundedOn: {eq: "2001-1-1"}}',
        '{seenAt: {eq: "2026-03-01"}}',
        '{seenAt: {eq: "2026-03-01T10:00:00"}}',
        '{seenAt: {gt: "0001-01-01T00:00:00+23:59"}}',
        "{kind: {contains: lead}}",
        "{active: {gt: true}}",
        '{id: {gt: "a"}}',
        "{id: {in: [null]}}",
        "{or: [null]}",
        "[]",
        "7",
    ],
)
def test_conditions_that_make_no_sense_are_refused(world: World, where: str) -> None:
    assert world.code("admin", f"{{ firms(where: {where}) {{ totalCount }} }}") == "BAD_QUERY"


def test_long_lists_are_one_value(world: World) -> None:
    query = "query($ids: [ID!], $n: [Int!]) { firms(where: {id: {in: $ids}, employees: {notIn: $n}}) { totalCount } }"
    variables = {"ids": [uid(number) for number in range(70_000)], "n": list(range(6, 70_000))}
    assert world.ask("admin", query, variables) == {"firms": {"totalCount": 7}}


@pytest.mark.parametrize(
    "where",
    [
        {"or": [{"name": {"eq": "a"}}] * 300},
        {"not": {"or": [{"name": {"eq": "a", "ne": "b"}}] * 250}},
    ],
    ids=["or", "nested"],
)
def test_filters_have_a_limited_number_of_conditions(world: World, where: Any) -> None:
    query = "query($where: FirmFilter) { firms(where: $where) { totalCount } }"
    assert world.code("admin", query, {"where": where}) == "QUERY_TOO_LARGE"


def test_as_many_conditions_as_the_limit_allows(world: World) -> None:
    query = "query($where: FirmFilter) { firms(where: $where) { totalCount nodes { id } } }"
    many = [{"name": {"ne": str(number)}} for number in range(249)]
    assert world.ask("admin", query, {"where": {"not": {"or": [{"not": {"and": many}}]}}})["firms"]["totalCount"] == 7


def test_filters_nest_to_a_limit(world: World) -> None:
    def nested(depth: int) -> Any:
        return {"not": nested(depth - 1)} if depth else {}

    query = "query($where: FirmFilter) { firms(where: $where) { totalCount } }"
    assert world.ask("admin", query, {"where": nested(18)})["firms"]["totalCount"] == 7
    for depth in (21, 60, 500):
        assert world.code("admin", query, {"where": nested(depth)}) in ("QUERY_TOO_LARGE", "BAD_QUERY")
