"""What was reached, beside what was to be, and beside the year before."""

import pytest

from tests.sales.conftest import Sales, begin
from xrm_core.testing import Setup

DEVIATION = """
query ($metric: SalesDeviationMetric!, $months: Int! = 1) {
  salesDeviation(fromMonth: "2026-03-15", months: $months, metric: $metric) {
    lines { month currency region user target reached deviation deviationPercent before byVolume bySize }
  }
}"""


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    """The roles of the plugin, and those of the core pack as they are."""
    return Setup(plugins=["sales"], begin=begin)


def won(sales: Sales, amount: int, day: str, **values: object) -> None:
    given = {"name": "A", "customer": sales.customer, "owner": sales.rep.user_id, **values}
    sales.xrm.create("opportunity", {**given, "stage": sales.stages["Won"], "amount": amount, "closed_on": day})


def test_revenue_is_held_against_targets_quotas_and_the_year_before(sales: Sales):
    for amount, day in ((100, "2025-03-02"), (300, "2025-03-30"), (500, "2026-03-01"), (250, "2026-04-01")):
        won(sales, amount, day, region="Nord")
    won(sales, 70, "2026-03-05", region="Süd")
    sales.xrm.create("sales_target", metric="revenue", month="2026-03-01", value=400, region="Nord")
    sales.xrm.create("sales_target", metric="revenue", month="2026-03-01", value=1000)
    sales.xrm.create("quota", user=sales.rep.user_id, month="2026-03-01", amount=570)

    found = sales.admin.query(DEVIATION, metric="REVENUE")["salesDeviation"]["lines"]

    [region] = [each for each in found if each["region"]]
    [quota] = [each for each in found if each["user"]]
    [whole] = [each for each in found if not each["region"] and not each["user"]]
    assert region == {
        "month": "2026-03-01",
        "currency": "EUR",
        "region": "Nord",
        "user": None,
        "target": "400.00",
        "reached": "500.00",
        "deviation": "100.00",
        "deviationPercent": "25.00",
        "before": "400.00",
        "byVolume": "-200.00",
        "bySize": "300.00",
    }
    assert (whole["reached"], whole["deviation"], whole["deviationPercent"]) == ("570.00", "-430.00", "-43.00")
    assert (quota["user"], quota["deviation"]) == (sales.rep.user_id, "0.00")


def test_sales_and_visits_are_counted(sales: Sales):
    won(sales, 1, "2026-03-01")
    won(sales, 1, "2026-04-30")
    for day, status in (("2026-03-02", "done"), ("2026-03-03", "planned"), ("2025-03-02", "done")):
        given = {"customer": sales.customer, "owner": sales.rep.user_id, "status": status, "made_on": day}
        sales.xrm.create("visit", given)
    sales.xrm.create("sales_target", metric="won_opportunities", month="2026-04-01", value=2)
    sales.xrm.create("sales_target", metric="visits", month="2026-03-01", value=0, user=sales.rep.user_id)

    [sold] = sales.admin.query(DEVIATION, metric="WON_OPPORTUNITIES", months=2)["salesDeviation"]["lines"]
    [visits] = sales.admin.query(DEVIATION, metric="VISITS")["salesDeviation"]["lines"]

    assert (sold["month"], sold["reached"], sold["deviation"], sold["byVolume"]) == ("2026-04-01", "1", "-1.00", None)
    assert (visits["reached"], visits["before"], visits["deviationPercent"]) == ("1", "1", None)


def test_everybody_has_their_own_figures_and_too_much_is_refused(sales: Sales):
    ada = sales.xrm.as_role("sales_seller", "sales_rep", first_name="Ada")
    won(sales, 100, "2026-03-01")
    won(sales, 70, "2026-03-01", owner=ada.user_id)
    sales.xrm.create("quota", user=ada.user_id, month="2026-03-01", amount=100)
    sales.xrm.create("quota", user=sales.rep.user_id, month="2026-03-01", amount=100)

    [mine] = ada.query(DEVIATION, metric="REVENUE")["salesDeviation"]["lines"]

    assert (mine["reached"], mine["deviationPercent"]) == ("70.00", "-30.00")
    assert ada.refused(DEVIATION, "REFUSED_BY_PLUGIN", metric="REVENUE", months=25).details["field"] == "months"
    sales.xrm.create("sales_target", metric="visits", month="2026-03-01", value=3, region="Nord")
    assert sales.admin.refused(DEVIATION, "REFUSED_BY_PLUGIN", metric="VISITS").details["field"] == "metric"


def test_targets_of_quarters_and_years_are_held_against_these(sales: Sales):
    for amount, day in ((100, "2025-01-02"), (300, "2025-06-30"), (500, "2026-03-01"), (250, "2026-04-01")):
        won(sales, amount, day)
    for period, month, value in (("quarter", "2026-02-01", 400), ("year", "2026-05-01", 1000)):
        sales.xrm.create("sales_target", metric="revenue", month=month, period=period, value=value)

    document = """{ salesDeviation(fromMonth: "2026-01-01") { lines { month period target reached before } } }"""
    quarter, year = sales.admin.query(document)["salesDeviation"]["lines"]

    same = {"month": "2026-01-01"}
    assert quarter == {**same, "period": "QUARTER", "target": "400.00", "reached": "500.00", "before": "100.00"}
    assert year == {**same, "period": "YEAR", "target": "1000.00", "reached": "750.00", "before": "400.00"}


def test_who_does_not_see_what_a_target_is_of_does_not_see_the_target(sales: Sales):
    seller = sales.xrm.as_role("sales_seller", first_name="Bo")  # without the role of the pack: no teams, no users
    manager = sales.xrm.as_role("sales_seller", "sales_rep", first_name="Ada")
    team = sales.xrm.create("team", name="North")
    for each in (seller, manager):
        target = {"metric": "won_opportunities", "month": "2026-03-01", "value": 1, "user": each.user_id}
        sales.xrm.create("sales_target", target)
        sales.xrm.create("sales_target", {**target, "team": team, "value": 2})
        sales.xrm.create("quota", user=each.user_id, month="2026-03-01", amount=5)

    for metric, seen in (("WON_OPPORTUNITIES", ["1.00", "2.00"]), ("REVENUE", ["5.00"])):
        lines = manager.query(DEVIATION, metric=metric)["salesDeviation"]["lines"]
        assert sorted(each["target"] for each in lines) == seen
        assert seller.query(DEVIATION, metric=metric) == {"salesDeviation": {"lines": []}}
