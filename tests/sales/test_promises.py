"""What else sales people are promised: buying centre, leads by CSV, visit reports, and the three ways of an ERP."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sales.conftest import Sales
from tests.sales.test_quotes import act
from xrm_core.records.importing import ImportOptions, import_csv
from xrm_core.testing import Setup, Xrm

ROLES = ("DecidesFor", "Influences", "Uses", "BuysFor", "GuardsAccessTo")


def test_the_buying_centre_of_an_opportunity_is_seen_from_it(sales: Sales):
    id_ = sales.opportunity()
    for kind in ROLES:
        contact = sales.xrm.create("contact", last_name=kind)
        document = f"""mutation ($c: ID!, $o: ID!) {{
          create{kind}(input: {{source: {{contactId: $c}}, target: {{opportunityId: $o}}, validFrom: "2026-01-01"}}) {{
            source {{ ... on Contact {{ lastName }} }} target {{ ... on Opportunity {{ name }} }}
          }} }}"""
        made = sales.admin.query(document, c=contact, o=id_)[f"create{kind}"]
        assert made == {"source": {"lastName": kind}, "target": {"name": "Press line"}}

    document = """query ($id: ID!) { opportunity(id: $id) {
      relationships(first: 20) { nodes { other { ... on Contact { lastName } } } } } }"""
    found = sales.admin.query(document, id=id_)["opportunity"]["relationships"]["nodes"]

    assert {each["other"]["lastName"] for each in found} == set(ROLES)


def test_leads_of_a_file_are_scored_and_handed_over_as_others_are(sales: Sales, tmp_path: Path):
    create = sales.xrm.create
    create("scoring_rule", name="Has a firm", points=60, condition={"company": {"isNull": False}})
    rule = create("routing_rule", name="All", method="round_robin")
    create("routing_rule_member", routing_rule=rule, user=sales.rep.user_id)
    file = tmp_path / "leads.csv"
    file.write_text("last_name,company,email,source\nKern,Kern KG,eva@kern.example,trade_fair\nDoe,,doe@example.com,\n")
    platform = sales.xrm.platform

    with platform.database.begin() as connection:
        result = import_csv(platform.records, connection, "lead", file, ImportOptions())

    assert (result.written, result.problems) == (2, ())
    leads = sales.admin.query("{ leads(orderBy: [{score: DESC}]) { nodes { lastName score owner { id } } } }")["leads"]
    assert leads["nodes"] == [
        {"lastName": "Kern", "score": 60, "owner": {"id": sales.rep.user_id}},
        {"lastName": "Doe", "score": 0, "owner": None},
    ]


def test_a_visit_has_its_report_and_its_expenses(sales: Sales):
    document = """mutation ($c: ID!) { createVisit(input: {
      customerId: $c, plannedFor: "2026-03-02", goal: "Offer", madeOn: "2026-03-02", status: done, outcome: interest
      report: "They want a press.", competitorReport: "Rival was there.", nextVisitOn: "2026-04-01"
      expenses: {create: [
        {kind: travel, spentOn: "2026-03-02", amount: "80.50", kilometres: "230"}
        {kind: meals, spentOn: "2026-03-02", amount: "19.50"}
      ]}
    }) { expensesTotal report customer { lastVisitOn } } }"""

    made = sales.admin.query(document, c=sales.customer)["createVisit"]

    visit = {"expensesTotal": "100.00", "report": "They want a press.", "customer": {"lastVisitOn": "2026-03-02"}}
    assert made == visit


@pytest.mark.parametrize(("process", "orders"), [("quote", 0), ("invoice", 1)])
def test_how_far_the_platform_goes(xrm_with: Callable[[Setup], Xrm], xrm_setup: Setup, process: str, orders: int):
    xrm = xrm_with(replace(xrm_setup, environment={"XRM_SALES_PROCESS": process}))
    admin, customer = xrm.as_role("admin"), xrm.begun[0]
    xrm.create("tax_rate", country="DE", category="standard", percent=19, valid_from="2007-01-01")
    quote = xrm.create("quote", subject="Press", customer=customer)
    xrm.create("quote_item", quote=quote, position=1, text="Press", quantity=1, unit_price=10)
    for name in ("submitQuote", "sendQuote", "acceptQuote"):
        act(admin, name, quote)
    assert admin.query("{ salesOrders { totalCount } }")["salesOrders"]["totalCount"] == orders
    if not orders:  # the ERP has it, and tells of it by its own key
        create = """mutation ($i: UpsertSalesOrderInput!) {
          upsertSalesOrder(by: externalId, input: $i) { created record { status } } }"""
        given = {"externalId": "4711", "customerId": customer, "quoteId": quote, "subject": "Press"}
        for status, created in (("confirmed", True), ("cancelled", False)):
            told = admin.query(create, i={**given, "status": status})["upsertSalesOrder"]
            assert told == {"created": created, "record": {"status": status}}
        refused = admin.refused(create, "REFUSED_BY_PLUGIN", i={**given, "status": "paid"})
        assert refused.details["field"] == "status"
        return

    [order] = admin.query("{ salesOrders { nodes { id } } }")["salesOrders"]["nodes"]
    key = 'mutation ($id: ID!) { updateSalesOrder(id: $id, input: {externalId: "4711"}) { id } }'
    admin.query(key, id=order["id"])  # what the ERP calls it
    change = """mutation ($i: UpsertSalesOrderInput!) {
      upsertSalesOrder(by: externalId, input: $i) { created record { id status paidOn } } }"""
    for status in ("confirmed", "delivered", "invoiced"):
        admin.query(change, i={"externalId": "4711", "status": status})
    told = admin.query(change, i={"externalId": "4711", "status": "paid", "paidOn": "2026-03-02"})["upsertSalesOrder"]
    assert told == {"created": False, "record": {"id": order["id"], "status": "paid", "paidOn": "2026-03-02"}}
