"""Groups by periods, totals over groups, conditions on groups and their order, figures of relations."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.graphql import pivot_world
from tests.graphql.kit import World, uid
from tests.graphql.pivot_world import DEALS, FIRMS, STAGES, ask
from xrm_core.graphql.demands import Limits
from xrm_core.metadata.model import Model

# -- periods --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "firsts"),
    [
        ("VALUE", ["2024-02-29", "2025-12-31", "2026-01-01", "2026-01-04", "2026-01-05", "2026-03-31", None]),
        ("DAY", ["2024-02-29", "2025-12-31", "2026-01-01", "2026-01-04", "2026-01-05", "2026-03-31", None]),
        ("WEEK", ["2024-02-26", "2025-12-29", "2026-01-05", "2026-03-30", None]),
        ("MONTH", ["2024-02-01", "2025-12-01", "2026-01-01", "2026-03-01", None]),
        ("QUARTER", ["2024-01-01", "2025-10-01", "2026-01-01", None]),
        ("YEAR", ["2024-01-01", "2025-01-01", "2026-01-01", None]),
    ],
)
def test_dates_are_grouped_by_periods(pivots: World, part: str, firsts: list[str | None]) -> None:
    found = ask(pivots, f"(groupBy: [{{closesOn: {part}}}])", "key { closesOn } count")
    assert [each["key"]["closesOn"] for each in found] == firsts
    assert sum(each["count"] for each in found) == len(DEALS)


@pytest.mark.parametrize(
    ("zone", "part", "firsts"),
    [
        # 23:00 in UTC is the new year in Berlin; its clocks skip an hour in the night of the 29th of March
        ("UTC", "YEAR", ["2025-01-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00", None]),
        ("Europe/Berlin", "YEAR", ["2024-12-31T23:00:00+00:00", "2025-12-31T23:00:00+00:00", None]),
        (
            "Europe/Berlin",
            "DAY",
            [
                "2025-12-30T23:00:00+00:00",
                "2025-12-31T23:00:00+00:00",
                "2026-03-28T23:00:00+00:00",
                None,
            ],
        ),
        ("Asia/Kathmandu", "WEEK", ["2025-12-28T18:15:00+00:00", "2026-03-22T18:15:00+00:00", None]),
        ("America/Los_Angeles", "QUARTER", ["2025-10-01T07:00:00+00:00", "2026-01-01T08:00:00+00:00", None]),
    ],
)
def test_moments_are_grouped_by_periods_of_a_zone(pivots: World, zone: str, part: str, firsts: list[Any]) -> None:
    query = """query($zone: String) {
      firmsAggregate(groupBy: [{seenAt: %s}], timeZone: $zone) { key { seenAt } count }
    }"""
    found = pivots.ask("admin", query % part, {"zone": zone})["firmsAggregate"]
    assert [each["key"]["seenAt"] for each in found] == firsts
    assert sum(each["count"] for each in found) == len(FIRMS)


@pytest.mark.parametrize(
    ("zone", "moment", "begin"),
    [
        ("America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04T03:00:00+00:00"),  # midnight is skipped
        ("America/Havana", "2025-11-02T12:00:00Z", "2025-11-02T05:00:00+00:00"),  # midnight comes twice
    ],
)
def test_a_day_begins_where_clocks_skip_or_repeat_midnight(pivots: World, zone: str, moment: str, begin: str) -> None:
    assert begin_of(pivots, zone, "DAY", moment) == begin


@pytest.mark.parametrize(
    ("zone", "part", "moment", "begin"),
    [
        ("Europe/Berlin", "MONTH", "0001-03-01T00:00:00Z", "0001-02-28T23:06:32+00:00"),
        ("Europe/Berlin", "WEEK", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"),  # it begins in the year before
        ("America/New_York", "YEAR", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"),
        ("Europe/Berlin", "YEAR", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:00:00+00:00"),  # of the year 10000
        ("Pacific/Kiritimati", "DAY", "9999-12-31T23:59:59Z", "9999-12-31T10:00:00+00:00"),
        ("America/New_York", "DAY", "9999-12-31T23:59:59Z", "9999-12-31T05:00:00+00:00"),
    ],
)
def test_periods_at_both_ends_of_time(pivots: World, zone: str, part: str, moment: str, begin: str) -> None:
    assert begin_of(pivots, zone, part, moment) == begin


def begin_of(pivots: World, zone: str, part: str, moment: str) -> str:
    """The key of the only record's group."""
    pivots.fill({"firm": [{"id": uid(1), "name": "a", "seen_at": moment}]})
    try:
        found = ask(pivots, f'(groupBy: [{{seenAt: {part}}}], timeZone: "{zone}")', "key { seenAt }", entity="firms")
    finally:
        pivots.fill(pivot_world.ROWS)
    [group] = found
    return str(group["key"]["seenAt"])


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "europe/berlin'", "\u0000"])
def test_a_zone_that_is_none_is_refused(pivots: World, zone: str) -> None:
    query = "query($zone: String) { firmsAggregate(groupBy: [{seenAt: DAY}], timeZone: $zone) { count } }"
    assert pivots.code("admin", query, {"zone": zone}) == "BAD_QUERY"
    document = f"{{ firmsAggregate(groupBy: [{{seenAt: DAY}}], timeZone: {json.dumps(zone)}) {{ count }} }}"
    assert pivots.code("admin", document) == "BAD_QUERY"


def test_several_parts_of_one_field(pivots: World) -> None:
    by = "(groupBy: [{closesOn: YEAR}, {closesOn: MONTH}], first: 2)"
    found = ask(pivots, by, "key { year: closesOn(part: YEAR) month: closesOn(part: MONTH) }")
    assert found == [
        {"key": {"year": "2024-01-01", "month": "2024-02-01"}},
        {"key": {"year": "2025-01-01", "month": "2025-12-01"}},
    ]
    assert pivots.code("admin", f"{{ dealsAggregate{by} {{ key {{ closesOn }} }} }}") == "BAD_QUERY"
    assert pivots.code("admin", f"{{ dealsAggregate{by} {{ key {{ closesOn(part: WEEK) }} }} }}") == "BAD_QUERY"


# -- totals ---------------------------------------------------------------------------------------------------------


def test_totals_follow_their_groups(pivots: World) -> None:
    by = "(where: {stage: {isNull: false}}, groupBy: [{stage: VALUE}, {firm: {kind: VALUE}}], totals: ROLLUP)"
    found = ask(pivots, by, "key { stage firm { kind } } totalOver count")
    rows = [(each["key"]["stage"], each["key"]["firm"]["kind"], tuple(each["totalOver"])) for each in found]
    assert rows == [
        *(("open", kind, ()) for kind in ("active", "lead", None)),
        ("open", None, ("firm.kind",)),
        *(("won", kind, ()) for kind in ("active", "lead", None)),
        ("won", None, ("firm.kind",)),
        (None, None, ("stage", "firm.kind")),
    ]
    assert found[-1]["count"] == sum(each["count"] for each in found if not each["totalOver"])


def test_a_cube_has_each_set_of_keys(pivots: World) -> None:
    by = "(groupBy: [{stage: VALUE}, {closesOn: YEAR}], totals: CUBE)"
    found = ask(pivots, by, "totalOver")
    assert {tuple(each["totalOver"]) for each in found} == {
        (),
        ("stage",),
        ("closesOn:YEAR",),
        ("stage", "closesOn:YEAR"),
    }
    many = ", ".join(f"{{{name}: VALUE}}" for name in ("id", "title", "stage", "amount", "closesOn", "version"))
    assert (
        pivots.code("admin", f"{{ dealsAggregate(groupBy: [{many}], totals: CUBE) {{ count }} }}") == "QUERY_TOO_LARGE"
    )


def test_totals_of_nothing_are_one_row(pivots: World) -> None:
    by = "(where: {or: []}, groupBy: [{stage: VALUE}], totals: ROLLUP)"
    assert ask(pivots, by, "count sum { amount } totalOver") == [
        {"count": 0, "sum": {"amount": None}, "totalOver": ["stage"]}
    ]
    assert ask(pivots, "(where: {or: []}, totals: CUBE)", "count totalOver") == [{"count": 0, "totalOver": []}]


# -- conditions on groups, and their order --------------------------------------------------------------------------


def test_sums_beyond_63_bits_are_compared(pivots: World) -> None:
    by = '(groupBy: [{kind: VALUE}], having: {sum: {units: {gt: "9223372036854775807"}}})'
    assert pivots.code("admin", f"{{ firmsAggregate{by.replace('5807', '5808')} {{ count }} }}") == "BAD_QUERY"
    found = ask(pivots, by, "key { kind } sum { units }", entity="firms")
    assert all(int(each["sum"]["units"]) > 2**63 - 1 for each in found)
    ordered = ask(
        pivots, "(groupBy: [{name: VALUE}], orderBy: [{sum: {units: DESC}}])", "sum { units }", entity="firms"
    )
    sums = [int(each["sum"]["units"]) for each in ordered]
    assert sums == sorted(sums, reverse=True)


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ('avg: {units: {gt: "10000000000000"}}', "ab"),
        ('avg: {units: {gt: "9400000000000"}}', "abc"),
        ('avg: {units: {eq: "50000000000000"}}', "b"),
        ('avg: {units: {in: ["50000000000000", "1"]}}', "b"),
    ],
)
def test_large_averages_compare_alike_on_both_databases(pivots: World, condition: str, names: str) -> None:
    units = {"a": 20_000_000_000_000, "b": 50_000_000_000_000, "c": 9_500_000_000_000}
    firms = [{"id": uid(number), "name": name, "units": units[name]} for number, name in enumerate("abc", 1)]
    pivots.fill({"deal": [], "firm": firms})
    try:
        found = ask(pivots, f"(groupBy: [{{name: VALUE}}], having: {{{condition}}})", "key { name }", entity="firms")
    finally:
        pivots.fill(pivot_world.ROWS)
    assert "".join(each["key"]["name"] for each in found) == names


@pytest.mark.parametrize(
    ("condition", "stages"),
    [
        ('{gt: "1500000000000000"}', ["won"]),
        ('{lt: "1500000000000000"}', ["open"]),
        ('{gte: "1000000000000000"}', ["open", "won"]),
        ('{gt: "9999999999999999"}', []),
    ],
)
def test_sums_beyond_63_bits_compare_alike_on_both_databases(pivots: World, condition: str, stages: list[str]) -> None:
    # Given sums of 1.2 and 2 times 10^15, which have four digits after the point
    deals = [
        {"id": uid(number), "title": "d", "stage": "open" if number < 12 else "won", "amount": "99999999999999.9999"}
        for number in range(32)
    ]
    pivots.fill({"firm": [], "deal": deals})
    try:
        having = f"having: {{sum: {{amount: {condition}}}}}"
        found = ask(pivots, f"(groupBy: [{{stage: VALUE}}], {having})", "key { stage }")
    finally:
        pivots.fill(pivot_world.ROWS)
    assert [each["key"]["stage"] for each in found] == stages


def test_averages_are_compared_as_decimals(pivots: World) -> None:
    where = '(where: {title: {in: ["d0", "d1"]}}, having: {avg: {amount: {%s: "0.15"}}})'
    assert [len(ask(pivots, where % op, "count")) for op in ("eq", "gt", "gte", "lt", "ne")] == [1, 0, 1, 0, 0]
    finer = ask(pivots, where.replace("0.15", "0.1500001") % "eq", "count")
    assert finer == []


@pytest.mark.parametrize(
    "arguments",
    [
        "orderBy: [{}]",
        "orderBy: [{count: ASC, key: {stage: ASC}}]",
        "orderBy: [{count: null}]",
        "orderBy: [{sum: null}]",
        "orderBy: [{sum: {}}]",
        "orderBy: [{sum: {amount: ASC, version: ASC}}]",
        "orderBy: [{key: {stage: ASC}}]",
        "groupBy: [{closesOn: YEAR}, {closesOn: MONTH}], orderBy: [{key: {closesOn: ASC}}]",
        "groupBy: [{stage: MONTH}]",
        "having: {sum: {title: {eq: 1}}}",
        "having: {count: {eq: null}, sum: {amount: {lt: null}}}",
        "having: {key: {stage: {eq: won}}}",
        "totals: ALL",
        "timeZone: 1",
    ],
)
def test_what_makes_no_sense_is_refused(pivots: World, arguments: str) -> None:
    assert pivots.code("admin", f"{{ dealsAggregate({arguments}) {{ count }} }}") == "BAD_QUERY"


# -- figures of relations -------------------------------------------------------------------------------------------


def test_figures_of_related_records(pivots: World) -> None:
    body = "name dealsAggregate(where: {stage: {ne: won}}) { count sum { amount } }"
    found = pivots.ask("admin", f"{{ firms(orderBy: [{{name: ASC}}]) {{ nodes {{ {body} }} }} }}")
    for firm, node in zip(FIRMS, found["firms"]["nodes"], strict=True):
        own = [deal for deal in DEALS if deal["firm"] == firm["id"] and deal["stage"] != "won"]
        amounts = [Decimal(deal["amount"]) for deal in own if deal["amount"] is not None]
        total = format(sum(amounts, Decimal()).quantize(Decimal("0.0001")), "f") if amounts else None
        assert node == {"name": firm["name"], "dealsAggregate": [{"count": len(own), "sum": {"amount": total}}]}


def test_figures_of_related_records_take_all_arguments(pivots: World) -> None:
    arguments = (
        "groupBy: [{stage: VALUE}, {closesOn: YEAR}], totals: CUBE, having: {count: {gte: 1}}, "
        "orderBy: [{count: DESC}], first: 5"
    )
    body = "totalOver count key { stage closesOn }"
    nested = pivots.ask("admin", f'{{ firm(id: "{uid(102)}") {{ dealsAggregate({arguments}) {{ {body} }} }} }}')
    where = f'where: {{firm: {{id: {{eq: "{uid(102)}"}}}}}}'
    assert nested["firm"]["dealsAggregate"] == ask(pivots, f"({where}, {arguments})", body)


def test_figures_of_related_records_know_rights(pivots: World) -> None:
    for role, stages in (("admin", set(STAGES)), ("own", {"open"})):
        found = pivots.ask(role, f'{{ firm(id: "{uid(100)}") {{ dealsAggregate {{ count }} }} }}')
        own = [deal for deal in DEALS if deal["firm"] == uid(100) and deal["stage"] in stages]
        assert found["firm"]["dealsAggregate"] == [{"count": len(own)}]
    document = f'{{ firm(id: "{uid(100)}") {{ dealsAggregate {{ count }} }} }}'
    assert "dealsAggregate" in pivots.errors("no_deals", document)[0]["message"]
    arguments = ("having: {sum: {amount: {gt: 1}}}", "orderBy: [{max: {amount: ASC}}]", "groupBy: [{amount: VALUE}]")
    for argument in arguments:
        message = pivots.errors("no_amounts", f"{{ dealsAggregate({argument}) {{ count }} }}")[0]["message"]
        assert "unknown field" in message


def test_figures_of_related_records_cost(model: Model, tmp_path: Path) -> None:
    limited = World(model, pivot_world.rights(model), f"sqlite:///{tmp_path}/world.db", {}, Limits(cost=1000))
    try:
        for_each = "{ firms(first: %d) { nodes { dealsAggregate%s { count } } } }"
        assert limited.code("admin", for_each % (200, "")) == "QUERY_TOO_LARGE"
        assert limited.code("admin", for_each % (50, "(groupBy: [{stage: VALUE}])")) == "QUERY_TOO_LARGE"
        limited.ask("admin", for_each % (50, ""))
    finally:
        limited.close()


@pytest.mark.parametrize("totals", ["ROLLUP", "CUBE"])
def test_totals_do_not_add_up_currencies(model: Model, database_url: str, totals: str) -> None:
    prices = [("EUR", 5), ("EUR", 1), ("USD", 7)]
    rows = [
        {"id": uid(200 + number), "title": "d", "price": {"amount": amount, "currency": currency}}
        for number, (currency, amount) in enumerate(prices)
    ]
    world = World(model, pivot_world.rights(model), database_url, {"deal": rows})
    body = "key { title price { currency } } count sum { price } avg { price } min { price } max { price }"
    try:
        found = ask(world, f"(groupBy: [{{title: VALUE}}, {{price: {{currency: VALUE}}}}], totals: {totals})", body)
        whole = ask(world, "(groupBy: [{price: {currency: VALUE}}])", "sum { price }")
    finally:
        world.close()
    sums = {(each["key"]["title"], each["key"]["price"]["currency"]): each["sum"]["price"] for each in found}
    assert (sums["d", "EUR"], sums["d", "USD"]) == ("6.00", "7.00")
    mixed = [each for each in found if each["key"]["price"]["currency"] is None]
    assert {each["count"] for each in mixed} == {3}
    assert {each[name]["price"] for each in mixed for name in ("sum", "avg", "min", "max")} == {None}
    if totals == "CUBE":
        assert (sums[None, "EUR"], sums[None, "USD"]) == ("6.00", "7.00")
    assert [each["sum"]["price"] for each in whole] == ["6.00", "7.00"]
