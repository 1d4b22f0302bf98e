"""The roles that the plugin proposes."""

from dataclasses import dataclass

import pytest

from tests.sales.conftest import Sales, begin
from xrm_core.testing import Client, Setup


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    return Setup(plugins=["sales"], begin=begin)


NEW = """
mutation ($name: String!, $customer: ID!) { createOpportunity(input: {name: $name, customerId: $customer}) { id } }"""
NAMES = "{ opportunities(orderBy: [{name: ASC}]) { nodes { name } } }"


def names(client) -> list[str]:
    return [each["name"] for each in client.query(NAMES)["opportunities"]["nodes"]]


def test_sellers_have_their_own_and_managers_those_of_their_teams(sales: Sales):
    create = sales.xrm.create
    north, south = create("team", name="North"), create("team", name="South")
    roles = ("sales_seller", "sales_rep")
    ada = sales.xrm.as_role(*roles, first_name="Ada", team=north)
    ben = sales.xrm.as_role(*roles, first_name="Ben", team=south)
    head = sales.xrm.as_role("sales_manager", "sales_rep", first_name="Head", team=north)
    of_ada = create("customer", name="A", owner=ada.user_id)
    of_ben = create("customer", name="B", owner=ben.user_id)
    mine = ada.query(NEW, name="Of Ada", customer=of_ada)["createOpportunity"]["id"]
    ben.query(NEW, name="Of Ben", customer=of_ben)

    assert (names(ada), names(ben), names(head)) == (["Of Ada"], ["Of Ben"], ["Of Ada"])
    create("opportunity_member", opportunity=mine, user=ben.user_id, role="presales")
    assert names(ben) == ["Of Ada", "Of Ben"]

    refused = "mutation ($id: ID!) { updateOpportunity(id: $id, input: {status: won}) { id } }"
    ada.refused(refused, "BAD_QUERY", id=mine)
    won = ada.query("mutation ($id: ID!) { winOpportunity(id: $id) { status } }", id=mine)["winOpportunity"]
    assert won == {"status": "won"}


def test_costs_and_margins_are_for_managers(sales: Sales):
    ada = sales.xrm.as_role("sales_seller", "sales_rep", first_name="Ada")
    head = sales.xrm.as_role("sales_manager", first_name="Head")

    ada.refused("{ quotes { nodes { netTotal margin } } }", "BAD_QUERY")
    assert ada.query("{ quotes { nodes { netTotal } } }")["quotes"]["nodes"] == []
    assert head.query("{ quotes { nodes { netTotal margin items { nodes { costPrice } } } } }")["quotes"]["nodes"] == []


def test_operations_make_the_rules_and_nobody_else_does(sales: Sales):
    operations = sales.xrm.as_role("sales_operations")
    make = 'mutation { createScoringRule(input: {name: "All", points: 1}) { name } }'

    sales.xrm.as_role("sales_manager").refused(make, "BAD_QUERY")
    assert operations.query(make)["createScoringRule"] == {"name": "All"}


def test_figures_that_somebody_writes_are_reckoned_again(sales: Sales):
    create = sales.xrm.create
    create("tax_rate", country="DE", percent=19, valid_from="2007-01-01")
    press = create("product", sku="P", name="Press", price=100)
    quote = create("quote", subject="Press", customer=sales.customer, net_total=1)
    line = create("quote_item", quote=quote, position=1, product=press, quantity=2, net=5)

    sales.admin.query("mutation ($id: ID!) { updateQuote(id: $id, input: {netTotal: 7}) { id } }", id=quote)
    sales.admin.query("mutation ($id: ID!) { updateQuoteItem(id: $id, input: {net: 7}) { id } }", id=line)

    document = "query ($id: ID!) { quote(id: $id) { netTotal grossTotal items { nodes { net } } } }"
    found = sales.admin.query(document, id=quote)["quote"]
    assert found == {"netTotal": "200.00", "grossTotal": "238.00", "items": {"nodes": [{"net": "200.00"}]}}


@dataclass
class Asked:
    """A quote in review, and the ids of what belongs to it."""

    seller: Client
    customer: str
    opportunity: str
    quote: str


def asked(sales: Sales, **rule: object) -> Asked:
    """A quote of a seller without a discount of their own, put to somebody."""
    create = sales.xrm.create
    north = create("team", name="North")
    seller = sales.xrm.as_role("sales_seller", "sales_rep", first_name="Ada", team=north)
    create("tax_rate", country="DE", percent=19, valid_from="2007-01-01")
    press = create("product", sku="P", name="Press", price=100, cost_price=60)
    customer = create("customer", name="Kern KG", city="Ulm", credit_limit=5, owner=seller.user_id)
    opportunity = create("opportunity", name="Press", customer=customer, owner=seller.user_id)
    quote = create("quote", subject="Press", customer=customer, opportunity=opportunity, owner=seller.user_id)
    create("quote_item", quote=quote, position=1, product=press, discount_percent=20)
    create("approval_rule", {"name": "All", "condition": {"net_total": {"gt": 0}}, **rule})
    seller.query("mutation ($id: ID!) { submitQuote(id: $id) { status } }", id=quote)
    return Asked(seller, customer, opportunity, quote)


OF_QUOTE = """
{ quoteApprovals { nodes { id quote { netTotal customer { name city } items { nodes { text net } } } } } }"""
SEEN = {"netTotal": "80.00", "customer": {"name": "Kern KG", "city": "Ulm"}}
APPROVE = "mutation ($id: ID!) { approveQuoteApproval(id: $id) { status } }"


def test_approvers_see_what_they_decide_on_and_nothing_else(sales: Sales):
    found = asked(sales, approver_role="sales_approver")
    finance = sales.xrm.as_role("sales_approver", first_name="Fin")
    sales.xrm.create("customer", name="Other")
    sales.xrm.create("quote", subject="Other", customer=sales.customer)

    [approval] = finance.query(OF_QUOTE)["quoteApprovals"]["nodes"]

    assert approval["quote"] == {**SEEN, "items": {"nodes": [{"text": "Press", "net": "80.00"}]}}
    margins = "{ quotes { nodes { marginPercent items { nodes { costPrice } } } } customers { nodes { name } } }"
    assert finance.query(margins) == {
        "quotes": {"nodes": [{"marginPercent": "25.00", "items": {"nodes": [{"costPrice": "60.0000"}]}}]},
        "customers": {"nodes": [{"name": "Kern KG"}]},
    }
    assert finance.request("GET", f"/plugins/sales/quotes/{found.quote}/letter.pdf").status_code == 200
    assert finance.query(APPROVE, id=approval["id"]) == {"approveQuoteApproval": {"status": "approved"}}


def test_a_colleague_who_is_asked_by_name_or_given_the_decision_sees_the_quote(sales: Sales):
    ben, eve = (sales.xrm.as_role("sales_seller", "sales_rep", first_name=name) for name in ("Ben", "Eve"))
    asked(sales, approver=ben.user_id)

    [approval] = ben.query(OF_QUOTE)["quoteApprovals"]["nodes"]
    assert approval["quote"]["customer"] == SEEN["customer"]
    assert eve.query(OF_QUOTE)["quoteApprovals"]["nodes"] == []
    delegate = "mutation ($id: ID!, $to: ID!) { delegateQuoteApproval(id: $id, input: {to: $to}) { id } }"
    ben.query(delegate, id=approval["id"], to=eve.user_id)

    [approval] = eve.query(OF_QUOTE)["quoteApprovals"]["nodes"]
    assert approval["quote"]["netTotal"] == "80.00"
    eve.refused("{ quotes { nodes { margin } } }", "BAD_QUERY")
    assert eve.query(APPROVE, id=approval["id"]) == {"approveQuoteApproval": {"status": "approved"}}


def test_who_helps_with_an_opportunity_sees_its_customer_and_its_quotes(sales: Sales):
    found = asked(sales, approver_role="sales_manager")
    helper = sales.xrm.as_role("sales_seller", "sales_rep", first_name="Ben")
    document = (
        "{ opportunities { nodes { customer { name } quotes { nodes { netTotal } } } } customers { totalCount } }"
    )
    assert helper.query(document) == {"opportunities": {"nodes": []}, "customers": {"totalCount": 0}}

    found.seller.query(
        """mutation ($id: ID!, $user: ID!) {
          createOpportunityMember(input: {opportunityId: $id, userId: $user, role: presales}) { id } }""",
        id=found.opportunity,
        user=helper.user_id,
    )

    [seen] = helper.query(document)["opportunities"]["nodes"]
    assert seen == {"customer": {"name": "Kern KG"}, "quotes": {"nodes": [{"netTotal": "80.00"}]}}
    change = 'mutation ($id: ID!) { updateCustomer(id: $id, input: {city: "Bonn"}) { id } }'
    helper.refused(change, "FORBIDDEN", id=found.customer)


def test_an_erp_takes_orders_over_and_says_what_becomes_of_them(sales: Sales):
    erp = sales.xrm.as_role("sales_erp")
    order = sales.xrm.create("sales_order", subject="Press", customer=sales.customer)
    new = "{ salesOrders(where: {status: {eq: new}}) { nodes { id number customer { name } } } }"
    [seen] = erp.query(new)["salesOrders"]["nodes"]
    assert (seen["id"], seen["customer"]) == (order, {"name": "Miller Ltd"})

    erp.query("mutation ($id: ID!) { handOverSalesOrder(id: $id) { id } }", id=order)
    take = 'mutation ($id: ID!) { updateSalesOrder(id: $id, input: {externalId: "E-7"}) { id } }'
    erp.query(take, id=order)
    say = """mutation ($input: UpsertSalesOrderInput!) {
      upsertSalesOrder(by: externalId, input: $input) { record { status } created } }"""
    told = erp.query(say, input={"externalId": "E-7", "status": "confirmed"})["upsertSalesOrder"]

    assert told == {"record": {"status": "confirmed"}, "created": False}
    erp.refused("{ leads { nodes { id } } }", "BAD_QUERY")


def test_each_does_the_rest_of_their_work_with_the_roles_that_are_shipped(sales: Sales):
    """What the story of a sale does not have: ways back, visits, what managers and operations add."""
    create = sales.xrm.create
    north = create("team", name="North")
    seller, manager, operations = (
        sales.xrm.as_role(f"sales_{role}", "sales_rep", first_name=role, team=north)
        for role in ("seller", "manager", "operations")
    )
    create("tax_rate", country="DE", percent=19, valid_from="2007-01-01")
    press = create("product", sku="P", name="Press", price=100)

    def does(client: Client, action: str, id_: str, given: str = "", selection: str = "id") -> dict:
        document = f"mutation ($id: ID!) {{ {action}(id: $id{given}) {{ {selection} }} }}"
        return client.query(document, id=id_)[action]

    # a lead that nobody has is given to somebody, converted and taken back
    lead = create("lead", last_name="Kern", company="Kern KG")
    give = "mutation ($id: ID!, $to: ID!) { updateLead(id: $id, input: {ownerId: $to}) { id } }"
    manager.query(give, id=lead, to=seller.user_id)
    does(seller, "convertLead", lead)
    does(seller, "unconvertLead", lead)
    converted = does(seller, "convertLead", lead, selection="customer { id } opportunity { id }")
    customer, opportunity = (converted[name]["id"] for name in ("customer", "opportunity"))

    # a quote that is declined, revised, accepted; the win is taken back
    operations.query('mutation { createCommissionRule(input: {name: "All", percent: 5}) { id } }')
    quote = does(seller, "quoteOpportunity", opportunity, selection="quote")["quote"]
    does(seller, "configureQuote", quote, f', input: {{product: "{press}"}}', "recommendations { name }")
    for action in ("submitQuote", "sendQuote", "declineQuote"):
        does(seller, action, quote, selection="record { id }" if action == "sendQuote" else "id")
    does(seller, "reviseQuote", quote)
    newest = "query ($id: ID!) { quote(id: $id) { replacedBy { nodes { id } } } }"
    [version] = seller.query(newest, id=quote)["quote"]["replacedBy"]["nodes"]
    for action in ("submitQuote", "sendQuote", "acceptQuote"):
        does(seller, action, version["id"], selection="record { id }" if action == "sendQuote" else "id")
    [earned] = operations.query("{ commissions { nodes { id amount } } }")["commissions"]["nodes"]
    does(operations, "releaseCommission", earned["id"])
    does(operations, "payCommission", earned["id"])
    assert seller.query("{ commissions { nodes { amount status } } }")["commissions"]["nodes"] == [
        {"amount": "5.00", "status": "paid"}
    ]
    term = ', input: {startsOn: "2026-01-01", termMonths: 12}'
    contracts = does(seller, "contractQuote", version["id"], term, "contracts { nodes { id } }")["contracts"]["nodes"]
    does(seller, "terminateContract", contracts[0]["id"])
    does(seller, "reopenOpportunity", opportunity)

    # visits and their expenses, which the manager sees; and what the manager expects
    visit = """mutation ($c: ID!) { createVisit(input: {customerId: $c, madeOn: "2026-03-02", status: done
      expenses: {create: [{kind: travel, spentOn: "2026-03-02", amount: "80"}]}}) { id } }"""
    seller.query(visit, c=customer)
    assert manager.query("{ visits { nodes { expensesTotal customer { name } } } }")["visits"]["nodes"] == [
        {"expensesTotal": "80.00", "customer": {"name": "Kern KG"}}
    ]
    adjust = """mutation ($u: ID!) {
      createForecastAdjustment(input: {userId: $u, month: "2026-03-01", amount: 5, reason: "Late"}) { id } }"""
    manager.query(adjust, u=seller.user_id)
    seller.refused(adjust, "BAD_QUERY", u=seller.user_id)
