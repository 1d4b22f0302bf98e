"""Ways round the guards of sales: merges, rehearsals, forged addresses, discounts that look like none."""

import pytest

from tests.sales.conftest import Sales
from tests.sales.test_quotes import Quotes, act, quotes  # noqa: F401 - a fixture


def test_a_merge_does_not_change_what_a_quote_says_that_is_out(quotes: Quotes):  # noqa: F811
    out, draft = quotes.quote(), quotes.quote(subject="Cheap", discount_percent=90)
    quotes.line(out, quotes.press)
    quotes.line(draft, quotes.feet)
    act(quotes.sales.admin, "submitQuote", out)
    act(quotes.sales.admin, "sendQuote", out)
    before = quotes.read(out)
    merge = """mutation ($into: ID!, $from: [ID!]!, $take: [MergeQuoteTake!]) {
      mergeQuotes(into: $into, from: $from, take: $take) { record { id } }
    }"""

    with_lines = quotes.sales.admin.refused(merge, "MERGE_CONFLICT", into=out, **{"from": [draft]})
    words = [{"from": quotes.quote(subject="Empty"), "fields": ["subject"]}]
    other_words = quotes.sales.admin.refused(merge, into=out, **{"from": [words[0]["from"]], "take": words})

    assert "Only a draft changes" in with_lines.message
    assert "Only a draft changes" in str((other_words.message, other_words.details))
    assert quotes.read(out) == before


def test_a_rehearsal_sends_nothing_and_makes_no_link(quotes: Quotes):  # noqa: F811
    id_ = quotes.quote()
    quotes.line(id_, quotes.press)
    act(quotes.sales.admin, "submitQuote", id_)

    link = quotes.sales.admin.query("mutation ($id: ID!) { sendQuote(id: $id, dryRun: true) { link } }", id=id_)

    assert quotes.read(id_)["status"] == "approved"
    assert quotes.sales.xrm.http.get(link["sendQuote"]["link"]).status_code == 404


def test_forged_addresses_do_not_lift_the_limit_of_a_form(sales: Sales):
    sales.xrm.create("lead_form", name="Contact", slug="contact")
    sent = {"last_name": "Doe", "email": "doe@example.com"}

    answers = [
        sales.xrm.http.post(
            "/plugins/sales/forms/contact", data=sent, headers={"X-Forwarded-For": f"192.0.2.{place}"}
        ).status_code
        for place in range(8)
    ]

    assert answers[:6] == [201] * 6
    assert set(answers[6:]) == {429}


@pytest.mark.parametrize("pressed", [{"quantity": "1"}, {"quantity": "3"}])
def test_what_is_given_for_nothing_is_a_discount_unless_the_bundle_has_it(quotes: Quotes, pressed: dict):  # noqa: F811
    sales, create = quotes.sales, quotes.sales.xrm.create
    create("discount_limit", role="sales_rep", most_percent=10)
    create("approval_rule", name="Discount", over_limit=True, step=1, approver_role="admin")
    line = create("product", sku="L", name="Line", price=100)
    component = quotes.feet if pressed["quantity"] == "1" else quotes.press  # another one, or more than belong to it
    create("bundle_component", bundle=line, component=component, position=1, quantity=2)
    id_ = quotes.quote()
    bundle = quotes.line(id_, line)["id"]

    quotes.line(id_, quotes.press, 2, partOfId=bundle, unitPrice="0", **pressed)

    assert act(sales.rep, "submitQuote", id_)["status"] == "in_review"
    found = quotes.read(id_)
    assert found["approvals"]["nodes"][0]["reason"] == "Discount of 100.00 % in position 2; the limit is 10.00 %."
    assert float(found["effectiveDiscount"]) > 90


def test_what_a_bundle_has_in_its_price_needs_no_approval(quotes: Quotes):  # noqa: F811
    create = quotes.sales.xrm.create
    create("discount_limit", role="sales_rep", most_percent=10)
    create("approval_rule", name="Discount", over_limit=True, step=1, approver_role="admin")
    line = create("product", sku="L", name="Line", price=100)
    create("bundle_component", bundle=line, component=quotes.press, position=1, quantity=2)
    id_ = quotes.quote()
    bundle = quotes.line(id_, line)["id"]

    quotes.line(id_, quotes.press, 2, partOfId=bundle, unitPrice="0", quantity="2")

    assert act(quotes.sales.rep, "submitQuote", id_)["status"] == "approved"


def test_another_currency_does_not_hide_a_discount(quotes: Quotes):  # noqa: F811
    create = quotes.sales.xrm.create
    create("discount_limit", role="sales_rep", most_percent=10)
    create("approval_rule", name="Discount", over_limit=True, step=1, approver_role="admin")
    id_ = quotes.quote(currency="USD")

    quotes.line(id_, quotes.press, unitPrice="1")

    assert act(quotes.sales.rep, "submitQuote", id_)["status"] == "in_review"
    [asked] = quotes.read(id_)["approvals"]["nodes"]
    assert asked["reason"] == "Position 1 has no list price with which its own could be compared."


def limited(quotes_: Quotes, **values: object) -> None:
    create = quotes_.sales.xrm.create
    create("discount_limit", {"role": "sales_rep", "most_percent": 10, **values})
    create("approval_rule", name="Discount", over_limit=True, step=1, approver_role="admin")


def reasons(quotes_: Quotes, id_: str) -> list[str]:
    act(quotes_.sales.rep, "submitQuote", id_)
    return [each["reason"] for each in quotes_.read(id_)["approvals"]["nodes"]]


@pytest.mark.parametrize("free_lines", [False, True])
def test_what_is_no_product_hides_no_discount(quotes: Quotes, free_lines: bool):  # noqa: F811
    limited(quotes, free_lines=free_lines)
    make = "mutation ($i: CreateQuoteItemInput!) { createQuoteItem(input: $i) { id } }"
    plain, cheap = quotes.quote(), quotes.quote()
    for id_, off in ((plain, "10"), (cheap, "40")):
        given = {"quoteId": id_, "position": 1, "quantity": "1", "text": "A press", "unitPrice": "50"}
        quotes.sales.rep.query(make, i={**given, "discountPercent": off})

    found = [reasons(quotes, id_) for id_ in (plain, cheap)]

    unknown = "Position 1 has no product with whose price its own could be compared."
    over = "Discount of 40.00 % in position 1; the limit is 10.00 %."
    assert found == ([[], [over]] if free_lines else [[unknown], [unknown]])
    assert quotes.read(cheap)["effectiveDiscount"] == "40.00"


def test_a_line_without_a_list_price_does_not_hide_how_far_others_are_below_theirs(quotes: Quotes):  # noqa: F811
    id_ = quotes.quote()
    quotes.line(id_, quotes.press, unitPrice="600")
    make = "mutation ($i: CreateQuoteItemInput!) { createQuoteItem(input: $i) { id } }"
    given = {"quoteId": id_, "position": 2, "quantity": "1", "text": "Freight", "unitPrice": "1200"}

    quotes.sales.rep.query(make, i=given)

    assert quotes.read(id_)["effectiveDiscount"] == "25.00"  # 1 800 of 2 400


@pytest.mark.parametrize("free_choice", [False, True])
def test_a_cheaper_price_book_is_a_discount_unless_it_is_there_to_be_chosen(
    quotes: Quotes,  # noqa: F811
    free_choice: bool,
):
    limited(quotes)
    book = quotes.sales.xrm.create("price_book", name="Partners", currency="EUR", free_choice=free_choice)
    quotes.sales.xrm.create("price", price_book=book, product=quotes.press, unit_price=600)
    id_ = quotes.quote(price_book=book)
    assert quotes.line(id_, quotes.press)["unitPrice"] == "600.0000"

    assert reasons(quotes, id_) == ([] if free_choice else ["Discount of 50.00 % in position 1; the limit is 10.00 %."])


def test_prices_of_long_ago_are_a_discount(quotes: Quotes):  # noqa: F811
    limited(quotes)
    old = quotes.sales.xrm.create("price_book", name="2020", currency="EUR", priority=9, is_default=True)
    quotes.sales.xrm.create("price", price_book=old, product=quotes.press, unit_price=900, valid_until="2020-12-31")
    id_ = quotes.quote(priced_on="2020-06-01")
    assert quotes.line(id_, quotes.press)["unitPrice"] == "900.0000"

    assert reasons(quotes, id_) == ["Discount of 25.00 % in position 1; the limit is 10.00 %."]


@pytest.mark.parametrize("wrote", ["line", "changed line", "quote"])
def test_who_has_written_a_part_of_a_quote_does_not_approve_it(quotes: Quotes, wrote: str):  # noqa: F811
    sales = quotes.sales
    sales.xrm.create("approval_rule", name="All", approver_role="admin")
    id_ = quotes.quote()
    line = quotes.line(id_, quotes.press)["id"]
    change_line = "mutation ($id: ID!, $q: Decimal) { updateQuoteItem(id: $id, input: {quantity: $q}) { id } }"
    if wrote == "line":
        sales.admin.query(
            "mutation ($q: ID!, $p: ID!) { createQuoteItem(input: {quoteId: $q, productId: $p, position: 2}) { id } }",
            q=id_,
            p=quotes.feet,
        )
    elif wrote == "changed line":
        sales.admin.query(change_line, id=line, q="2")
        sales.xrm.as_role("admin", first_name="Third").query(change_line, id=line, q="3")
    else:
        sales.admin.query('mutation ($id: ID!) { updateQuote(id: $id, input: {discountPercent: "5"}) { id } }', id=id_)
    act(sales.rep, "submitQuote", id_)
    [asked] = quotes.read(id_)["approvals"]["nodes"]
    approve = "mutation ($id: ID!) { approveQuoteApproval(id: $id) { id } }"

    told = sales.admin.refused(approve, "REFUSED_BY_PLUGIN", id=asked["id"])

    assert told.message == "Nobody approves their own quote."
    second = sales.xrm.as_role("admin", first_name="Second")
    second.query(approve, id=asked["id"])
    assert quotes.read(id_)["status"] == "approved"
