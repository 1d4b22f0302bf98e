"""What else sales people are promised: buying centre, leads by CSV, visit reports."""

from pathlib import Path

from tests.sales.conftest import Sales
from xrm_core.records.importing import ImportOptions, import_csv

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
