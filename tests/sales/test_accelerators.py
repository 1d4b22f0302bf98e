"""Commissions of margins, and rates that go by how far somebody has come with their quota."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xrm_sales.commissions.reckoning import Attained, Step, rate_of
from xrm_sales.periods import span

from tests.sales.conftest import Sales
from tests.sales.test_commissions import REOPEN, of, rule
from tests.sales.test_quotes import Quotes, act, quotes  # noqa: F401 - a fixture

WIN = "mutation ($id: ID!, $on: Date) { winOpportunity(id: $id, input: {closedOn: $on}) { id } }"
AMOUNTS = st.decimals("0.01", 10**7, places=2)


@given(
    st.lists(AMOUNTS, min_size=1, max_size=6),
    st.dictionaries(st.integers(1, 300), st.integers(0, 100), max_size=4),
    st.decimals("0.01", 10**7, places=2),
)
def test_sales_one_by_one_get_what_one_of_them_all_would(
    credits_: list[Decimal], rates: dict[int, int], quota: Decimal
):
    steps = [Step(Decimal(beyond), Decimal(percent)) for beyond, percent in rates.items()]
    parts, before = Decimal(0), Decimal(0)
    for credit in credits_:
        parts += rate_of(Decimal(5), steps, Attained(before, credit, quota)) * credit
        before += credit

    whole = rate_of(Decimal(5), steps, Attained(Decimal(0), before, quota)) * before

    assert abs(parts - whole) < Decimal("0.0001")
    assert min([Decimal(5), *(each.percent for each in steps)]) - Decimal("0.0001") <= whole / before


def test_months_quarters_and_years():
    assert [
        (span("2024-02-29", kind).first, span("2024-02-29", kind).last) for kind in ("month", "quarter", "year")
    ] == [
        ("2024-02-01", "2024-02-29"),
        ("2024-01-01", "2024-03-31"),
        ("2024-01-01", "2024-12-31"),
    ]
    assert (span("2025-12-31", "month").last, span("2025-12-31", "quarter").first) == ("2025-12-31", "2025-10-01")


def accelerated(sales: Sales, **values: Any) -> str:
    """5 % up to the quota of 1 000 in March, 10 % beyond it, 20 % beyond its double."""
    id_ = rule(sales, **values)
    for beyond, percent in ((100, 10), (200, 20)):
        sales.xrm.create("commission_step", rule=id_, beyond_percent=beyond, percent=percent)
    return sales.xrm.create("quota", user=sales.rep.user_id, month="2026-03-01", amount=1000)


def won(sales: Sales, amount: int, day: str) -> str:
    id_ = sales.opportunity(amount=f"{amount}.00")
    sales.rep.query(WIN, id=id_, on=day)
    return id_


def earned(sales: Sales, opportunity: str) -> str:
    [found] = [each["amount"] for each in of(sales, opportunity) if each["status"] == "earned"]
    return str(found)


def test_what_goes_beyond_the_quota_earns_more(sales: Sales):
    accelerated(sales)

    before = won(sales, 5000, "2026-02-28")
    first, second = won(sales, 800, "2026-03-02"), won(sales, 1700, "2026-03-20")

    assert [earned(sales, each) for each in (before, first)] == ["250.00", "40.00"]
    assert earned(sales, second) == "210.00"  # 200 at 5, 1 000 at 10, 500 at 20
    found = sales.admin.query(
        "query ($id: ID!) { opportunity(id: $id) { commissions { nodes { percent attainment } } } }", id=second
    )
    assert found["opportunity"]["commissions"]["nodes"] == [{"percent": "12.3529", "attainment": "250.00"}]


def test_a_sale_that_comes_before_others_changes_theirs_and_so_does_another_quota(sales: Sales):
    quota = accelerated(sales)
    late = won(sales, 1000, "2026-03-20")
    assert earned(sales, late) == "50.00"

    early = won(sales, 1000, "2026-03-02")
    assert (earned(sales, early), earned(sales, late)) == ("50.00", "100.00")
    sales.admin.query(REOPEN, id=early)
    assert earned(sales, late) == "50.00"

    sales.admin.query('mutation ($id: ID!) { updateQuota(id: $id, input: {amount: "250"}) { id } }', id=quota)
    assert earned(sales, late) == "137.50"  # 250 at 5, 250 at 10, 500 at 20


def test_what_was_paid_is_corrected_if_an_earlier_sale_comes(sales: Sales):
    accelerated(sales)
    late = won(sales, 1000, "2026-03-20")
    [entry] = of(sales, late)
    sales.admin.query("mutation ($id: ID!) { releaseCommission(id: $id) { id } }", id=entry["id"])

    won(sales, 1000, "2026-03-02")

    assert [(each["amount"], each["status"]) for each in of(sales, late)] == [
        ("50.00", "released"),
        ("50.00", "earned"),
    ]


@pytest.mark.parametrize(("amount", "expected"), [(None, "60.00"), ("500", "0.00")])
def test_a_share_of_the_margin_of_the_accepted_quote(quotes: Quotes, amount: str | None, expected: str):  # noqa: F811
    sales = quotes.sales
    rule(sales, "Of the margin", position=1, percent=10, of="margin")
    rule(sales, "Else", position=2, percent=1)
    opportunity = sales.opportunity()
    id_ = quotes.quote(opportunity=opportunity)
    quotes.line(id_, quotes.press)  # 1 200, costs 600
    for name in ("submitQuote", "sendQuote", "acceptQuote"):
        act(sales.admin, name, id_)
    if amount:
        document = "mutation ($id: ID!, $a: Decimal) { updateOpportunity(id: $id, input: {amount: $a}) { id } }"
        sales.admin.query(document, id=opportunity, a=amount)

    unknown = won(sales, 1000, "2026-03-02")

    found = [each for each in of(sales, opportunity) if each["status"] == "earned"]
    assert [each["amount"] for each in found] == ([] if expected == "0.00" else [expected])
    assert [(each["rule"]["name"], each["amount"]) for each in of(sales, unknown)] == [("Else", "10.00")]


def test_the_margin_of_line_items(sales: Sales):
    rule(sales, percent=10, of="margin")
    press = sales.xrm.create("product", sku="P", name="Press", cost_price=600)
    id_ = sales.opportunity()
    sales.xrm.create(
        "opportunity_item", opportunity=id_, product=press, position=1, quantity=2, unit_price=1000, discount_percent=10
    )

    sales.rep.query(WIN, id=id_, on="2026-03-02")

    assert earned(sales, id_) == "60.00"  # of 1 800 less 1 200


def test_the_report_has_them_by_person_and_month(sales: Sales):
    accelerated(sales)
    won(sales, 800, "2026-03-02")
    won(sales, 1700, "2026-03-20")

    document = '{ salesReport(name: "commissions_by_employee") { columns rows { values } } }'
    found = sales.admin.query(document)["salesReport"]

    [row] = found["rows"]
    told = dict(zip(found["columns"], row["values"], strict=True))
    assert (told["key.earnedOn"], told["count"], told["sum.basis"]) == ("2026-03-01", "2", "2500.00")
    assert (told["sum.amount"], told["max.attainment"]) == ("250.00", "250.00")
