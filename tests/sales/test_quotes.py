"""Quotes: prices, totals, checks, approvals, and what becomes of them."""

import random
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import pytest

from tests.sales.conftest import Sales
from xrm_core.testing import Client

READ = """
query ($id: ID!) { quote(id: $id) {
  number versionNumber status linesTotal discountTotal netTotal taxTotal grossTotal margin marginPercent
  effectiveDiscount taxes validUntil replaces { id status } opportunity { status amount }
  items(orderBy: [{position: ASC}]) {
    nodes { text unitPrice listPrice net taxPercent priceByHand priceSource { name } }
  }
  approvals(orderBy: [{step: ASC}, {id: ASC}]) { nodes { id status step reason comment } }
} }"""
ITEM = "mutation ($input: CreateQuoteItemInput!) { createQuoteItem(input: $input) { id net unitPrice } }"
CHANGE = "mutation ($id: ID!, $input: UpdateQuoteItemInput!) { updateQuoteItem(id: $id, input: $input) { id } }"


SEND = "mutation ($id: ID!) { sendQuote(id: $id) { link record { status } } }"


def act(client: Client, name: str, id_: str) -> dict:
    if name == "sendQuote":
        return client.query(SEND, id=id_)[name]
    return client.query(f"mutation ($id: ID!) {{ {name}(id: $id) {{ id status }} }}", id=id_)[name]


def refused(client: Client, name: str, id_: str) -> str:
    document = f"mutation ($id: ID!) {{ {name}(id: $id) {{ id }} }}"
    return client.refused(document, "REFUSED_BY_PLUGIN", id=id_).message


@dataclass
class Quotes:
    sales: Sales
    press: str
    feet: str
    book: str

    def quote(self, **values: object) -> str:
        given = {"subject": "Press line", "customer": self.sales.customer, "priced_on": "2026-06-30", **values}
        return self.sales.xrm.create("quote", {"owner": self.sales.rep.user_id, **given})

    def line(self, quote: str, product: str, position: int = 1, **values: object) -> dict:
        given = {"quoteId": quote, "productId": product, "position": position, **values}
        return self.sales.rep.query(ITEM, input=given)["createQuoteItem"]

    def read(self, id_: str) -> dict:
        return self.sales.admin.query(READ, id=id_)["quote"]


@pytest.fixture
def quotes(sales: Sales) -> Quotes:
    create = sales.xrm.create
    create("tax_rate", country="DE", category="standard", percent=19, valid_from="2007-01-01", valid_until="2026-06-30")
    create("tax_rate", country="DE", category="standard", percent=20, valid_from="2026-07-01")
    create("tax_rate", country="DE", category="reduced", percent=7, valid_from="2007-01-01")
    press = create("product", sku="P-1", name="Press", price=1000, cost_price=600, category="machine")
    feet = create("product", sku="F-1", name="Foot", price=Decimal("9.99"), cost_price=4, tax_category="reduced")
    book = create("price_book", name="List 2026", currency="EUR", is_default=True)
    price = create("price", price_book=book, product=press, unit_price=1200)
    create("price_tier", price=price, from_quantity=10, unit_price=1100)
    return Quotes(sales, press, feet, book)


def test_who_sees_no_price_books_has_lines_priced_from_them_however_they_write(quotes: Quotes):
    rep, id_ = quotes.sales.rep, quotes.quote()
    first, second = (quotes.line(id_, quotes.press, place)["id"] for place in (1, 2))
    many = """mutation ($ids: [ID!]!, $quantity: Decimal!) {
      updateQuoteItems(ids: $ids, set: {quantity: $quantity}) { count } }"""
    by_key = """mutation ($items: [UpsertQuoteItemInput!]!) {
      upsertQuoteItems(by: quoteId_position, input: $items) { count } }"""

    rep.query(CHANGE, id=first, input={"quantity": "2"})
    rep.query(many, ids=[first, second], quantity="10")

    assert [line["unitPrice"] for line in quotes.read(id_)["items"]["nodes"]] == ["1100.0000", "1100.0000"]
    assert {line["priceSource"]["name"] for line in quotes.read(id_)["items"]["nodes"]} == {"List 2026"}
    rep.query(by_key, items=[{"quoteId": id_, "position": place, "quantity": "2"} for place in (1, 2)])
    assert [line["net"] for line in quotes.read(id_)["items"]["nodes"]] == ["2400.00", "2400.00"]
    told = rep.refused(CHANGE, "VALIDATION_FAILED", id=first, input={"partOfId": id_})  # given by themselves
    assert [each["field"] for each in told.details["problems"]] == ["part_of"]


def test_a_quote_is_priced_and_summed_up(quotes: Quotes):
    id_ = quotes.quote(discount_percent=10)

    quotes.line(id_, quotes.press, quantity="2")
    quotes.line(id_, quotes.feet, 2, quantity="8", discountPercent="50")
    quotes.line(id_, quotes.feet, 3, quantity="100", optional=True)

    found = quotes.read(id_)
    press, feet, _ = found["items"]["nodes"]
    assert (press["unitPrice"], press["priceSource"], press["net"]) == ("1200.0000", {"name": "List 2026"}, "2400.00")
    assert (feet["text"], feet["unitPrice"], feet["priceSource"], feet["net"]) == ("Foot", "9.9900", None, "39.96")
    assert (found["linesTotal"], found["discountTotal"], found["netTotal"]) == ("2439.96", "244.00", "2195.96")
    assert found["taxes"]["rates"] == [
        {"rate": "7.00", "taxable": "35.96", "tax": "2.52"},
        {"rate": "19.00", "taxable": "2160.00", "tax": "410.40"},
    ]
    assert (found["taxTotal"], found["grossTotal"]) == ("412.92", "2608.88")
    assert (found["margin"], found["marginPercent"]) == ("963.96", "43.90")
    assert found["effectiveDiscount"] == "11.45"  # of 2 479.92


def test_totals_follow_at_once_a_line_that_goes_or_comes_back(quotes: Quotes):
    id_ = quotes.quote()
    quotes.line(id_, quotes.press)
    second = quotes.line(id_, quotes.press, 2)["id"]

    quotes.sales.admin.query("mutation ($id: ID!) { deleteQuoteItem(id: $id) { id } }", id=second)
    assert quotes.read(id_)["netTotal"] == "1200.00"
    quotes.sales.admin.query("mutation ($id: ID!) { restoreQuoteItem(id: $id) { id } }", id=second)
    assert quotes.read(id_)["netTotal"] == "2400.00"


def test_tiers_contracts_days_and_prices_by_hand(quotes: Quotes):
    create = quotes.sales.xrm.create
    contract = create(
        "price_book", name="Miller", currency="EUR", customer=quotes.sales.customer, valid_until="2026-12-31"
    )
    id_ = quotes.quote()
    assert quotes.line(id_, quotes.press, quantity="10")["unitPrice"] == "1100.0000"
    graduated = create("price", price_book=contract, product=quotes.press, unit_price=1000, tiering="graduated")
    create("price_tier", price=graduated, from_quantity=4, unit_price=500)

    assert quotes.line(id_, quotes.press, 2, quantity="6")["net"] == "5000.00"
    by_hand = quotes.line(id_, quotes.press, 3, quantity="1", unitPrice="777")
    assert (by_hand["net"], quotes.read(id_)["items"]["nodes"][2]["listPrice"]) == ("777.00", "1000.0000")

    quotes.sales.admin.query(
        'mutation ($id: ID!) { updateQuote(id: $id, input: {pricedOn: "2027-01-01"}) { id } }', id=id_
    )
    items = quotes.read(id_)["items"]["nodes"]
    assert [each["unitPrice"] for each in items] == ["1100.0000", "1200.0000", "777.0000"]
    assert {each["taxPercent"] for each in items} == {"20.00"}
    quotes.sales.admin.query(CHANGE, id=by_hand["id"], input={"unitPrice": None})
    assert quotes.read(id_)["items"]["nodes"][2]["unitPrice"] == "1200.0000"


def test_sales_to_others_bear_no_tax_and_unknown_rates_are_told(quotes: Quotes):
    abroad = quotes.sales.xrm.create("customer", name="Wien", country="AT", tax_treatment="reverse_charge")
    id_ = quotes.quote(customer=abroad)
    quotes.line(id_, quotes.press)
    assert quotes.read(id_)["grossTotal"] == "1200.00"

    unknown = quotes.quote(customer=quotes.sales.xrm.create("customer", name="Bern", country="CH"))
    given = {"quoteId": unknown, "productId": quotes.press, "position": 1}
    told = quotes.sales.admin.refused(ITEM, "REFUSED_BY_PLUGIN", input=given)
    assert told.message == "No tax rate «standard» is known of CH on 2026-06-30."


def test_products_that_do_not_go_together_are_told_with_the_reason(quotes: Quotes):
    rule = {"product": quotes.press, "kind": "requires", "other": quotes.feet, "quantity": 4}
    quotes.sales.xrm.create("product_rule", {**rule, "reason": "A press stands on four feet."})
    id_ = quotes.quote()
    assert refused(quotes.sales.admin, "submitQuote", id_) == "The quote has no lines."
    quotes.line(id_, quotes.press, quantity="2")
    quotes.line(id_, quotes.feet, 2, quantity="7")

    assert refused(quotes.sales.admin, "submitQuote", id_) == "A press stands on four feet."
    quotes.line(id_, quotes.feet, 3, quantity="1")
    assert act(quotes.sales.admin, "submitQuote", id_)["status"] == "approved"


@pytest.mark.parametrize(
    ("limited", "told"),
    [
        ("guest", "Rabatt von 12,50 % in Position 1; für keine Rolle der Vorlegenden gilt eine Grenze."),
        ("sales_rep", "Rabatt von 12,50 % in Position 1; die Grenze ist 10,00 %."),
    ],
)
def test_why_somebody_is_asked_is_said_in_the_language_of_who_submits(quotes: Quotes, limited: str, told: str):
    create, eva = quotes.sales.xrm.create, quotes.sales.xrm.as_role("sales_rep", first_name="Eva", language="de")
    create("discount_limit", role=limited, most_percent=10)
    create("approval_rule", name="Discount", over_limit=True, approver_role="admin")
    id_ = quotes.quote(owner=eva.user_id)
    quotes.line(id_, quotes.press, discountPercent="12.5")

    act(eva, "submitQuote", id_)

    assert [each["reason"] for each in quotes.read(id_)["approvals"]["nodes"]] == [told]


def test_what_is_over_the_limit_is_approved_in_steps_by_four_eyes(quotes: Quotes):
    sales, create = quotes.sales, quotes.sales.xrm.create
    head = sales.xrm.as_role("sales_rep", first_name="Head")
    create("discount_limit", role="sales_rep", most_percent=10)
    create("approval_rule", name="Discount", over_limit=True, step=1, approver=head.user_id)
    create("approval_rule", name="Large", condition={"net_total": {"gt": 900}}, step=2, approver_role="admin")
    small = quotes.quote()
    quotes.line(small, quotes.feet, discountPercent="10")
    assert act(sales.rep, "submitQuote", small)["status"] == "approved"
    id_ = quotes.quote(discount_percent=5)
    quotes.line(id_, quotes.press, discountPercent="10")

    assert act(sales.rep, "submitQuote", id_)["status"] == "in_review"
    first, second = quotes.read(id_)["approvals"]["nodes"]
    assert first["reason"] == "Discount of 14.50 % in position 1; the limit is 10.00 %."
    assert refused(sales.rep, "approveQuoteApproval", first["id"]) == "Somebody else is asked."
    assert refused(sales.admin, "approveQuoteApproval", second["id"]) == "An earlier step is still waiting."
    act(head, "approveQuoteApproval", first["id"])
    assert quotes.read(id_)["status"] == "in_review"
    act(sales.admin, "approveQuoteApproval", second["id"])
    assert quotes.read(id_)["status"] == "approved"

    mine = quotes.quote(owner=head.user_id, discount_percent=50)
    quotes.line(mine, quotes.feet)
    act(sales.rep, "submitQuote", mine)
    [asked] = quotes.read(mine)["approvals"]["nodes"]
    assert refused(head, "approveQuoteApproval", asked["id"]) == "Nobody approves their own quote."
    delegate = "mutation ($id: ID!, $to: ID!) { delegateQuoteApproval(id: $id, input: {to: $to}) { id } }"
    head_of_heads = sales.xrm.as_role("sales_rep", first_name="Chief")
    quotes.sales.admin.refused(delegate, "REFUSED_BY_PLUGIN", id=asked["id"], to=head_of_heads.user_id)


def test_an_approval_goes_to_somebody_who_can_give_it(quotes: Quotes):
    chief = quotes.sales.xrm.as_role("sales_manager", first_name="Chief")
    quotes.sales.xrm.create("approval_rule", name="All", approver_role="admin")
    id_ = quotes.quote()
    quotes.line(id_, quotes.press)
    act(quotes.sales.rep, "submitQuote", id_)
    [asked] = quotes.read(id_)["approvals"]["nodes"]
    delegate = "mutation ($id: ID!, $to: ID!) { delegateQuoteApproval(id: $id, input: {to: $to}) { id } }"

    refused = quotes.sales.admin.refused(delegate, "REFUSED_BY_PLUGIN", id=asked["id"], to=quotes.sales.rep.user_id)
    assert refused.details["field"] == "to"
    quotes.sales.admin.query(delegate, id=asked["id"], to=chief.user_id)
    chief.query("mutation ($id: ID!) { approveQuoteApproval(id: $id) { id } }", id=asked["id"])

    assert quotes.read(id_)["status"] == "approved"


def test_a_rejection_makes_it_a_draft_again(quotes: Quotes):
    create = quotes.sales.xrm.create
    create("approval_rule", name="All", approver_role="admin")
    create("approval_rule", name="All again", approver_role="admin", step=2)
    id_ = quotes.quote()
    quotes.line(id_, quotes.press)
    act(quotes.sales.rep, "submitQuote", id_)
    asked = quotes.read(id_)["approvals"]["nodes"][0]["id"]
    given = {"quoteId": id_, "productId": quotes.press, "position": 9}
    quotes.sales.admin.refused(ITEM, "REFUSED_BY_PLUGIN", input=given)

    reject = 'mutation ($id: ID!) { rejectQuoteApproval(id: $id, input: {comment: "Too dear"}) { id } }'
    quotes.sales.admin.query(reject, id=asked)

    found = quotes.read(id_)
    assert found["status"] == "draft"
    assert [(each["status"], each["comment"]) for each in found["approvals"]["nodes"]] == [
        ("rejected", "Too dear"),
        ("cancelled", None),
    ]
    quotes.line(id_, quotes.press, 9)


def test_an_accepted_quote_wins_the_opportunity(quotes: Quotes):
    opportunity = quotes.sales.opportunity(amount="1.00")
    id_ = quotes.quote(opportunity=opportunity)
    quotes.line(id_, quotes.press)
    act(quotes.sales.admin, "submitQuote", id_)
    act(quotes.sales.admin, "sendQuote", id_)
    change = 'mutation ($id: ID!) { updateQuote(id: $id, input: {subject: "Other"}) { id } }'
    quotes.sales.admin.refused(change, "REFUSED_BY_PLUGIN", id=id_)

    act(quotes.sales.admin, "reviseQuote", id_)
    [second] = quotes.sales.admin.query("{ quotes(where: {versionNumber: {eq: 2}}) { nodes { id } } }")["quotes"][
        "nodes"
    ]
    second = second["id"]
    quotes.line(second, quotes.feet, 2, quantity="10")
    act(quotes.sales.admin, "submitQuote", second)
    act(quotes.sales.admin, "sendQuote", second)
    assert quotes.read(second)["replaces"] == {"id": id_, "status": "superseded"}
    assert refused(quotes.sales.admin, "acceptQuote", id_) == "The quote is superseded; this is for one that is sent."
    act(quotes.sales.admin, "acceptQuote", second)

    found = quotes.read(second)
    assert found["status"] == "accepted"
    assert found["opportunity"] == {"status": "won", "amount": "1299.90"}


def test_a_quote_that_is_too_old_expires(quotes: Quotes):
    quotes.sales.xrm.clock.set("2026-06-30T12:00Z")
    id_ = quotes.quote()
    quotes.line(id_, quotes.press)
    act(quotes.sales.admin, "submitQuote", id_)
    act(quotes.sales.admin, "sendQuote", id_)
    assert quotes.read(id_)["validUntil"] == "2026-07-30"
    quotes.sales.xrm.work()

    quotes.sales.xrm.clock.set("2026-07-30T23:59Z")
    quotes.sales.xrm.work()
    assert quotes.read(id_)["status"] == "sent"
    quotes.sales.xrm.clock.set("2026-07-31T00:11Z")
    quotes.sales.xrm.work()

    assert quotes.read(id_)["status"] == "expired"
    assert refused(quotes.sales.admin, "acceptQuote", id_) == "The quote is expired; this is for one that is sent."


def cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


@pytest.mark.parametrize("seed", range(2))
def test_random_changes_leave_totals_that_are_those_of_the_lines(quotes: Quotes, seed: int):
    drawn = random.Random(seed)
    id_, lines = quotes.quote(), {}
    for position in range(1, 16):
        whole = Decimal(drawn.randint(0, 2))
        if lines and drawn.random() < 0.4:
            at = drawn.choice(sorted(lines))
            line, (quantity, price, _, rate) = lines[at], lines[at][1:]
            if drawn.random() < 0.5:
                quotes.sales.admin.query("mutation ($id: ID!) { deleteQuoteItem(id: $id) { id } }", id=line[0])
                del lines[at]
            else:
                off = Decimal(drawn.randint(0, 10_000)) / 100
                quotes.sales.admin.query(CHANGE, id=line[0], input={"discountPercent": str(off)})
                lines[at] = (line[0], quantity, price, off, rate)
        else:
            quantity, price = Decimal(drawn.randint(1, 9999)) / 1000, Decimal(drawn.randint(0, 999_999)) / 100
            product, rate = drawn.choice([(quotes.press, 19), (quotes.feet, 7)])
            given = {"quantity": str(quantity), "unitPrice": str(price)}
            lines[position] = (quotes.line(id_, product, position, **given)["id"], quantity, price, Decimal(0), rate)
        change = "mutation ($id: ID!, $off: Decimal) { updateQuote(id: $id, input: {discountPercent: $off}) { id } }"
        quotes.sales.admin.query(change, id=id_, off=str(whole))
    net: dict[int, Decimal] = {}
    for _, quantity, price, off, rate in lines.values():
        net[rate] = net.get(rate, Decimal(0)) + cents(quantity * price * (100 - off) / 100)
    bearing = {rate: amount - cents(amount * whole / 100) for rate, amount in net.items()}
    gross = sum(bearing.values()) + sum(cents(amount * rate / 100) for rate, amount in bearing.items())

    found = quotes.read(id_)

    assert Decimal(found["linesTotal"] or 0) == sum(net.values())
    assert Decimal(found["netTotal"] or 0) == sum(bearing.values())
    assert Decimal(found["grossTotal"] or 0) == gross
