"""Orders and contracts."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xrm_sales.orders import terms

from tests.sales.conftest import Sales
from tests.sales.test_quotes import Quotes, act, quotes  # noqa: F401 - a fixture

DAYS = st.dates(date(2000, 1, 1), date(2090, 12, 31))
READ = """
query ($id: ID!) { contract(id: $id) { status startsOn endsOn noticeBy valuePerYear terminatedOn remindedFor } }"""


@given(DAYS, st.integers(1, 120))
def test_terms_follow_each_other_without_a_gap(begin: date, months: int):
    end = terms.last_day(begin, months)

    assert terms.months_later(begin, months) - end == timedelta(days=1)
    assert terms.renewed(end, months) >= end + timedelta(days=28)
    assert abs((end - begin).days - months * 30.4375) < 4


@given(DAYS, st.integers(0, 24))
def test_notice_is_given_before_the_end(end: date, months: int):
    last = terms.notice_by(end, months)

    assert last <= end
    assert terms.months_later(last + timedelta(days=1), months) <= end + timedelta(days=1)


def test_known_terms():
    assert terms.last_day(date(2026, 1, 1), 12) == date(2026, 12, 31)
    assert terms.notice_by(date(2026, 12, 31), 3) == date(2026, 9, 30)
    assert terms.months_later(date(2024, 1, 31), 1) == date(2024, 2, 29)


def accepted(quotes_: Quotes) -> str:
    id_ = quotes_.quote()
    quotes_.line(id_, quotes_.press, quantity="2")
    quotes_.line(id_, quotes_.feet, 2, optional=True)
    for name in ("submitQuote", "sendQuote", "acceptQuote"):
        act(quotes_.sales.admin, name, id_)
    return id_


def test_an_accepted_quote_becomes_an_order_that_an_erp_takes(quotes: Quotes):  # noqa: F811
    id_ = accepted(quotes)

    document = """query ($id: ID!) { quote(id: $id) { orders { nodes {
      id number status netTotal grossTotal items { nodes { text quantity net } } } } } }"""
    [order] = quotes.sales.admin.query(document, id=id_)["quote"]["orders"]["nodes"]

    assert (order["status"], order["netTotal"], order["grossTotal"]) == ("new", "2400.00", "2856.00")
    assert order["items"]["nodes"] == [{"text": "Press", "quantity": "2.000", "net": "2400.00"}]
    act(quotes.sales.admin, "handOverSalesOrder", order["id"])
    change = (
        "mutation ($id: ID!, $status: SalesOrderStatus!) { updateSalesOrder(id: $id, input: {status: $status}) { id } }"
    )
    quotes.sales.admin.query(change, id=order["id"], status="confirmed")
    assert (
        quotes.sales.admin.refused(change, "REFUSED_BY_PLUGIN", id=order["id"], status="paid").details["field"]
        == "status"
    )
    again = "mutation ($id: ID!) { orderQuote(id: $id) { id } }"
    assert quotes.sales.admin.refused(again, "REFUSED_BY_PLUGIN", id=id_).message == "The quote has its order."


def test_an_order_says_what_of_it_comes_again(quotes: Quotes):  # noqa: F811
    care = quotes.sales.xrm.create("product", sku="C-1", name="Care", price="40", recurs="quarter")
    id_ = quotes.quote()
    quotes.line(id_, quotes.press)
    quotes.line(id_, care, 2)
    for name in ("submitQuote", "sendQuote", "acceptQuote"):
        act(quotes.sales.admin, name, id_)

    document = "query ($id: ID!) { quote(id: $id) { orders { nodes { items { nodes { text recurs } } } } } }"
    [order] = quotes.sales.admin.query(document, id=id_)["quote"]["orders"]["nodes"]

    assert order["items"]["nodes"] == [{"text": "Press", "recurs": None}, {"text": "Care", "recurs": "quarter"}]


def contract(sales: Sales, **values: object) -> str:
    given = {"subject": "Care", "customer": sales.customer, "status": "active", "starts_on": "2026-01-01"}
    term = {"term_months": 12, "renews": True, "renewal_months": 12, "notice_months": 3}
    return sales.xrm.create("contract", {**given, **term, "owner": sales.rep.user_id, **values})


def read(sales: Sales, id_: str) -> dict:
    return sales.admin.query(READ, id=id_)["contract"]


def test_a_contract_is_made_of_a_quote(quotes: Quotes):  # noqa: F811
    id_ = accepted(quotes)

    document = """mutation ($id: ID!) {
      contractQuote(id: $id, input: {startsOn: "2026-07-01", termMonths: 24, renewalMonths: 12}) { contracts { nodes {
        startsOn endsOn noticeBy renews valuePerYear status } } } }"""
    [made] = quotes.sales.admin.query(document, id=id_)["contractQuote"]["contracts"]["nodes"]
    again = quotes.sales.admin.refused(document, "REFUSED_BY_PLUGIN", id=id_)

    assert again.message == "The quote has its contract."
    assert made == {
        "startsOn": "2026-07-01",
        "endsOn": "2028-06-30",
        "noticeBy": "2028-03-31",
        "renews": True,
        "valuePerYear": "2400.00",
        "status": "active",
    }


def test_it_is_reminded_of_renewed_and_ended(sales: Sales):
    sales.xrm.clock.set("2026-08-31T12:00Z")
    kept, ended = contract(sales), contract(sales, renews=False, subject="Short")
    sales.xrm.work()

    sales.xrm.clock.set("2026-09-01T01:00Z")
    assert sales.xrm.work().job("sales.look_after_contracts").result == {"renewed": 0, "ended": 0, "reminded": 2}
    sales.xrm.clock.set("2026-09-02T01:00Z")
    assert sales.xrm.work().job("sales.look_after_contracts").result["reminded"] == 0
    tasks = sales.admin.query("{ activities(orderBy: [{subject: ASC}]) { nodes { subject owner { id } } } }")
    assert [each["subject"] for each in tasks["activities"]["nodes"]] == [
        "Notice until 2026-09-30: Care",
        "Notice until 2026-09-30: Short",
    ]

    sales.xrm.clock.set("2027-01-01T01:00Z")
    assert sales.xrm.work().job("sales.look_after_contracts").result == {"renewed": 1, "ended": 1, "reminded": 0}
    assert (read(sales, kept)["endsOn"], read(sales, kept)["noticeBy"]) == ("2027-12-31", "2027-09-30")
    assert read(sales, ended)["status"] == "ended"


@pytest.mark.parametrize(
    ("on", "renews", "ends_on"),
    [("2026-09-30", True, "2026-12-31"), ("2026-10-01", True, "2027-12-31"), ("2026-10-01", False, "2026-12-31")],
)
def test_notice_that_comes_too_late_ends_it_a_term_later(sales: Sales, on: str, renews: bool, ends_on: str):
    id_ = contract(sales, renews=renews)

    document = "mutation ($id: ID!, $on: Date) { terminateContract(id: $id, input: {on: $on}) { status endsOn } }"
    found = sales.admin.query(document, id=id_, on=on)["terminateContract"]

    assert found == {"status": "terminated", "endsOn": ends_on}
