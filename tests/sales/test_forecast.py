"""The forecast, and what has changed since last Monday."""

import random
from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
from xrm_sales.forecast import figures

from tests.sales.conftest import Sales

FORECAST = """
query ($from: Date!, $months: Int!, $by: [SalesForecastBy!]!) {
  salesForecast(fromMonth: $from, months: $months, by: $by) {
    lines { month currency label parts { by id label } closed commit bestCase pipeline weighted opportunities quota
            attainment adjusted adjustmentReason }
  }
}"""
CHANGES = "{ salesForecastChanges { since changes { name what amountBefore amount closeBefore closeOn stage } } }"
WIN = "mutation ($id: ID!, $on: Date!) { winOpportunity(id: $id, input: {closedOn: $on}) { status } }"


def lines(sales: Sales, *by: str, client=None, months: int = 2) -> list[dict]:
    given = {"from": "2026-03-01", "months": months, "by": list(by)}
    return (client or sales.admin).query(FORECAST, **given)["salesForecast"]["lines"]


def made(sales: Sales, **values: object) -> str:
    return sales.xrm.create("opportunity", {"name": "Some", "customer": sales.customer, **values})


def test_a_month_has_what_is_won_and_what_is_expected(sales: Sales):
    make = lambda **values: made(sales, **values)  # noqa: E731
    won = make(amount=100, close_on="2026-05-01")
    sales.admin.query(WIN, id=won, on="2026-03-10")
    make(amount=1000, close_on="2026-03-31", stage=sales.stages["Negotiation"])
    make(amount=500, close_on="2026-03-31", stage=sales.stages["Proposal"])
    make(amount=50, close_on="2026-03-01")
    make(amount=9999, close_on="2026-03-05", forecast_category="omitted")
    make(amount=70, close_on="2026-04-01", currency="CHF")
    make(amount=70, close_on="2026-05-01")

    march, april = lines(sales)

    assert (march["month"], march["currency"], march["opportunities"]) == ("2026-03-01", "EUR", 4)
    assert (march["closed"], march["commit"], march["bestCase"], march["pipeline"]) == (
        "100.00",
        "1000.00",
        "500.00",
        "50.00",
    )
    assert march["weighted"] == "1105.00"  # 100 + 750 + 250 + 5
    assert (april["month"], april["currency"], april["pipeline"]) == ("2026-04-01", "CHF", "70.00")


def test_more_parts_than_an_answer_has_are_added_up_in_several(sales: Sales, monkeypatch: pytest.MonkeyPatch):
    for month, regions in ((3, "AB"), (4, "BC"), (5, "C")):
        for region in regions:
            made(sales, amount=10, close_on=f"2026-0{month}-15", region=region)
    whole = lines(sales, "REGION", months=3)

    monkeypatch.setattr(figures, "_MOST", 3)
    in_parts = lines(sales, "REGION", months=3)
    monkeypatch.setattr(figures, "_MOST", 2)
    refused = sales.admin.refused(
        FORECAST, "REFUSED_BY_PLUGIN", **{"from": "2026-03-01", "months": 3, "by": ["REGION"]}
    )

    assert in_parts == whole
    assert [(each["label"], each["pipeline"]) for each in whole] == [(each, "10.00") for each in "ABBCC"]
    assert refused.details["field"] == "by"


def test_owners_have_their_quota_and_what_the_manager_thinks(sales: Sales):
    ada = sales.xrm.as_role("sales_rep", first_name="Ada", last_name="Nor").user_id
    won = made(sales, owner=ada, amount=250)
    sales.admin.query(WIN, id=won, on="2026-03-10")
    sales.xrm.create("quota", user=ada, month="2026-03-01", amount=1000)
    sales.xrm.create("quota", user=sales.rep.user_id, month="2026-04-01", amount=5)
    sales.xrm.create("forecast_adjustment", user=ada, month="2026-03-01", amount=900, reason="One more is coming")

    of_ada, of_rep = lines(sales, "OWNER")

    assert (of_ada["label"], of_ada["closed"], of_ada["quota"], of_ada["attainment"]) == (
        "Ada Nor",
        "250.00",
        "1000.00",
        "25.00",
    )
    assert (of_ada["adjusted"], of_ada["adjustmentReason"]) == ("900.00", "One more is coming")
    assert (of_rep["month"], of_rep["quota"], of_rep["closed"]) == ("2026-04-01", "5.00", "0")


@pytest.mark.parametrize("by", ["team", "product", "region"])
def test_it_is_parted_by_other_things_too(sales: Sales, by: str):
    part = {"team": lambda: sales.xrm.create("team", name="North"), "region": lambda: "North"}.get(
        by, lambda: sales.xrm.create("product", sku="N", name="North")
    )()
    made(sales, amount=10, close_on="2026-03-03", **{by: part})
    made(sales, amount=7, close_on="2026-03-03")

    assert {each["label"]: each["pipeline"] for each in lines(sales, by.upper())} == {None: "7.00", "North": "10.00"}


def test_everybody_sees_the_forecast_of_what_they_see(sales: Sales):
    ada = sales.xrm.as_role("sales_seller", first_name="Ada")
    made(sales, amount=10, close_on="2026-03-03", owner=ada.user_id)
    made(sales, amount=7, close_on="2026-03-03")

    target = {"metric": "revenue", "month": "2026-03-01"}
    sales.xrm.create("sales_target", {**target, "value": 100})  # in all, which is not hers
    sales.xrm.create("sales_target", {**target, "value": 7, "user": ada.user_id})

    assert [(each["pipeline"], each["quota"]) for each in lines(sales, client=ada)] == [("10.00", None)]
    assert [(each["pipeline"], each["quota"]) for each in lines(sales)] == [("17.00", "100.00")]
    assert [each["quota"] for each in lines(sales, "OWNER") if each["label"] and "Ada" in each["label"]] == ["7.00"]
    refused = sales.xrm.as_role("guest").refused("{ salesForecast(months: 1) { lines { month } } }", "BAD_QUERY")
    assert "salesForecast" in refused.message


def test_the_figures_are_those_of_the_records(sales: Sales):
    drawn = random.Random(4)
    expected: dict[str, Decimal] = defaultdict(Decimal)
    stages = {"Qualification": 10, "Proposal": 50, "Negotiation": 75}
    for _ in range(25):
        stage, amount = drawn.choice(sorted(stages)), Decimal(drawn.randint(0, 99_999)) / 100
        day = date(2026, drawn.randint(3, 5), drawn.randint(1, 28))
        made(sales, amount=amount, close_on=day.isoformat(), stage=sales.stages[stage])
        expected[day.replace(day=1).isoformat()] += (amount * stages[stage] / 100).quantize(
            Decimal("0.01"), ROUND_HALF_UP
        )

    assert {each["month"]: Decimal(each["weighted"]) for each in lines(sales, months=3)} == dict(expected)


def test_what_has_changed_since_last_monday(sales: Sales):
    sales.xrm.clock.set("2026-03-02T03:00Z")  # a Monday
    sales.xrm.work()
    kept = made(sales, name="Kept", amount=5, close_on="2026-04-01")
    moved = made(sales, name="Moved", amount=10, close_on="2026-04-01")
    won = made(sales, name="Won", amount=20, close_on="2026-04-01")
    sales.xrm.clock.set("2026-03-02T05:00Z")
    assert sales.xrm.work().job("sales.take_snapshot").result == {"opportunities": 3}

    sales.xrm.clock.set("2026-03-05T12:00Z")
    change = 'mutation ($id: ID!) { updateOpportunity(id: $id, input: {amount: 12, closeOn: "2026-05-01"}) { id } }'
    sales.admin.query(change, id=moved)
    sales.admin.query(WIN, id=won, on="2026-03-05")
    assert kept

    found = sales.admin.query(CHANGES)["salesForecastChanges"]

    assert found["since"] == "2026-03-02"
    by_name = {each["name"]: each for each in found["changes"] if "new" not in each["what"]}
    assert by_name.keys() == {"Moved", "Won"}
    assert by_name["Moved"]["what"] == ["amount", "date"]
    assert (by_name["Moved"]["amountBefore"], by_name["Moved"]["amount"]) == ("10.00", "12.00")
    assert (by_name["Moved"]["closeBefore"], by_name["Moved"]["closeOn"]) == ("2026-04-01", "2026-05-01")
    assert by_name["Won"]["what"] == ["won"]


BY_PERIOD = """
query ($from: Date!, $months: Int! = 1, $period: SalesForecastPeriod!, $by: [SalesForecastBy!]! = []) {
  salesForecast(fromMonth: $from, months: $months, period: $period, by: $by) {
    lines { month label closed pipeline quota attainment adjusted }
  }
}"""


def test_quarters_and_years_have_what_is_in_them_and_what_is_to_be_won_in_them(sales: Sales):
    ada, ben = (sales.xrm.as_role("sales_rep", last_name=name).user_id for name in ("Ada", "Ben"))
    for owner, day, amount in ((ada, "2026-02-10", 50), (ada, "2026-06-30", 20), (ben, "2026-03-31", 7)):
        sales.admin.query(WIN, id=made(sales, owner=owner, amount=amount), on=day)
    made(sales, owner=ada, amount=1000, close_on="2026-03-31")
    quota = {"currency": "EUR"}
    for month, amount in (("2026-01-01", 30), ("2026-03-01", 70), ("2026-04-01", 40)):
        sales.xrm.create("quota", {**quota, "user": ada, "month": month, "amount": amount})
    sales.xrm.create("quota", {**quota, "user": ada, "month": "2026-05-17", "period": "quarter", "amount": 200})
    sales.xrm.create("sales_target", metric="revenue", month="2026-01-01", period="year", value=700)
    given = {"user": ada, "month": "2026-01-01", "reason": "One is late"}
    sales.xrm.create("forecast_adjustment", {**given, "period": "quarter", "amount": 60})
    sales.xrm.create("forecast_adjustment", {**given, "amount": 20})

    def of(period: str, **more: object) -> list[list[object]]:
        found = sales.admin.query(BY_PERIOD, **{"from": "2026-02-01", "period": period, **more})["salesForecast"]
        return sorted([list(each.values()) for each in found["lines"]], key=lambda each: (each[0], str(each[1])))

    first, second = "2026-01-01", "2026-04-01"
    assert of("QUARTER", months=3, by=["OWNER"]) == [
        [first, "Ada", "50.00", "1000.00", "100.00", "50.00", "60.00"],  # 30 in January, 70 in March
        [first, "Ben", "7.00", "0", None, None, None],
        [second, "Ada", "20.00", "0", "200.00", "10.00", None],  # what is said of the quarter, not of April
    ]
    assert of("YEAR") == [[first, None, "77.00", "1000.00", "700.00", "11.00", None]]
    assert of("YEAR", by=["OWNER"])[0] == [first, "Ada", "70.00", "1000.00", "300.00", "23.33", None]
    assert of("MONTH") == [["2026-02-01", None, "50.00", "0", None, None, None]]  # that of a year is not divided


def test_there_is_one_quota_of_a_person_for_each_period(sales: Sales):
    make = """mutation ($user: ID!, $month: Date!, $period: QuotaPeriod!) {
      createQuota(input: {userId: $user, month: $month, period: $period, amount: 1}) { month } }"""
    user = sales.rep.user_id

    found = [
        sales.admin.query(make, user=user, month="2026-05-17", period=period)["createQuota"]["month"]
        for period in ("month", "quarter", "year")
    ]

    assert found == ["2026-05-01", "2026-04-01", "2026-01-01"]
    for month, period in (("2026-05-01", "month"), ("2026-06-30", "quarter"), ("2026-12-31", "year")):
        sales.admin.refused(make, "VALIDATION_FAILED", user=user, month=month, period=period)


def test_what_has_no_amount_yet_is_counted_and_months_beyond_the_calendar_are_refused(sales: Sales):
    made(sales, close_on="2026-03-03")

    [line] = lines(sales)

    assert (line["opportunities"], line["pipeline"], line["weighted"]) == (1, "0", "0")
    told = sales.admin.refused('{ salesForecast(fromMonth: "9999-12-01", months: 3) { lines { month } } }')
    assert told.message == "There are no such months."


def test_it_is_parted_by_several_things_at_once_beside_what_is_to_be_won_of_just_these(sales: Sales):
    north, ada = sales.xrm.create("team", name="North"), sales.xrm.as_role("sales_rep", last_name="Nor").user_id
    press = sales.xrm.create("product", sku="P", name="Press")
    whole = {"team": north, "product": press, "region": "EU", "owner": ada}
    won = made(sales, amount=30, **whole)
    sales.admin.query(WIN, id=won, on="2026-03-10")
    made(sales, amount=100, close_on="2026-03-20", stage=sales.stages["Proposal"], **whole)
    made(sales, amount=7, close_on="2026-03-20", team=north, region="US")
    target = {"metric": "revenue", "month": "2026-03-01"}
    for value in (40, 20):  # those of one part count together
        sales.xrm.create("sales_target", {**target, "team": north, "region": "EU", "value": value})
    sales.xrm.create("sales_target", {**target, "team": north, "value": 1})
    sales.xrm.create("sales_target", {**target, "team": north, "region": "Asia", "value": 5})
    sales.xrm.create("quota", user=ada, month="2026-03-01", amount=300)

    asia, eu, us = sorted(lines(sales, "REGION", "TEAM", "REGION"), key=lambda each: each["parts"][0]["label"])
    every = lines(sales, "OWNER", "TEAM", "PRODUCT", "REGION")
    unowned, of_all = sorted(every, key=lambda each: each["opportunities"])

    assert eu["parts"] == [
        {"by": "REGION", "id": "EU", "label": "EU"},
        {"by": "TEAM", "id": north, "label": "North"},
    ]
    assert (eu["closed"], eu["weighted"], eu["quota"], eu["attainment"]) == ("30.00", "80.00", "60.00", "50.00")
    assert (us["weighted"], us["quota"], us["label"]) == ("0.70", None, None)
    assert (asia["opportunities"], asia["quota"], asia["attainment"]) == (0, "5.00", "0.00")
    assert [each["label"] for each in of_all["parts"]] == ["Nor", "North", "Press", "EU"]
    assert (of_all["weighted"], of_all["quota"], unowned["pipeline"]) == ("80.00", None, "7.00")
