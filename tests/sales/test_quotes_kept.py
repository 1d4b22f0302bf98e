"""What a quote says does not change by any way round once it is with others."""

import pytest

from tests.sales.conftest import Sales
from tests.sales.test_quotes import SEND, Quotes, act, quotes  # noqa: F401 - a fixture

CHANGE_LINE = "mutation ($id: ID!, $input: UpdateQuoteItemInput!) { updateQuoteItem(id: $id, input: $input) { id } }"
CHANGE = "mutation ($id: ID!, $input: UpdateQuoteInput!) { updateQuote(id: $id, input: $input) { id } }"


@pytest.mark.parametrize("written", [{"priceByHand": True}, {"net": "3"}, {"costPrice": "1"}])
def test_a_line_of_an_approved_quote_is_not_priced_anew(quotes: Quotes, written: dict):  # noqa: F811
    id_ = quotes.quote()
    line = quotes.line(id_, quotes.press)
    act(quotes.sales.admin, "submitQuote", id_)
    cheaper = {"unit_price": 5, "valid_from": "2026-01-01"}
    quotes.sales.xrm.create("price", price_book=quotes.book, product=quotes.press, **cheaper)

    quotes.sales.admin.refused(CHANGE_LINE, "REFUSED_BY_PLUGIN", id=line["id"], input=written)
    quotes.sales.admin.query(CHANGE_LINE, id=line["id"], input={"priceByHand": False})  # as it is

    assert quotes.read(id_)["netTotal"] == "1200.00"


def test_a_line_does_not_come_back_into_an_approved_quote_but_goes_and_comes_with_it(quotes: Quotes):  # noqa: F811
    id_ = quotes.quote()
    quotes.line(id_, quotes.press)
    gone = quotes.line(id_, quotes.feet, 2)["id"]
    quotes.sales.admin.query("mutation ($id: ID!) { deleteQuoteItem(id: $id) { id } }", id=gone)
    act(quotes.sales.admin, "submitQuote", id_)

    quotes.sales.admin.refused("mutation ($id: ID!) { restoreQuoteItem(id: $id) { id } }", "REFUSED_BY_PLUGIN", id=gone)
    quotes.sales.admin.query("mutation ($id: ID!) { deleteQuote(id: $id) { id } }", id=id_)
    quotes.sales.admin.query("mutation ($id: ID!) { restoreQuote(id: $id) { id } }", id=id_)

    found = quotes.read(id_)
    assert (found["status"], found["netTotal"], len(found["items"]["nodes"])) == ("approved", "1200.00", 1)


def test_a_quote_in_review_is_not_handed_to_somebody_else(quotes: Quotes):  # noqa: F811
    sales = quotes.sales
    other = sales.xrm.as_role("sales_rep", first_name="Ben")
    sales.xrm.create("approval_rule", name="All", step=1, approver=sales.rep.user_id)
    id_ = quotes.quote()
    quotes.line(id_, quotes.press)
    act(other, "submitQuote", id_)

    given = {"id": id_, "input": {"ownerId": other.user_id}}
    told = sales.rep.refused(CHANGE, "REFUSED_BY_PLUGIN", **given)

    assert told.message == "The quote is in review: its owner stays."
    [asked] = quotes.read(id_)["approvals"]["nodes"]
    approve = "mutation ($id: ID!) { approveQuoteApproval(id: $id, input: {}) { id } }"
    sales.rep.refused(approve, "REFUSED_BY_PLUGIN", id=asked["id"])


def test_the_customer_is_too_late_after_the_last_day_also_before_the_night(quotes: Quotes):  # noqa: F811
    sales = quotes.sales
    id_ = quotes.quote(valid_until="2999-01-31", language="en")
    quotes.line(id_, quotes.press)
    act(sales.admin, "submitQuote", id_)
    link = sales.admin.query(SEND, id=id_)["sendQuote"]["link"]
    assert "Accept" in sales.xrm.http.get(link).text
    sales.admin.query(CHANGE, id=id_, input={"validUntil": "2020-01-31"})

    answer = sales.xrm.http.post(link, data={"decision": "accept"})

    assert (answer.status_code, quotes.read(id_)["status"]) == (409, "sent")
    assert "This quote is not valid any more." in answer.text
    assert "button" not in answer.text


def test_what_figures_are_reckoned_of_cannot_be_emptied(quotes: Quotes):  # noqa: F811
    id_ = quotes.quote()
    line = quotes.line(id_, quotes.press)["id"]
    admin = quotes.sales.admin

    for name in ("discountPercent", "currency", "language"):
        assert "is missing" in admin.refused(CHANGE, "VALIDATION_FAILED", id=id_, input={name: None}).message
    admin.refused(CHANGE_LINE, "VALIDATION_FAILED", id=line, input={"discountPercent": None})


def test_splits_discounts_and_terms_cannot_be_emptied(sales: Sales):
    create, admin = sales.xrm.create, sales.admin
    opportunity = sales.opportunity()
    product = create("product", sku="P", name="Press")
    item = create("opportunity_item", opportunity=opportunity, product=product, position=1, quantity=1, unit_price=3)
    member = create("opportunity_member", opportunity=opportunity, user=sales.rep.user_id, role="support")
    contract = create("contract", subject="Service", customer=sales.customer, ends_on="2027-01-31")

    for kind, id_, name in (
        ("OpportunityItem", item, "discountPercent"),
        ("OpportunityMember", member, "splitPercent"),
        ("Contract", contract, "noticeMonths"),
    ):
        change = f"mutation ($id: ID!, $i: Update{kind}Input!) {{ update{kind}(id: $id, input: $i) {{ id }} }}"
        admin.refused(change, "VALIDATION_FAILED", id=id_, i={name: None})


@pytest.mark.parametrize("term", ['startsOn: "9999-01-01", termMonths: 600', 'endsOn: "0001-01-31"'])
def test_a_contract_that_leaves_the_calendar_is_refused(sales: Sales, term: str):
    make = f'mutation ($c: ID!) {{ createContract(input: {{subject: "x", customerId: $c, {term}}}) {{ id }} }}'

    told = sales.admin.refused(make, "REFUSED_BY_PLUGIN", c=sales.customer)

    assert told.message == "The term leaves the calendar."
