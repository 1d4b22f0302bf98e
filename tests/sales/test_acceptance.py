"""A customer's yes is kept, whatever is refused of what follows; links that were replaced lead nowhere."""

from typing import Any, ClassVar

import pytest

from tests.sales.conftest import POLICIES, Sales, begin
from tests.sales.test_quotes import SEND, Quotes, act, quotes  # noqa: F401 - a fixture
from xrm_core.api import Refuse, hookimpl
from xrm_core.testing import Setup

READ = """query ($id: ID!) { quote(id: $id) {
  status decisionNote orders { totalCount } opportunity { status }
} }"""
TASKS = "{ activities(where: {kind: {eq: task}}) { nodes { subject description owner { id } } } }"

INVOICE = {"XRM_SALES_PROCESS": "invoice"}
TERMS = {"XRM_SALES_CONTRACT_TERM_MONTHS": "12", "XRM_SALES_CONTRACT_RENEWAL_MONTHS": "6"}
CONTRACTS = """query ($id: ID!) { quote(id: $id) { contracts { nodes {
  subject status startsOn endsOn renewalMonths noticeMonths period valuePerPeriod valuePerYear } } } }"""


class Gate:
    """A plugin that makes trouble with what it has in ``closed``: it refuses, or fails."""

    closed: ClassVar[dict[str, str]] = {}

    @hookimpl
    def before_record_create(self, entity: str, record: dict[str, Any], write: Any) -> None:
        """By entity."""
        if self.closed.get(entity) == "refuses":
            raise Refuse({"en": "Not today.", "de": "Heute nicht."})
        if self.closed.get(entity) == "fails":
            raise ZeroDivisionError("secret")


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    import xrm_sales

    return Setup({"sales": xrm_sales, "gate": Gate()}, policies=POLICIES, begin=begin, environment=INVOICE | TERMS)


@pytest.fixture(autouse=True)
def open_gate() -> None:
    Gate.closed.clear()


def out(quotes_: Quotes, **values: Any) -> tuple[str, str]:
    """A quote that is with the customer, and its link."""
    id_ = quotes_.quote(**values)
    quotes_.line(id_, quotes_.press)
    act(quotes_.sales.admin, "submitQuote", id_)
    return id_, quotes_.sales.admin.query(SEND, id=id_)["sendQuote"]["link"]


def shares(sales: Sales, opportunity: str) -> str:
    sales.xrm.create(
        "opportunity_member", opportunity=opportunity, user=sales.rep.user_id, role="support", split_percent=60
    )
    return "The shares of the team are 60.00 per cent together, not 100."


def check(sales: Sales, _opportunity: str) -> str:
    message = {"message": "Not without a contract.", "message_de": "Nicht ohne Vertrag."}
    sales.xrm.create(
        "stage_check", {"stage": sales.stages["Won"], "condition": {"next_step": {"eq": "Contract"}}, **message}
    )
    return "Not without a contract."


def lost(sales: Sales, opportunity: str) -> str:
    lose = "mutation ($id: ID!, $why: ID!) { loseOpportunity(id: $id, input: {reason: $why}) { id } }"
    sales.rep.query(lose, id=opportunity, why=sales.reasons["Price"])
    return "The opportunity is lost: reopen it."


@pytest.mark.parametrize("hindered", [shares, check, lost])
def test_a_yes_is_kept_where_the_opportunity_cannot_be_won(quotes: Quotes, hindered: Any):  # noqa: F811
    sales = quotes.sales
    opportunity = sales.opportunity(amount="5.00")
    id_, link = out(quotes, opportunity=opportunity)
    other, _ = out(quotes, opportunity=opportunity, subject="Other")
    why = hindered(sales, opportunity)
    before = sales.xrm.get("opportunity", opportunity)

    answer = sales.xrm.http.post(link, data={"decision": "accept", "note": "Yes"})

    assert answer.status_code == 200
    found = sales.admin.query(READ, id=id_)["quote"]
    assert (found["status"], found["decisionNote"], found["orders"]["totalCount"]) == ("accepted", "Yes", 1)
    assert quotes.read(other)["status"] == "superseded"
    assert sales.xrm.get("opportunity", opportunity) == before
    [task] = sales.admin.query(TASKS)["activities"]["nodes"]
    assert "cannot be won yet" in task["subject"]
    assert (task["description"], task["owner"]) == (why, {"id": sales.rep.user_id})


def test_the_owner_wins_it_once_it_is_mended_and_reads_their_language(quotes: Quotes):  # noqa: F811
    sales = quotes.sales
    eva = sales.xrm.as_role("sales_rep", first_name="Eva", language="de")
    opportunity = sales.opportunity(amount="5.00", ownerId=eva.user_id)
    id_, link = out(quotes, opportunity=opportunity, owner=eva.user_id)
    check(sales, opportunity)

    sales.xrm.http.post(link, data={"decision": "accept"}, headers={"Accept-Language": "en"})

    [task] = eva.query(TASKS)["activities"]["nodes"]
    assert "ist angenommen" in task["subject"]
    assert task["description"] == "Nicht ohne Vertrag."
    change = 'mutation ($id: ID!) { updateOpportunity(id: $id, input: {nextStep: "Contract"}) { id } }'
    eva.query(change, id=opportunity)
    won = eva.query("mutation ($id: ID!) { winOpportunity(id: $id) { status } }", id=opportunity)
    assert won == {"winOpportunity": {"status": "won"}}
    assert quotes.read(id_)["status"] == "accepted"


@pytest.mark.parametrize("trouble", ["refuses", "fails"])
def test_a_yes_is_kept_where_a_plugin_lets_no_order_be_made(quotes: Quotes, trouble: str):  # noqa: F811
    sales = quotes.sales
    opportunity = sales.opportunity(amount="5.00")
    id_, link = out(quotes, opportunity=opportunity)
    Gate.closed["sales_order"] = trouble

    answer = sales.xrm.http.post(link, data={"decision": "accept"})

    found = sales.admin.query(READ, id=id_)["quote"]
    assert (answer.status_code, found["status"], found["orders"]["totalCount"]) == (200, "accepted", 0)
    assert found["opportunity"]["status"] == "won"
    [task] = sales.admin.query(TASKS)["activities"]["nodes"]
    assert "make its order" in task["subject"]
    assert "secret" not in task["description"]
    Gate.closed.clear()
    act(sales.admin, "orderQuote", id_)
    assert sales.admin.query(READ, id=id_)["quote"]["orders"]["totalCount"] == 1


def test_a_yes_is_kept_even_where_no_task_can_be_made(quotes: Quotes):  # noqa: F811
    id_, link = out(quotes, opportunity=quotes.sales.opportunity())
    Gate.closed |= {"sales_order": "fails", "activity": "fails"}

    assert quotes.sales.xrm.http.post(link, data={"decision": "accept"}).status_code == 200

    assert quotes.read(id_)["status"] == "accepted"


def cared_for(quotes_: Quotes, *periods: str) -> tuple[str, str]:
    """A quote of a press, and of care that recurs, of 100 for each period; its link."""
    sales, id_ = quotes_.sales, quotes_.quote(discount_percent=10)
    quotes_.line(id_, quotes_.press)
    for place, period in enumerate(periods, start=2):
        care = sales.xrm.create("product", sku=f"C-{place}", name="Care", recurs=period)
        quotes_.line(id_, care, place, unitPrice="50", quantity="2")
    quotes_.line(id_, care, 9, unitPrice="999", optional=True)
    once = "mutation ($id: ID!) { updateProduct(id: $id, input: {recurs: null}) { id } }"
    sales.admin.query(once, id=care)  # what was offered stays as it was
    act(sales.admin, "submitQuote", id_)
    return id_, sales.admin.query(SEND, id=id_)["sendQuote"]["link"]


@pytest.mark.parametrize(
    ("periods", "period", "value", "in_a_year"),
    [(("month",), "month", "90.00", "1080.00"), (("quarter", "month"), "year", "1440.00", "1440.00")],
)
def test_what_recurs_becomes_a_contract_as_it_was_offered(
    quotes: Quotes,  # noqa: F811
    periods: tuple[str, ...],
    period: str,
    value: str,
    in_a_year: str,
):
    sales = quotes.sales
    sales.xrm.clock.set("2026-06-10T12:00Z")
    id_, link = cared_for(quotes, *periods)

    for _ in range(2):
        sales.xrm.http.post(link, data={"decision": "accept"})

    [made] = sales.admin.query(CONTRACTS, id=id_)["quote"]["contracts"]["nodes"]
    assert made == {
        "subject": "Press line",
        "status": "active",
        "startsOn": "2026-06-10",
        "endsOn": "2027-06-09",
        "renewalMonths": 6,
        "noticeMonths": 3,
        "period": period,
        "valuePerPeriod": value,
        "valuePerYear": in_a_year,
    }
    again = 'mutation ($id: ID!) { contractQuote(id: $id, input: {startsOn: "2026-07-01"}) { id } }'
    assert sales.admin.refused(again, "REFUSED_BY_PLUGIN", id=id_).message == "The quote has its contract."
    assert sales.admin.query(READ, id=id_)["quote"]["orders"]["totalCount"] == 1


@pytest.mark.parametrize("trouble", ["refuses", "fails"])
def test_a_yes_is_kept_where_no_contract_can_be_made(quotes: Quotes, trouble: str):  # noqa: F811
    sales = quotes.sales
    id_, link = cared_for(quotes, "quarter")
    Gate.closed["contract"] = trouble

    answer = sales.xrm.http.post(link, data={"decision": "accept"})

    found = sales.admin.query(READ, id=id_)["quote"]
    assert (answer.status_code, found["status"], found["orders"]["totalCount"]) == (200, "accepted", 1)
    assert sales.admin.query(CONTRACTS, id=id_)["quote"]["contracts"]["nodes"] == []
    [task] = sales.admin.query(TASKS)["activities"]["nodes"]
    assert "make its contract" in task["subject"]
    Gate.closed.clear()
    by_hand = 'mutation ($id: ID!) { contractQuote(id: $id, input: {startsOn: "2026-07-01"}) { id } }'
    sales.admin.query(by_hand, id=id_)
    [made] = sales.admin.query(CONTRACTS, id=id_)["quote"]["contracts"]["nodes"]
    assert (made["period"], made["valuePerPeriod"], made["startsOn"]) == ("quarter", "90.00", "2026-07-01")


def test_a_quote_of_which_nothing_recurs_has_no_contract(quotes: Quotes):  # noqa: F811
    id_, link = out(quotes)

    quotes.sales.xrm.http.post(link, data={"decision": "accept"})

    assert quotes.read(id_)["status"] == "accepted"
    assert quotes.sales.admin.query(CONTRACTS, id=id_)["quote"]["contracts"]["nodes"] == []


def test_a_newer_link_ends_those_before_it(quotes: Quotes):  # noqa: F811
    sales = quotes.sales
    id_, first = out(quotes, language="en")

    act(sales.admin, "reviseQuote", id_)
    assert sales.xrm.http.get(first).status_code == 200  # a draft changes nothing for the customer
    [version] = sales.admin.query("{ quotes(where: {versionNumber: {eq: 2}}) { nodes { id } } }")["quotes"]["nodes"]
    act(sales.admin, "submitQuote", version["id"])
    second = sales.admin.query(SEND, id=version["id"])["sendQuote"]["link"]

    for answer in (
        sales.xrm.http.get(first),
        sales.xrm.http.get(f"{first}/letter.pdf"),
        sales.xrm.http.post(first, data={"decision": "accept"}),
    ):
        assert answer.status_code == 410
        assert "there is a newer one" in answer.text
        assert "Press" not in answer.text
    assert sales.xrm.http.get(second).status_code == 200
    assert quotes.read(id_)["status"] == "superseded"


def test_where_the_platform_keeps_the_invoice_an_erp_tells_of_all_by_its_key(quotes: Quotes):  # noqa: F811
    admin = quotes.sales.admin
    _, link = out(quotes)
    quotes.sales.xrm.http.post(link, data={"decision": "accept"})
    [order] = admin.query("{ salesOrders { nodes { id } } }")["salesOrders"]["nodes"]
    key = 'mutation ($id: ID!) { updateSalesOrder(id: $id, input: {externalId: "4711"}) { id } }'
    admin.query(key, id=order["id"])  # what the ERP calls it
    change = """mutation ($i: UpsertSalesOrderInput!) {
      upsertSalesOrder(by: externalId, input: $i) { created record { id status paidOn } } }"""

    for status in ("confirmed", "delivered", "invoiced"):
        admin.query(change, i={"externalId": "4711", "status": status})
    told = admin.query(change, i={"externalId": "4711", "status": "paid", "paidOn": "2026-03-02"})["upsertSalesOrder"]

    assert told == {"created": False, "record": {"id": order["id"], "status": "paid", "paidOn": "2026-03-02"}}


def test_nothing_is_won_on_a_day_to_come(sales: Sales):
    win = "mutation ($id: ID!, $on: Date) { winOpportunity(id: $id, input: {closedOn: $on}) { status } }"
    sales.xrm.clock.set("2026-06-01T12:00Z")
    id_ = sales.opportunity()

    told = sales.rep.refused(win, "REFUSED_BY_PLUGIN", id=id_, on="2026-06-02")

    assert told.details["field"] == "closed_on"
    assert sales.rep.query(win, id=id_, on="2026-06-01") == {"winOpportunity": {"status": "won"}}
    change = 'mutation ($id: ID!) { updateOpportunity(id: $id, input: {closedOn: "2026-06-02"}) { id } }'
    assert sales.rep.refused(change, "REFUSED_BY_PLUGIN", id=id_).details["field"] == "closed_on"
