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
