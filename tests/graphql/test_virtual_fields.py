"""Computed fields and roll-ups through the API: rights that follow, no leaks, filters, pages, writes, one statement."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.graphql import kit
from tests.graphql.kit import World, uid
from tests.graphql.test_statements import statements
from xrm_core.errors import Forbidden, NotFound

FIRM: dict[str, Any] = {
    "title": {"type": "string", "x-computed": "name || ' (' || employees || ')'"},
    "loud": {"type": "string", "x-computed": "UPPER(title)"},
    "secret_size": {"type": "boolean", "x-computed": "revenue > 1000"},
    "deal_count": {"x-rollup": {"relation": "deals", "function": "count"}},
    "deal_sum": {"x-rollup": {"relation": "deals", "function": "sum", "field": "amount"}},
    "big_deals": {"x-rollup": {"relation": "deals", "function": "count", "where": {"amount": {"gt": 100}}}},
    "last_deal": {"x-rollup": {"relation": "deals", "function": "last", "field": "title", "order_by": "closes_on"}},
    "adviser_count": {"x-rollup": {"relation": "advisors", "function": "count", "where": {"name": {"ne": "Bob"}}}},
    "keen": {"type": "boolean", "x-computed": "deal_count > 1"},
}
PERSON = {"advised": {"x-rollup": {"relation": "advises", "function": "sum", "field": "deal_count"}}}
WORLD = {**kit.ENTITIES, "firm": {**kit.ENTITIES["firm"], **FIRM}, "person": {**kit.ENTITIES["person"], **PERSON}}
FIELDS = " ".join(kit.ENTITIES["firm"])
POLICIES = [
    "admin,*,*,*,,allow",
    "clerk,firm,read,*,,allow",
    "clerk,firm,read,revenue,,deny",
    "clerk,deal,read,id title firm,,allow",
    "seller,firm,read,*,,allow",
    "seller,firm,read,employees,large,deny",
    "seller,deal,read,*,won,allow",
    "keen,firm,*,*,keen,allow",
    "keen,deal,read,*,never,allow",
]
RULES = {
    "large": {"employees": {"gt": 50}},
    "won": {"stage": {"eq": "won"}},
    "keen": {"keen": {"eq": True}},
    "never": {"title": {"isNull": True}},
}
ROWS = {
    "person": [{"id": uid(1), "name": "Ann"}, {"id": uid(2), "name": "Bob"}],
    "firm": [
        {"id": uid(101), "name": "A", "employees": 5, "revenue": "5000.00"},
        {"id": uid(102), "name": "B", "employees": 500, "revenue": "10.00"},
        {"id": uid(103), "name": "C"},
    ],
    "deal": [
        {"id": uid(201), "title": "x", "amount": "150", "stage": "won", "firm": uid(101), "closes_on": "2026-01-02"},
        {"id": uid(202), "title": "y", "amount": "90", "stage": "open", "firm": uid(101), "closes_on": "2026-01-03"},
        {"id": uid(203), "title": "z", "amount": "200", "stage": "open", "firm": uid(102)},
    ],
    "firm_advisor": [
        {"id": uid(601), "firm": uid(101), "person": uid(1)},
        {"id": uid(602), "firm": uid(101), "person": uid(2)},
        {"id": uid(603), "firm": uid(102), "person": uid(1)},
    ],
}


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    model = kit.load_model(WORLD)
    opened = World(model, kit.policies(model, POLICIES, RULES), database_url, ROWS)
    yield opened
    opened.close()


def firms(world: World, role: str, fields: str, arguments: str = "") -> list[Any]:
    return list(world.ask(role, f"{{ firms{arguments} {{ nodes {{ {fields} }} }} }}")["firms"]["nodes"])


def test_a_list_with_everything_is_one_statement(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    query = """{ firms(where: {dealCount: {gt: 0}}, orderBy: [{dealSum: DESC}], first: 1) { totalCount
        nodes { loud lastDeal keen deals { nodes { firm { title } } } advisors { nodes { advised } } }
        pageInfo { endCursor hasNextPage } } }"""
    world.ask("admin", query)  # connects, prepares
    with statements(world, monkeypatch) as seen:
        found = world.ask("admin", query)["firms"]
    assert len(seen) == 1, seen
    assert found["nodes"][0] | {"deals": 0} == {
        "loud": "A (5)",
        "lastDeal": "y",
        "keen": True,
        "deals": 0,
        "advisors": {"nodes": [{"advised": "3"}, {"advised": "2"}]},
    }
    # and its cursor leads to the next page
    after = f'(orderBy: [{{dealSum: DESC}}], after: "{found["pageInfo"]["endCursor"]}")'
    assert firms(world, "admin", "name dealSum", after) == [
        {"name": "B", "dealSum": "200.0000"},
        {"name": "C", "dealSum": "0.0000"},
    ]


def test_figures_of_virtual_fields(world: World) -> None:
    query = (
        "{ firmsAggregate(groupBy: [{keen: VALUE}]) { key { keen } count sum { dealCount dealSum } max { title } } }"
    )
    few, many = world.ask("admin", query)["firmsAggregate"]
    assert few == {
        "key": {"keen": False},
        "count": 2,
        "sum": {"dealCount": "1", "dealSum": "200.0000"},
        "max": {"title": "B (500)"},
    }
    assert (many["key"], many["sum"]) == ({"keen": True}, {"dealCount": "2", "dealSum": "240.0000"})


@pytest.mark.parametrize("name", ["secretSize", "dealSum", "bigDeals", "lastDeal"])
def test_a_field_made_of_what_a_role_may_not_see_does_not_exist_for_it(world: World, name: str) -> None:
    for query in (
        f"{{ firms {{ nodes {{ {name} }} }} }}",
        f"{{ firms(where: {{{name}: {{isNull: true}}}}) {{ totalCount }} }}",
        f"{{ firms(orderBy: [{{{name}: ASC}}]) {{ totalCount }} }}",
        f"{{ firmsAggregate(groupBy: [{{{name}: VALUE}}]) {{ count }} }}",
    ):
        assert world.code("clerk", query) == "BAD_QUERY"
        assert world.ask("admin", query)
    assert firms(world, "clerk", "dealCount", "(first: 1)") == [{"dealCount": 2}]


def test_what_is_hidden_on_some_records_hides_what_is_made_of_it_there(world: World) -> None:
    # the size of large firms is hidden from sellers
    assert firms(world, "seller", "name title loud") == [
        {"name": "A", "title": "A (5)", "loud": "A (5)"},
        {"name": "B", "title": None, "loud": None},
        {"name": "C", "title": None, "loud": None},
    ]
    for guess in ('{title: {eq: "B (500)"}}', '{loud: {startsWith: "B"}}', '{title: {contains: "500"}}'):
        assert firms(world, "seller", "name", f"(where: {guess})") == []
    query = '{ firmsAggregate(where: {name: {eq: "B"}}) { max { title } countDistinct { loud } } }'
    assert world.ask("seller", query)["firmsAggregate"] == [{"max": {"title": None}, "countDistinct": {"loud": 0}}]


def test_a_rollup_counts_what_its_reader_could_count(world: World) -> None:
    fields = "name dealCount dealSum bigDeals lastDeal keen deals { totalCount }"
    assert firms(world, "seller", fields, "(first: 2)") == [
        {
            "name": "A",
            "dealCount": 1,
            "dealSum": "150.0000",
            "bigDeals": 1,
            "lastDeal": "x",
            "keen": False,
            "deals": {"totalCount": 1},
        },
        {
            "name": "B",
            "dealCount": 0,
            "dealSum": "0.0000",
            "bigDeals": 0,
            "lastDeal": None,
            "keen": False,
            "deals": {"totalCount": 0},
        },
    ]


def test_a_rollup_over_many_to_many_needs_the_right_to_both_ends(world: World) -> None:
    assert firms(world, "admin", "adviserCount") == [{"adviserCount": 1}, {"adviserCount": 1}, {"adviserCount": 0}]
    assert world.code("clerk", "{ firms { nodes { adviserCount } } }") == "BAD_QUERY"


def test_row_rules_see_all_records(world: World) -> None:
    # whoever may see keen firms only, and no deal at all, sees the firm with two deals
    assert firms(world, "keen", "name dealCount keen") == [{"name": "A", "dealCount": 0, "keen": False}]
    # and a write is held to the same rule
    with world.database.begin() as connection:
        world.records.update(connection, world.user("keen"), "firm", uid(101), {"note": "n"})
        with pytest.raises(NotFound):
            world.records.update(connection, world.user("keen"), "firm", uid(102), {"note": "n"})


def test_nobody_writes_a_virtual_field(world: World) -> None:
    for name in ("title", "dealCount"):
        value = '"x"' if name == "title" else "1"
        query = f'mutation {{ createFirm(input: {{name: "N", {name}: {value}}}) {{ id }} }}'
        assert world.code("admin", query) == "BAD_QUERY"
    with world.database.begin() as connection, pytest.raises(Forbidden):
        world.records.create(connection, world.user("admin"), "firm", {"name": "N", "title": "x"})
    with world.database.begin() as connection:
        world.records.create(connection, world.user("admin"), "firm", {"name": "N", "employees": 1})
    assert firms(world, "admin", "title dealCount", '(where: {name: {eq: "N"}})') == [
        {"title": "N (1)", "dealCount": 0}
    ]


def test_nothing_raises_whatever_the_values(database_url: str) -> None:
    """Overflow in sums, in products and in integers; division by zero; days out of the calendar."""
    thing: dict[str, Any] = {
        "n": {"type": "integer"},
        "big": {"type": "number", "x-type": "decimal", "x-scale": 0},
        "whole": {"type": "integer", "x-type": "big_integer"},
        "day": {"type": "string", "format": "date"},
        "up": kit.relation("thing", "downs"),
        "square": {"type": "number", "x-type": "decimal", "x-scale": 0, "x-computed": "big * big"},
        "product": {"type": "integer", "x-computed": "n * n * n"},
        "ratio": {"type": "integer", "x-computed": "big / (n - n)"},
        "rest": {"type": "integer", "x-computed": "n % (n - n)"},
        "far": {"type": "string", "format": "date", "x-computed": "day + n"},
        "least": {"type": "integer", "x-type": "big_integer", "x-computed": "ABS(whole)"},
        "piece": {"type": "string", "x-computed": "SUBSTR('abc', n, n)"},
        "total": {"x-rollup": {"relation": "downs", "function": "sum", "field": "big"}},
        "wholes": {"x-rollup": {"relation": "downs", "function": "sum", "field": "whole"}},
        "mean": {"x-rollup": {"relation": "downs", "function": "avg", "field": "big"}},
    }
    model = kit.load_model({"thing": thing})
    top = {"id": uid(1), "n": 2**31 - 1, "big": "9" * 18, "whole": -(2**63), "day": "9999-12-31"}
    rows = {"thing": [top, *({**top, "id": uid(number), "up": uid(1)} for number in range(2, 14))]}
    world = World(model, kit.policies(model, ["role,*,*,*,,allow"], {}), database_url, rows)
    names = [name for name in thing if name not in ("n", "big", "whole", "day", "up")]
    [found] = world.ask("role", f"{{ things(first: 1) {{ nodes {{ {' '.join(names)} }} }} }}")["things"]["nodes"]
    assert found == dict.fromkeys(names) | {"piece": ""}
    world.close()


def test_the_deepest_expression_can_be_read_inside_of_a_list(database_url: str) -> None:
    """An expression as deep as files may nest it, where lists nest: old SQLite reads about a hundred levels in all."""
    text = "n"
    for number in range(7):
        text = f"ABS({text} - {number})" if number % 2 else f"GREATEST({text}, {number})"
    thing = {"n": {"type": "integer"}, "up": kit.relation("thing", "downs")}
    model = kit.load_model({"thing": {**thing, "deep": {"type": "integer", "x-computed": text}}})
    rows = {"thing": [{"id": uid(1), "n": 5}, {"id": uid(2), "n": 7, "up": uid(1)}]}
    world = World(model, kit.policies(model, ["role,*,*,*,,allow"], {}), database_url, rows)
    query = "{ things(where: {deep: {gt: 0}}, orderBy: [{deep: ASC}]) { nodes { downs { nodes { deep } } } } }"
    assert "errors" not in str(world.body("role", query))
    world.close()


MONEY = {"type": "object", "x-type": "money"}
ORDERS: dict[str, Any] = {
    "order": {
        "title": {"type": "string"},
        "net": {"x-rollup": {"relation": "lines", "function": "sum", "field": "total"}},
        "dearest": {"x-rollup": {"relation": "lines", "function": "max", "field": "price"}},
        "mean": {"x-rollup": {"relation": "lines", "function": "avg", "field": "price"}},
        "dear_lines": {
            "x-rollup": {"relation": "lines", "function": "count", "where": {"price": {"amount": {"gte": 2}}}}
        },
        "freight": {
            "x-rollup": {
                "relation": "lines",
                "function": "sum",
                "field": "freight",
                "where": {"freight": {"currency": {"eq": "CHF"}}},
            }
        },
    },
    "line": {
        "quantity": {"type": "integer"},
        "order": {"x-relation": {"to": "order", "inverse": "lines"}},
        "price": MONEY,
        "freight": {**MONEY, "x-currencies": ["EUR", "CHF"]},
        "total": {"type": "number", "x-type": "decimal", "x-computed": "quantity * price"},
    },
}


def test_money_in_one_currency_is_reckoned_with(database_url: str) -> None:
    # given an order with lines in euro, whose freight is in euro or francs, and a role that does not see the price
    euro = [{"amount": amount, "currency": "EUR"} for amount in ("1.25", "2.00", "0.10")]
    freight = [
        {"amount": "5", "currency": "CHF"},
        {"amount": "7", "currency": "EUR"},
        {"amount": "1.5", "currency": "CHF"},
    ]
    lines = [
        {"id": uid(i), "order": uid(1), "quantity": i - 9, "price": euro[i - 10], "freight": freight[i - 10]}
        for i in (10, 11, 12)
    ]
    lines.append({"id": uid(13), "order": uid(1), "quantity": 4, "price": None, "freight": None})
    model = kit.load_model(ORDERS)
    rows = ["admin,*,*,*,,allow", "clerk,order,read,*,,allow", "clerk,line,read,id order quantity freight,,allow"]
    orders = [{"id": uid(1), "title": "A"}, {"id": uid(2), "title": "B"}]
    world = World(model, kit.policies(model, rows, {}), database_url, {"order": orders, "line": lines})
    try:
        query = "{ orders(orderBy: [{net: DESC}]) { nodes { net dearest mean dearLines freight } } }"
        full, empty = world.ask("admin", query)["orders"]["nodes"]
        totals = world.ask("admin", "{ lines(orderBy: [{quantity: ASC}]) { nodes { total } } }")["lines"]["nodes"]
        seen = world.ask("clerk", "{ orders(where: {freight: {gt: 6}}) { nodes { freight } } }")["orders"]["nodes"]
        hidden = [
            world.errors("clerk", f"{{ orders {{ nodes {{ {name} }} }} }}")[0]["message"]
            for name in ("net", "dearest", "dearLines")
        ]
    finally:
        world.close()
    # then figures are those of the amounts, of one currency only
    assert full == {"net": "5.55", "dearest": "2.00", "mean": "1.12", "dearLines": 1, "freight": "6.50"}
    assert empty == {"net": "0.00", "dearest": None, "mean": None, "dearLines": 0, "freight": "0.00"}
    assert [each["total"] for each in totals] == ["1.25", "4.00", "0.30", None]
    # and whoever does not see the price does not see what is made of it
    assert seen == [{"freight": "6.50"}]
    assert all("Cannot query field" in message for message in hidden)
