"""Bundles in opportunities, and the quotes that are made of them."""

from typing import Any

from tests.sales.test_quotes import Quotes, act, quotes  # noqa: F401 - a fixture

EQUIP = """
mutation ($id: ID!, $input: EquipOpportunityInput!) {
  equipOpportunity(id: $id, input: $input) {
    recommendations { name reason }
    record { amount items(orderBy: [{position: ASC}]) { nodes { text quantity unitPrice partOf { text } } } }
  }
}"""
QUOTE = "mutation ($id: ID!, $input: QuoteOpportunityInput!) { quoteOpportunity(id: $id, input: $input) { quote } }"
READ = """query ($id: ID!) { quote(id: $id) {
  subject status netTotal opportunity { id } owner { id } customer { id }
  items(orderBy: [{position: ASC}]) { nodes { text quantity unitPrice priceByHand optional net partOf { text } } }
} }"""


def bundle(quotes_: Quotes) -> tuple[str, str]:
    """A line of two presses with feet in its price, and a training that may be chosen."""
    create = quotes_.sales.xrm.create
    line = create("product", sku="L-1", name="Press line", price=5000)
    training = create("product", sku="T-1", name="Training", price=400)
    create("bundle_component", bundle=line, component=quotes_.press, quantity=2, position=1)
    create("bundle_component", bundle=line, component=quotes_.feet, quantity=8, position=2, pricing="added")
    create("bundle_component", bundle=line, component=training, optional=True, position=3, pricing="added")
    return line, training


def equipped(quotes_: Quotes, **given: Any) -> tuple[str, dict[str, Any]]:
    line, _ = bundle(quotes_)
    id_ = quotes_.sales.opportunity()
    answer = quotes_.sales.admin.query(EQUIP, id=id_, input={"product": line, "quantity": "1", **given})
    return id_, answer["equipOpportunity"]


def test_a_bundle_comes_into_an_opportunity_with_its_parts(quotes: Quotes):  # noqa: F811
    _, found = equipped(quotes)

    whole, press, feet = found["record"]["items"]["nodes"]
    assert (whole["text"], whole["unitPrice"], whole["partOf"]) == ("Press line", "5000.00", None)
    assert (press["quantity"], press["unitPrice"], press["partOf"]) == ("2.000", "0.00", {"text": "Press line"})
    assert (feet["text"], feet["quantity"], feet["unitPrice"]) == ("Foot", "8.000", "9.99")
    assert found["record"]["amount"] == "5079.92"


def test_it_becomes_a_quote_with_its_bundle(quotes: Quotes):  # noqa: F811
    id_, _ = equipped(quotes)
    sales = quotes.sales
    create = sales.xrm.create
    create("opportunity_item", opportunity=id_, position=9, text="Freight", unit_price=120)
    create("opportunity_item", opportunity=id_, position=10, product=quotes.press, unit_price=900, optional=True)

    made = sales.admin.query(QUOTE, id=id_, input={})["quoteOpportunity"]["quote"]

    found = sales.admin.query(READ, id=made)["quote"]
    assert (found["subject"], found["status"], found["opportunity"]) == ("Press line", "draft", {"id": id_})
    assert (found["owner"], found["customer"]) == ({"id": sales.rep.user_id}, {"id": sales.customer})
    lines = [(each["text"], each["net"], each["priceByHand"]) for each in found["items"]["nodes"]]
    assert lines == [
        ("Press line", "5000.00", False),
        ("Press", "0.00", True),
        ("Foot", "79.92", False),
        ("Freight", "120.00", True),
        ("Press", "900.00", True),
    ]
    assert [each["partOf"] and each["partOf"]["text"] for each in found["items"]["nodes"]][:3] == [
        None,
        "Press line",
        "Press line",
    ]
    assert found["netTotal"] == "5199.92"


def test_an_option_is_chosen_and_what_is_closed_stays(quotes: Quotes):  # noqa: F811
    sales = quotes.sales
    line, training = bundle(quotes)
    id_ = sales.opportunity()
    given = {"product": line, "options": [training]}
    texts = [
        each["text"]
        for each in sales.admin.query(EQUIP, id=id_, input=given)["equipOpportunity"]["record"]["items"]["nodes"]
    ]
    assert texts == ["Press line", "Press", "Foot", "Training"]
    unknown = {"product": line, "options": [quotes.feet]}
    assert sales.admin.refused(EQUIP, "REFUSED_BY_PLUGIN", id=id_, input=unknown).details["field"] == "options"
    sales.rep.query("mutation ($id: ID!) { winOpportunity(id: $id, input: {}) { id } }", id=id_)

    for document, closed in ((EQUIP, {"product": line}), (QUOTE, {})):
        assert sales.admin.refused(document, "REFUSED_BY_PLUGIN", id=id_, input=closed).details["field"] == "status"


def test_a_new_version_keeps_the_taxes_that_were_chosen(quotes: Quotes):  # noqa: F811
    id_ = quotes.quote()
    quotes.line(id_, quotes.press, taxCategory="reduced")
    act(quotes.sales.admin, "submitQuote", id_)

    act(quotes.sales.admin, "reviseQuote", id_)

    document = "query ($id: ID!) { quote(id: $id) { replacedBy { nodes { items { nodes { taxPercent } } } } } }"
    [version] = quotes.sales.admin.query(document, id=id_)["quote"]["replacedBy"]["nodes"]
    assert version["items"]["nodes"] == [{"taxPercent": "7.00"}]
