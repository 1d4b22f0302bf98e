"""Ways round the guards of sales: merges, rehearsals, forged addresses."""

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
