"""Quotes go out by mail: with their letter and a link, once, and with their state on the quote."""

import re
from email.message import EmailMessage
from typing import Any

import aiosmtplib
import pytest

from tests.sales.conftest import POLICIES, Sales, begin
from tests.sales.test_quotes import Quotes, act, quotes  # noqa: F401 - a fixture
from xrm_core.api import MessageContext, MessageRefusal, OutgoingMessage, hookimpl
from xrm_core.testing import Setup

MAIL = """
mutation ($id: ID!, $input: MailQuoteInput!) {
  mailQuote(id: $id, input: $input) { status mailState mailedTo validUntil }
}"""
STATE = """query ($id: ID!) { quote(id: $id) {
  status mailState mailReason mailedTo mailedAt remindedOn links { totalCount }
} }"""
TASKS = "{ activities(where: {kind: {eq: task}}) { nodes { subject } } }"


class Gate:
    """A plugin that lets nobody be written to whose address it has."""

    closed: set[str] = set()  # noqa: RUF012 - shared on purpose: the plugin is one object

    @hookimpl
    def before_message_send(self, message: OutgoingMessage, context: MessageContext) -> MessageRefusal | None:
        """By address."""
        return MessageRefusal("OBJECTION", "They object.") if message.address in self.closed else None


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    import xrm_sales

    environment = {
        "XRM_SALES_PUBLIC_URL": "https://crm.example.com",
        "XRM_SALES_SENDER_NAME": "Muster AG",
        "XRM_SALES_QUOTE_NOTICES": "true",
        "XRM_SALES_QUOTE_REMIND_DAYS": "7",
        "XRM_SALES_PROCESS": "quote",
    }
    return Setup({"sales": xrm_sales, "gate": Gate()}, policies=POLICIES, environment=environment, begin=begin)


@pytest.fixture(autouse=True)
def open_gate() -> None:
    Gate.closed.clear()


def approved(quotes_: Quotes, **values: Any) -> str:
    create = quotes_.sales.xrm.create
    contact = create(
        "contact",
        last_name="Curie",
        email="curie@example.com",
        organisation={"customer": quotes_.sales.customer},
    )
    id_ = quotes_.quote(language="en", contact=contact, **values)
    quotes_.line(id_, quotes_.press)
    act(quotes_.sales.admin, "submitQuote", id_)
    return id_


def mail(sales: Sales, id_: str, **given: Any) -> dict[str, Any]:
    answer: dict[str, Any] = sales.admin.query(MAIL, id=id_, input=given)["mailQuote"]
    return answer


def state(sales: Sales, id_: str) -> dict[str, Any]:
    found: dict[str, Any] = sales.admin.query(STATE, id=id_)["quote"]
    return found


def said(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def link(message: EmailMessage) -> str:
    found = re.search(r"https://crm\.example\.com(/plugins/sales/offers/\S+)", said(message))
    assert found is not None
    return found[1]


def test_an_approved_quote_goes_out_with_its_letter_and_a_link(quotes: Quotes):  # noqa: F811
    sales = quotes.sales
    id_ = approved(quotes, introduction="Gladly.")

    queued = mail(sales, id_)
    assert (queued["status"], queued["mailState"], queued["mailedTo"]) == ("sent", "queued", "curie@example.com")
    assert list(sales.xrm.mails) == []
    sales.xrm.work()

    [message] = sales.xrm.mails
    number = sales.xrm.get("quote", id_)["number"]  # type: ignore[index]
    assert (message["To"], message["Subject"]) == ("curie@example.com", f"Quote {number}: Press line")
    assert "Gladly." in said(message)
    assert said(message).rstrip().endswith("Muster AG")
    [letter] = message.iter_attachments()
    assert (letter.get_filename(), letter.get_content()[:5]) == (f"{number}.pdf", b"%PDF-")
    found = state(sales, id_)
    assert (found["status"], found["mailState"], found["mailReason"]) == ("sent", "sent", None)
    assert found["mailedAt"] is not None
    assert sales.xrm.http.get(link(message)).status_code == 200


def test_it_is_not_sent_twice_unless_somebody_says_so(quotes: Quotes):  # noqa: F811
    sales = quotes.sales
    id_ = approved(quotes)
    mail(sales, id_)

    assert sales.admin.refused(MAIL, "REFUSED_BY_PLUGIN", id=id_, input={}).message == "It is on its way."
    sales.xrm.work()
    assert sales.admin.refused(MAIL, "REFUSED_BY_PLUGIN", id=id_, input={}).details["field"] == "again"
    mail(sales, id_, again=True, to="other@example.com")
    sales.xrm.work()

    first, second = sales.xrm.mails
    assert (first["To"], second["To"]) == ("curie@example.com", "other@example.com")
    assert [sales.xrm.http.get(link(each)).status_code for each in (first, second)] == [410, 200]


def test_what_did_not_go_is_shown_with_its_reason_and_a_task(
    quotes: Quotes,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
):
    sales = quotes.sales
    id_ = approved(quotes)

    async def refuse(*_given: Any, **_options: Any) -> None:
        raise aiosmtplib.SMTPDataError(554, "no")

    with monkeypatch.context() as patch:
        patch.setattr(aiosmtplib, "send", refuse)
        mail(sales, id_)
        sales.xrm.work()

    found = state(sales, id_)
    assert (found["mailState"], found["mailReason"], found["mailedAt"]) == ("failed", "MAIL_NOT_TAKEN", None)
    [task] = sales.admin.query(TASKS)["activities"]["nodes"]
    assert "MAIL_NOT_TAKEN" in task["subject"]
    mail(sales, id_)
    sales.xrm.work()
    assert state(sales, id_)["mailState"] == "sent"


def test_a_gate_stops_it_with_a_code(quotes: Quotes):  # noqa: F811
    sales = quotes.sales
    id_ = approved(quotes)
    Gate.closed.add("curie@example.com")

    refused = sales.admin.refused(MAIL, "MESSAGE_REFUSED", id=id_, input={})

    assert refused.details["reason"] == "OBJECTION"
    assert (state(sales, id_)["status"], state(sales, id_)["mailState"]) == ("approved", None)


def test_who_has_no_address_is_not_written_to(quotes: Quotes):  # noqa: F811
    id_ = quotes.quote()
    quotes.line(id_, quotes.press)
    act(quotes.sales.admin, "submitQuote", id_)

    assert quotes.sales.admin.refused(MAIL, "REFUSED_BY_PLUGIN", id=id_, input={}).details["field"] == "to"
    quotes.sales.admin.refused(MAIL, "VALIDATION_FAILED", id=id_, input={"to": "nobody"})
    assert state(quotes.sales, id_)["status"] == "approved"


def test_customers_are_reminded_once_and_told_what_they_have_accepted(quotes: Quotes):  # noqa: F811
    sales = quotes.sales
    sales.xrm.clock.set("2026-06-01T12:00Z")
    id_ = approved(quotes, valid_until="2026-06-20")
    mail(sales, id_)
    sales.xrm.work()

    sales.xrm.clock.set("2026-06-13T08:00Z")
    sales.xrm.work()
    sales.xrm.clock.set("2026-06-14T08:00Z")
    sales.xrm.work()

    quote_mail, reminder = sales.xrm.mails
    assert reminder["Subject"].startswith("A reminder: quote")
    assert "20 June 2026" in said(reminder)
    assert sales.xrm.http.get(link(quote_mail)).status_code == 200  # to the same person
    sales.xrm.http.post(link(reminder), data={"decision": "accept", "note": "Soon, please"})
    sales.xrm.work()
    told = {message["To"]: message for message in sales.xrm.mails[2:]}
    owner = sales.xrm.get("user", sales.rep.user_id)["email"]  # type: ignore[index]
    assert set(told) == {"curie@example.com", owner}
    assert "accepted" in told["curie@example.com"]["Subject"]
    assert "Note: Soon, please" in said(told[owner])


def test_nobody_accepts_for_a_customer_after_the_last_day(quotes: Quotes):  # noqa: F811
    sales = quotes.sales
    sales.xrm.clock.set("2026-06-01T12:00Z")
    id_ = approved(quotes, valid_until="2026-06-20")
    act(sales.admin, "sendQuote", id_)
    sales.xrm.clock.set("2026-06-21T00:05Z")
    accept = "mutation ($id: ID!, $on: Date) { acceptQuote(id: $id, input: {decidedOn: $on}) { status } }"

    for day in (None, "2026-06-21", "2026-06-22"):
        assert sales.admin.refused(accept, "REFUSED_BY_PLUGIN", id=id_, on=day).details["field"] == "decided_on"

    assert sales.admin.query(accept, id=id_, on="2026-06-20") == {"acceptQuote": {"status": "accepted"}}


def test_where_an_erp_takes_over_after_the_quote_the_order_comes_from_there(quotes: Quotes):  # noqa: F811
    admin, id_ = quotes.sales.admin, approved(quotes)
    for name in ("sendQuote", "acceptQuote"):
        act(admin, name, id_)
    assert admin.query("{ salesOrders { totalCount } }") == {"salesOrders": {"totalCount": 0}}
    upsert = """mutation ($i: UpsertSalesOrderInput!) {
      upsertSalesOrder(by: externalId, input: $i) { created record { status } } }"""
    given = {"externalId": "4711", "customerId": quotes.sales.customer, "quoteId": id_, "subject": "Press"}

    for status, created in (("confirmed", True), ("cancelled", False)):
        told = admin.query(upsert, i={**given, "status": status})["upsertSalesOrder"]
        assert told == {"created": created, "record": {"status": status}}

    refused = admin.refused(upsert, "REFUSED_BY_PLUGIN", i={**given, "status": "paid"})
    assert refused.details["field"] == "status"
