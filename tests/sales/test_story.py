"""From a form on the web to a report, over GraphQL and HTTP alone, by people with the roles that are shipped; and lost
to a competitor.
"""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.sales.conftest import Sales, begin
from xrm_core.testing import Client, Setup


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    """The roles of the plugin, and those of the core pack as they are."""
    return Setup(plugins=["sales"], begin=begin)


def one(client: Client, document: str, **variables: object) -> Any:
    """The only root field of the answer."""
    [answer] = client.query(document, **variables).values()
    return answer


def made(client: Client, entity: str, **values: object) -> str:
    document = f"mutation ($input: Create{entity}Input!) {{ create{entity}(input: $input) {{ id }} }}"
    return str(one(client, document, input=values)["id"])


def done(client: Client, action: str, id_: str, selection: str = "id", **given: object) -> dict[str, Any]:
    """What an action answers."""
    name, kind = action, f"{action[0].upper()}{action[1:]}Input"
    head, tail = (f", $input: {kind}!", ", input: $input") if given else ("", "")
    document = f"mutation ($id: ID!{head}) {{ {name}(id: $id{tail}) {{ {selection} }} }}"
    return dict(one(client, document, id=id_, **({"input": given} if given else {})))


@dataclass
class Firm:
    """Those who sell: somebody who does, their manager, and who sets the rules."""

    sales: Sales
    team: str
    seller: Client
    manager: Client
    operations: Client


@pytest.fixture
def firm(sales: Sales) -> Firm:
    north = sales.xrm.create("team", name="North", region="North")
    people = (
        sales.xrm.as_role(f"sales_{role}", "sales_rep", first_name=role.title(), last_name="Nor", team=north)
        for role in ("seller", "manager", "operations")
    )
    return Firm(sales, north, *people)


@dataclass
class Catalogue:
    press: str
    feet: str
    camera: str
    care: str


def prepared(firm: Firm) -> Catalogue:
    """What operations set up: prices, taxes, rules, who gets leads."""
    does = firm.operations
    made(does, "TaxRate", country="DE", category="standard", percent="19", validFrom="2007-01-01")
    press = made(does, "Product", sku="P-1", name="Press", costPrice="6000")
    feet = made(does, "Product", sku="F-1", name="Foot", price="100", costPrice="40")
    camera = made(does, "Product", sku="C-1", name="Camera", price="900", costPrice="500")
    care = made(does, "Product", sku="S-1", name="Care", price="80", costPrice="20", recurs="month")
    book = made(does, "PriceBook", name="List", currency="EUR", isDefault=True)
    made(does, "Price", priceBookId=book, productId=press, unitPrice="10000")
    feet_rule = {"productId": press, "otherId": feet, "quantity": "4", "reason": "It has four feet."}
    made(does, "ProductRule", kind="requires", **feet_rule)
    made(does, "ProductRule", kind="default", **feet_rule)
    made(does, "ProductRule", productId=press, kind="recommends", otherId=care, reason="It lives longer.")
    made(does, "BundleComponent", bundleId=press, componentId=camera, position=1, pricing="added", optional=True)
    made(does, "DiscountLimit", role="sales_seller", mostPercent="10")
    made(does, "ApprovalRule", name="Discount", overLimit=True, approverRole="sales_manager")
    made(does, "ScoringRule", name="Asked", about="behaviour", points=30, condition={"kind": {"eq": "form"}})
    made(does, "ScoringRule", name="Has a firm", points=25, condition={"company": {"isNull": False}})
    rule = made(does, "RoutingRule", name="All", method="round_robin", teamId=firm.team)
    made(does, "RoutingRuleMember", routingRuleId=rule, userId=firm.seller.user_id)
    made(does, "LeadForm", slug="contact", name="Contact", productId=press)
    made(firm.manager, "Quota", userId=firm.seller.user_id, month="2026-11-01", amount="20000")
    return Catalogue(press, feet, camera, care)


def test_from_a_form_on_the_web_to_a_report(firm: Firm):
    # given prices, rules and a form
    firm.sales.xrm.clock.set("2026-11-10T09:00Z")
    catalogue = prepared(firm)
    http, seller, manager = firm.sales.xrm.http, firm.seller, firm.manager

    # when somebody fills in the form
    sent = {"last_name": "Kern", "email": "eva@kern.example", "company": "Kern KG", "message": "We need a press."}
    assert http.post("/plugins/sales/forms/contact", data=sent).status_code == 201
    firm.sales.xrm.work()

    # then the lead is worth enough, and the seller's, who sees why
    why = "team { name } routedBy { name } scores { nodes { points rule { name } } }"
    found = one(seller, f"{{ leads {{ nodes {{ id score status owner {{ id }} {why} }} }} }}")
    [lead] = found["nodes"]
    assert (lead["score"], lead["status"], lead["owner"]) == (55, "qualified", {"id": seller.user_id})
    assert (lead["team"], lead["routedBy"]) == ({"name": "North"}, {"name": "All"})
    assert {each["rule"]["name"]: each["points"] for each in lead["scores"]["nodes"]} == {"Asked": 30, "Has a firm": 25}

    # when it is converted, configured and moved on
    became = done(
        seller,
        "convertLead",
        lead["id"],
        "customer { id name } contact { id } opportunity { id name source owner { id } }",
    )
    assert became["customer"]["name"] == "Kern KG"
    assert became["opportunity"]["name"] == "Press – Kern KG"
    assert became["opportunity"]["owner"] == {"id": seller.user_id}
    opportunity = became["opportunity"]["id"]
    made(seller, "DecidesFor", source={"contactId": became["contact"]["id"]}, target={"opportunityId": opportunity})
    equipped = done(
        seller,
        "equipOpportunity",
        opportunity,
        "recommendations { name reason } record { amount }",
        product=catalogue.press,
        options=[catalogue.camera],
    )
    assert equipped == {
        "recommendations": [{"name": "Care", "reason": "It lives longer."}],
        "record": {"amount": "11300.00"},
    }
    move = "mutation ($id: ID!, $stage: ID!) { updateOpportunity(id: $id, input: {stageId: $stage}) { probability } }"
    assert one(seller, move, id=opportunity, stage=firm.sales.stages["Proposal"]) == {"probability": 50}

    # and a quote is made of it, with what was recommended, and with a discount that is too large
    quote = done(seller, "quoteOpportunity", opportunity, "quote")["quote"]
    done(seller, "configureQuote", quote, "recommendations { name }", product=catalogue.care)
    discount = 'mutation ($id: ID!) { updateQuote(id: $id, input: {discountPercent: "15"}) { netTotal grossTotal } }'
    assert one(seller, discount, id=quote) == {"netTotal": "9673.00", "grossTotal": "11510.87"}
    assert done(seller, "submitQuote", quote, "status") == {"status": "in_review"}

    # then it needs the manager's approval, who sees the margin and the letter
    sending = "mutation ($id: ID!) { sendQuote(id: $id) { link record { status } } }"
    seller.refused(sending, "REFUSED_BY_PLUGIN", id=quote)
    [asked] = one(manager, "{ quoteApprovals { nodes { id reason quote { id marginPercent customer { name } } } } }")[
        "nodes"
    ]
    assert asked["reason"] == "Discount of 15.00 % in position 1; the limit is 10.00 %."
    assert asked["quote"] == {"id": quote, "marginPercent": "30.94", "customer": {"name": "Kern KG"}}
    assert manager.request("GET", f"/plugins/sales/quotes/{quote}/letter.pdf").status_code == 200
    assert seller.refused(APPROVE, "REFUSED_BY_PLUGIN", id=asked["id"])
    one(manager, APPROVE, id=asked["id"])
    out = one(seller, sending, id=quote)
    assert out["record"] == {"status": "sent"}

    # when the customer reads the letter and accepts
    letter = http.get(f"{out['link']}/letter.pdf")
    assert letter.headers["content-type"] == "application/pdf"
    assert http.post(out["link"], data={"decision": "accept"}).status_code == 200

    # then there are an order and a contract, and the order goes to the ERP
    after = """query ($id: ID!) { quote(id: $id) {
      status opportunity { status } orders { nodes { id netTotal status items { totalCount } } }
      contracts { nodes { period valuePerPeriod } } } }"""
    found = one(seller, after, id=quote)
    [order] = found["orders"]["nodes"]
    assert (found["status"], found["opportunity"]["status"], order["netTotal"]) == ("accepted", "won", "9673.00")
    assert order["items"] == {"totalCount": 4}
    assert found["contracts"]["nodes"] == [{"period": "month", "valuePerPeriod": "68.00"}]
    assert done(seller, "handOverSalesOrder", order["id"], "status") == {"status": "handed_over"}

    # and reports and forecast have what was won, by whom
    report = "query ($name: String!) { salesReport(name: $name) { columns rows { values } } }"
    [row] = one(manager, report, name="revenue_by_employee")["rows"]
    assert row["values"] == ["Nor", "Seller", seller.user_id, "EUR", "1", "9673.00"]
    forecast = """{ salesForecast(fromMonth: "2026-11-01", months: 1, by: OWNER) {
      lines { label closed quota attainment } } }"""
    for client in (seller, manager):
        assert one(client, forecast)["lines"] == [
            {"label": "Seller Nor", "closed": "9673.00", "quota": "20000.00", "attainment": "48.37"}
        ]


APPROVE = "mutation ($id: ID!) { approveQuoteApproval(id: $id) { id } }"


def test_lost_to_a_competitor_and_seen_in_the_analysis(firm: Firm):
    seller, manager = firm.seller, firm.manager
    rivals = {name: made(firm.operations, "Competitor", name=name) for name in ("Rival AG", "Other Ltd")}
    customer = made(seller, "Customer", name="Kern KG", ownerId=seller.user_id)
    for amount, to in ((100, "Rival AG"), (200, "Rival AG"), (50, "Other Ltd"), (1000, None)):
        reason = firm.sales.reasons["Competitor chosen" if to else "No budget"]
        given = {"name": "Press", "customerId": customer, "ownerId": seller.user_id, "amount": str(amount)}
        done(
            seller,
            "loseOpportunity",
            made(seller, "Opportunity", **given),
            "status",
            reason=reason,
            competitor=rivals.get(str(to)),
        )

    analysis = """
{
  opportunitiesAggregate(
    where: {status: {eq: lost}, lostTo: {isNull: false}}
    groupBy: [{lostTo: {name: VALUE}}]
    orderBy: [{sum: {amount: DESC}}]
  ) { key { lostTo { name } } count sum { amount } }
}"""
    found = [(each["key"]["lostTo"]["name"], each["count"], each["sum"]["amount"]) for each in one(manager, analysis)]
    assert found == [("Rival AG", 2, "300.00"), ("Other Ltd", 1, "50.00")]
    report = '{ salesReport(name: "lost_by_reason") { rows { values } } }'
    lost = [each["values"] for each in one(manager, report)["rows"]]
    assert sorted(lost, key=lambda row: row[1] or "", reverse=True) == [
        ["Competitor chosen", "Rival AG", "EUR", "2", "300.00"],
        ["Competitor chosen", "Other Ltd", "EUR", "1", "50.00"],
        ["No budget", None, "EUR", "1", "1000.00"],
    ]
