"""Many lines and opportunities at once: what is reckoned of them is reckoned once, and every guard holds."""

from tests.sales.conftest import Sales
from tests.sales.test_quotes import Quotes, act, quotes  # noqa: F401 - a fixture

ITEMS = "mutation ($input: [CreateQuoteItemInput!]!) { createQuoteItems(input: $input) { ids } }"
OPPORTUNITIES = "mutation ($input: [CreateOpportunityInput!]!) { createOpportunities(input: $input) { ids } }"


def lines(quotes_: Quotes, quote: str, count: int) -> list[dict[str, object]]:
    return [{"quoteId": quote, "productId": quotes_.feet, "position": place} for place in range(1, count + 1)]


def reads(statements: list[str]) -> int:
    """Those that look at something; what is written is counted by records."""
    return sum(each.lstrip().startswith("SELECT") for each in statements)


def test_many_lines_are_summed_up_once(quotes: Quotes):  # noqa: F811
    few, many = quotes.quote(), quotes.quote()
    admin = quotes.sales.admin
    with quotes.sales.xrm.statements() as of_few:
        admin.query(ITEMS, input=lines(quotes, few, 2))
    with quotes.sales.xrm.statements() as of_many:
        admin.query(ITEMS, input=lines(quotes, many, 42))

    assert quotes.read(many)["linesTotal"] == "419.58"
    assert reads(of_many) - reads(of_few) <= 2


def test_opportunities_at_once_read_their_pipeline_once(sales: Sales):
    def make(count: int) -> int:
        given = [{"name": f"No {place}", "customerId": sales.customer, "amount": "5"} for place in range(count)]
        with sales.xrm.statements() as asked:
            sales.rep.query(OPPORTUNITIES, input=given)
        return reads(asked)

    few = make(2)

    assert make(42) - few <= 2


def test_lines_of_a_quote_that_is_out_are_refused_in_bulk_too(quotes: Quotes):  # noqa: F811
    id_ = quotes.quote()
    quotes.line(id_, quotes.press)
    act(quotes.sales.admin, "submitQuote", id_)

    for document, given in (
        (ITEMS, {"input": lines(quotes, id_, 2)}),
        ("mutation ($where: QuoteItemFilter!) { deleteQuoteItems(where: $where) { count } }", {"where": {}}),
        (
            "mutation ($where: QuoteItemFilter!) { updateQuoteItems(where: $where, set: {quantity: 5}) { count } }",
            {"where": {}},
        ),
    ):
        refused = quotes.sales.admin.refused(document, **given)
        assert "Only a draft changes" in str((refused.message, refused.details)), document
    assert quotes.read(id_)["netTotal"] == "1200.00"
