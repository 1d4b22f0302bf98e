"""Figures: counts, sums, averages, extremes, by groups."""

from typing import Any

import pytest

from tests.graphql import kit
from tests.graphql.kit import World


def figures(world: World, entity: str, body: str, roles: str = "admin") -> Any:
    return world.ask(roles, f"{{ {entity}Aggregate{body} }}")[f"{entity}Aggregate"]


def test_all_figures_of_a_whole_entity(world: World) -> None:
    found = figures(
        world,
        "firms",
        "{ count sum { revenue employees } avg { employees } min { revenue name } max { employees seenAt } "
        "countDistinct { kind owner: name active employees } __typename }",
    )
    assert found == [
        {
            "count": 7,
            "sum": {"revenue": "1000000002468.99", "employees": "2147483650"},
            "avg": {"employees": 429496730},
            "min": {"revenue": "-0.01", "name": 'O\'Brien \\ "Sons"'},
            "max": {"employees": 2147483647, "seenAt": "2026-03-01T10:00:00.5+00:00"},
            "countDistinct": {"kind": 3, "owner": 7, "active": 2, "employees": 4},
            "__typename": "FirmAggregate",
        }
    ]


def test_sums_of_decimals_are_exact(world: World) -> None:
    assert figures(world, "deals", "{ sum { amount } }") == [{"sum": {"amount": "100000000000002.3000"}}]
    three = figures(world, "deals", '(where: {title: {in: ["d1", "d2"]}}) { sum { amount } avg { amount } }')
    assert three == [{"sum": {"amount": "0.3000"}, "avg": {"amount": 0.15}}]


def test_groups_come_by_key_with_the_empty_one_last(world: World) -> None:
    found = figures(world, "firms", "(groupBy: [{kind: VALUE}]) { key { kind } count sum { employees } }")
    assert found == [
        {"key": {"kind": "active"}, "count": 1, "sum": {"employees": "0"}},
        {"key": {"kind": "lead"}, "count": 2, "sum": {"employees": "2147483652"}},
        {"key": {"kind": "lost"}, "count": 1, "sum": {"employees": "-7"}},
        {"key": {"kind": None}, "count": 3, "sum": {"employees": "5"}},
    ]


def test_groups_by_several_values_and_through_relations(world: World) -> None:
    found = figures(
        world,
        "deals",
        "(groupBy: [{firm: {owner: {name: VALUE}}}, {stage: VALUE}]) "
        "{ key { s: stage f: firm { __typename owner { name } } } count }",
    )
    assert [(each["key"]["f"]["owner"]["name"], each["key"]["s"], each["count"]) for each in found] == [
        ("Ada", "gone", 1),
        ("Ada", "open", 1),
        ("Ada", "won", 1),
        ("Ada", None, 1),
        ("Bob", "won", 1),
        (None, None, 1),
    ]
    assert found[0]["key"]["f"]["__typename"] == "FirmGroupKey"


def test_the_number_of_groups_can_be_limited(world: World) -> None:
    body = "(groupBy: [{kind: VALUE}], first: %s) { key { kind } }"
    assert [each["key"]["kind"] for each in figures(world, "firms", body % 2)] == ["active", "lead"]
    assert figures(world, "firms", body % 0) == []
    assert world.code("admin", f"{{ firmsAggregate{body % -1} }}") == "BAD_QUERY"
    assert world.code("admin", f"{{ firmsAggregate{body % 1001} }}") == "QUERY_TOO_LARGE"


@pytest.mark.parametrize("where", ["{or: []}", '{name: {eq: "nobody"}}', "{kind: {in: []}}"])
def test_figures_of_nothing(world: World, where: str) -> None:
    """Also a bare count, which needs no column of the records."""
    assert figures(world, "firms", f"(where: {where}) {{ count }}") == [{"count": 0}]
    body = "{ count sum { revenue employees } avg { revenue } min { name } countDistinct { name } }"
    assert figures(world, "firms", f"(where: {where}) {body}") == [
        {
            "count": 0,
            "sum": {"revenue": None, "employees": None},
            "avg": {"revenue": None},
            "min": {"name": None},
            "countDistinct": {"name": 0},
        }
    ]
    assert figures(world, "firms", f"(where: {where}, groupBy: [{{kind: VALUE}}]) {{ count }}") == []


def test_a_bare_count_counts(world: World) -> None:
    assert figures(world, "firms", "{ count }") == [{"count": 7}]
    assert figures(world, "firms", "(groupBy: [{kind: VALUE}]) { count }") == [{"count": n} for n in (1, 2, 1, 3)]
    assert figures(world, "firms", "(where: {kind: {eq: lead}}) { a: count b: count }") == [{"a": 2, "b": 2}]


@pytest.mark.parametrize("field", ["amount", "units"])
def test_an_average_of_large_values_that_cancel_out_is_exact(database_url: str, field: str) -> None:
    amounts = ["9999999999999999.99", "-9999999999999999.00"]
    units = [2**63 - 1, -(2**63) + 1, 3, 0]
    values = amounts if field == "amount" else units
    model = kit.load_model({"thing": {"amount": _DECIMAL, "units": {"type": "integer", "x-type": "big_integer"}}})
    rows = [{"id": kit.uid(number), field: value} for number, value in enumerate(values, 1)]
    world = World(model, kit.policies(model, ["admin,*,read,*,,allow"], {}), database_url, {"thing": rows})
    try:
        assert figures(world, "things", f"{{ avg {{ {field} }} }}") == [
            {"avg": {field: 0.495 if field == "amount" else 0.75}}
        ]
    finally:
        world.close()


_DECIMAL = {"type": "number", "x-type": "decimal", "x-precision": 18, "x-scale": 2}


def test_averages_are_rounded_to_six_digits(world: World) -> None:
    assert figures(world, "firms", "(where: {employees: {in: [5, 0, -7]}}) { avg { employees revenue } }") == [
        {"avg": {"employees": 0.75, "revenue": 250000000308.62}}
    ]
    assert figures(world, "persons", "(where: {badge: {gt: 0}}) { avg { badge } }") == [{"avg": {"badge": 5}}]
    found = figures(world, "deals", '(where: {title: {in: ["d1", "d2", "d6"]}}) { avg { amount } }')
    assert found == [{"avg": {"amount": 2.433367}}]


@pytest.mark.parametrize(
    "body",
    [
        "{ key { kind } }",
        "(groupBy: [{name: VALUE}]) { key { kind } }",
        "(groupBy: [{owner: {name: VALUE}}]) { key { name } }",
        "(groupBy: [{}]) { count }",
        "(groupBy: [{kind: VALUE, name: VALUE}]) { count }",
        "(groupBy: [{owner: VALUE}]) { count }",
        "(groupBy: [{deals: {title: VALUE}}]) { count }",
        "{ sum { name } }",
        "{ avg { seenAt } }",
        "{ min { active } }",
        "{ sum { version } }",
    ],
)
def test_figures_that_make_no_sense(world: World, body: str) -> None:
    assert world.code("admin", f"{{ firmsAggregate{body} }}") == "BAD_QUERY"
