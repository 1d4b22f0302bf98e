"""The roles that the plugin proposes."""

import pytest

from tests.sales.conftest import Sales, begin
from xrm_core.testing import Setup


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
