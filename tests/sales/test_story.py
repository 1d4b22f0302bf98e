"""From a form on the web to a report, over GraphQL and HTTP alone; and lost to a competitor."""

from decimal import Decimal

from tests.sales.conftest import Sales
from xrm_core.testing import Client


def one(client: Client, document: str, **variables: object) -> dict:
    """The only root field of the answer."""
    [answer] = client.query(document, **variables).values()
    return answer


def made(client: Client, entity: str, **values: object) -> str:
    document = f"mutation ($input: Create{entity}Input!) {{ create{entity}(input: $input) {{ id }} }}"
    return str(one(client, document, input=values)["id"])


def prepared(sales: Sales) -> tuple[str, str]:
    """What operations set up: prices, taxes, rules; ids of a press and of its feet."""
    admin = sales.admin
    made(admin, "TaxRate", country="DE", category="standard", percent="19", validFrom="2007-01-01")
    press = made(admin, "Product", sku="P-1", name="Press", costPrice="6000")
    feet = made(admin, "Product", sku="F-1", name="Foot", price="100", costPrice="40")
    book = made(admin, "PriceBook", name="List", currency="EUR", isDefault=True)
    made(admin, "Price", priceBookId=book, productId=press, unitPrice="10000")
    made(admin, "ProductRule", productId=press, kind="requires", otherId=feet, quantity="4", reason="It has four feet.")
    made(admin, "DiscountLimit", role="sales_rep", mostPercent="10")
    made(admin, "ApprovalRule", name="Discount", overLimit=True, approverRole="admin")
    made(admin, "ScoringRule", name="Asked", about="behaviour", points=30, condition={"kind": {"eq": "form"}})
    made(admin, "ScoringRule", name="Has a firm", points=25, condition={"company": {"isNull": False}})
    rule = made(admin, "RoutingRule", name="All", method="round_robin")
    made(admin, "RoutingRuleMember", routingRuleId=rule, userId=sales.rep.user_id)
    made(admin, "LeadForm", slug="contact", name="Contact", productId=press)
    return press, feet


def test_from_a_form_on_the_web_to_a_report(sales: Sales):
    # given prices, rules and a form
    press, feet = prepared(sales)
    http, rep, admin = sales.xrm.http, sales.rep, sales.admin

    # when somebody fills in the form
    sent = {"last_name": "Kern", "email": "eva@kern.example", "company": "Kern KG", "message": "We need a press."}
    assert http.post("/plugins/sales/forms/contact", data=sent).status_code == 201
    sales.xrm.work()

    # then the lead is worth enough, and the seller's
    [lead] = one(rep, "{ leads { nodes { id score status owner { id } } } }")["nodes"]
    assert (lead["score"], lead["status"], lead["owner"]) == (55, "qualified", {"id": rep.user_id})

    # when it is converted, and moved on
    convert = """
mutation ($id: ID!) { convertLead(id: $id) { customer { id name } opportunity { id name source owner { id } } } }"""
    became = one(admin, convert, id=lead["id"])
    assert became["customer"]["name"] == "Kern KG"
    assert became["opportunity"]["name"] == "Press – Kern KG"
    assert became["opportunity"]["owner"] == {"id": rep.user_id}
    opportunity = became["opportunity"]["id"]
    sales.move(opportunity, "Proposal")

    # and a quote is made for it, with a discount that is too large and without feet
    quote = made(rep, "Quote", subject="Press", customerId=became["customer"]["id"], opportunityId=opportunity)
    made(rep, "QuoteItem", quoteId=quote, position=1, productId=press, discountPercent="15")
    submit = "mutation ($id: ID!) { submitQuote(id: $id) { status } }"
    assert rep.refused(submit, "REFUSED_BY_PLUGIN", id=quote).message == "It has four feet."
    made(rep, "QuoteItem", quoteId=quote, position=2, productId=feet, quantity="4")
    assert one(rep, submit, id=quote) == {"status": "in_review"}

    # then it needs somebody's approval
    send = "mutation ($id: ID!) { sendQuote(id: $id) { link record { status netTotal grossTotal } } }"
    admin.refused(send, "REFUSED_BY_PLUGIN", id=quote)
    [asked] = one(admin, "{ quoteApprovals { nodes { id reason } } }")["nodes"]
    assert asked["reason"] == "Discount of 15.00 % in position 1; the limit is 10.00 %."
    one(admin, "mutation ($id: ID!) { approveQuoteApproval(id: $id) { id } }", id=asked["id"])
    out = one(admin, send, id=quote)
    assert out["record"] == {"status": "sent", "netTotal": "8900.00", "grossTotal": "10591.00"}

    # when the customer reads the letter and accepts
    letter = http.get(f"{out['link']}/letter.pdf")
    assert letter.headers["content-type"] == "application/pdf"
    assert http.post(out["link"], data={"decision": "accept"}).status_code == 200

    # then there is an order, and a contract is made
    orders = one(admin, "{ salesOrders { nodes { netTotal status quote { id } items { nodes { net } } } } }")["nodes"]
    assert orders == [
        {
            "netTotal": "8900.00",
            "status": "new",
            "quote": {"id": quote},
            "items": {"nodes": [{"net": "8500.00"}, {"net": "400.00"}]},
        }
    ]
    contract = """
mutation ($id: ID!) {
  contractQuote(id: $id, input: {startsOn: "2027-01-01", termMonths: 12}) { contracts { nodes { endsOn } } }
}"""
    assert one(admin, contract, id=quote)["contracts"]["nodes"] == [{"endsOn": "2027-12-31"}]

    # and the report has what was won, by whom
    report = """
{
  opportunitiesAggregate(where: {status: {eq: won}}, groupBy: [{owner: {id: VALUE}}]) {
    key { owner { id } } count sum { amount }
  }
}"""
    [won] = one(admin, report)
    assert (won["key"]["owner"]["id"], won["count"], Decimal(won["sum"]["amount"])) == (rep.user_id, 1, Decimal(8900))


def test_lost_to_a_competitor_and_seen_in_the_analysis(sales: Sales):
    rivals = {name: made(sales.admin, "Competitor", name=name) for name in ("Rival AG", "Other Ltd")}
    lose = """
mutation ($id: ID!, $reason: ID!, $to: ID) {
  loseOpportunity(id: $id, input: {reason: $reason, competitor: $to}) { status }
}"""
    for amount, to in ((100, "Rival AG"), (200, "Rival AG"), (50, "Other Ltd"), (1000, None)):
        reason = sales.reasons["Competitor chosen" if to else "No budget"]
        sales.rep.query(lose, id=sales.opportunity(amount=str(amount)), reason=reason, to=rivals.get(str(to)))

    analysis = """
{
  opportunitiesAggregate(
    where: {status: {eq: lost}, lostTo: {isNull: false}}
    groupBy: [{lostTo: {name: VALUE}}]
    orderBy: [{sum: {amount: DESC}}]
  ) { key { lostTo { name } } count sum { amount } }
}"""
    found = [
        (each["key"]["lostTo"]["name"], each["count"], each["sum"]["amount"]) for each in one(sales.admin, analysis)
    ]

    assert found == [("Rival AG", 2, "300.00"), ("Other Ltd", 1, "50.00")]
