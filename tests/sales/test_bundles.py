"""A product comes into a quote with all that belongs to it."""

from tests.sales.test_quotes import Quotes, quotes  # noqa: F401 - a fixture

CONFIGURE = """
mutation ($id: ID!, $input: ConfigureQuoteInput!) {
  configureQuote(id: $id, input: $input) {
    recommendations { name reason }
    record { netTotal items(orderBy: [{position: ASC}]) { nodes { text quantity net partOf { text } } } }
  }
}"""


def test_bundles_options_and_what_comes_along(quotes: Quotes):  # noqa: F811
    create = quotes.sales.xrm.create
    made = {
        name: create("product", sku=name, name=name, price=100) for name in ("Line", "Panel", "Camera", "Lamp", "Care")
    }
    part = {"bundle": made["Line"]}
    create("bundle_component", {**part, "component": quotes.press, "position": 1, "quantity": 2})
    create(
        "bundle_component",
        {**part, "component": made["Panel"], "position": 2, "pricing": "added", "discount_percent": 50},
    )
    create(
        "bundle_component", {**part, "component": made["Camera"], "position": 3, "pricing": "added", "optional": True}
    )
    create("product_rule", product=made["Panel"], kind="default", other=made["Lamp"], reason="A panel needs light.")
    create("product_rule", product=made["Lamp"], kind="recommends", other=made["Care"], reason="Lamps age.")
    create("product_rule", product=made["Camera"], kind="excludes", other=made["Lamp"], reason="It would be blinded.")
    id_ = quotes.quote()

    given = {"product": made["Line"], "quantity": "3"}
    found = quotes.sales.admin.query(CONFIGURE, id=id_, input=given)["configureQuote"]

    lines = found["record"]["items"]["nodes"]
    assert [(each["text"], each["quantity"], each["net"]) for each in lines] == [
        ("Line", "3.000", "300.00"),
        ("Press", "6.000", "0.00"),
        ("Panel", "3.000", "150.00"),
        ("Lamp", "3.000", "300.00"),
    ]
    assert [each["partOf"] for each in lines] == [None, {"text": "Line"}, {"text": "Line"}, None]
    assert found["recommendations"] == [{"name": "Care", "reason": "Lamps age."}]
    assert found["record"]["netTotal"] == "750.00"
    assert quotes.read(id_)["effectiveDiscount"] == "16.67"  # of 900: what is in the price of the bundle is no discount

    refused = quotes.sales.admin.refused(
        CONFIGURE, "REFUSED_BY_PLUGIN", id=id_, input={**given, "options": [made["Camera"]]}
    )
    assert refused.message == "It would be blinded."
    assert len(quotes.read(id_)["items"]["nodes"]) == 4
    refused = quotes.sales.admin.refused(
        CONFIGURE, "REFUSED_BY_PLUGIN", id=id_, input={**given, "options": [made["Panel"]]}
    )
    assert refused.details["field"] == "options"
