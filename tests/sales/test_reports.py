"""Reports that are kept, and run with the rights of who asks."""

from xrm_sales.reports.columns import columns_of
from xrm_sales.reports.standard import STANDARD
from xrm_sales.reports.tables import table

from tests.sales.conftest import Sales

RUN = """
query ($name: String!, $variables: String) {
  salesReport(name: $name, variables: $variables) { title columns rows { values } }
}"""


def test_every_report_of_the_beginning_is_answered(sales: Sales):
    won = sales.opportunity(amount="100.00", engagedOn="2026-03-01", region="North", closeOn="2026-05-02")
    sales.rep.query('mutation ($id: ID!) { winOpportunity(id: $id, input: {closedOn: "2026-03-11"}) { id } }', id=won)
    rival = sales.xrm.create("competitor", name="Rival AG")
    lost = sales.opportunity(amount="50.00")
    lose = "mutation ($id: ID!, $input: LoseOpportunityInput!) { loseOpportunity(id: $id, input: $input) { id } }"
    sales.rep.query(lose, id=lost, input={"reason": sales.reasons["Competitor chosen"], "competitor": rival})
    sales.opportunity(amount="7.00", region="North", closeOn="2026-05-02")

    found = {name: sales.admin.query(RUN, name=name)["salesReport"] for name, *_ in STANDARD}

    month = found["won_by_month"]
    assert month["title"] == "Won opportunities by month, quarter or year"
    assert month["columns"] == ["key.closedOn", "key.currency", "count", "sum.amount", "avg.cycleDays"]
    assert [row["values"][:4] for row in month["rows"]] == [["2026-03-01", "EUR", "1", "100.00"]]
    assert ["Rival AG", "lost", "1"] in [row["values"] for row in found["against_competitors"]["rows"]]
    assert [row["values"] for row in found["lost_by_reason"]["rows"]] == [
        ["Competitor chosen", "Rival AG", "EUR", "1", "50.00"]
    ]
    stages = [[*row["values"][2:4], row["values"][5]] for row in found["conversion_by_stage"]["rows"]]
    assert stages == [["Qualification", "3", "50"], ["Won", "1", None], ["Lost", "1", None]]
    assert found["win_rate_by_competitor"]["columns"] == [
        *("name", "opportunitiesAggregate.count", "opportunitiesAggregate.avg.wonPercent")
    ]
    assert len(found["pipeline_cube"]["rows"]) == 8  # one group, and a total over each set of its keys


def test_reports_by_time_go_by_quarter_or_year_as_well(sales: Sales):
    for day in ("2026-02-11", "2026-03-11", "2026-04-11"):
        id_ = sales.opportunity(amount="100.00", closeOn=day, region="North")
        sales.rep.query(
            "mutation ($id: ID!, $on: Date) { winOpportunity(id: $id, input: {closedOn: $on}) { id } }", id=id_, on=day
        )
        sales.opportunity(amount="10.00", closeOn=day, region="North")

    def rows(name: str, period: str) -> list[list[str]]:
        answer = sales.admin.query(RUN, name=name, variables=f'{{"period": "{period}"}}')["salesReport"]
        return [row["values"] for row in answer["rows"]]

    quarters, years = rows("won_by_month", "QUARTER"), rows("won_by_month", "YEAR")

    assert [[row[0], *row[2:4]] for row in quarters] == [["2026-01-01", "2", "200.00"], ["2026-04-01", "1", "100.00"]]
    assert [[row[0], *row[2:4]] for row in years] == [["2026-01-01", "3", "300.00"]]
    assert ["North", None, "2026-01-01", "", "2", "20.00"] in [row[:6] for row in rows("pipeline_cube", "QUARTER")]
    assert rows("commissions_by_employee", "YEAR") == []
    assert sales.admin.refused(RUN, name="won_by_month", variables='{"period": "DECADE"}')


def test_an_opportunity_counts_once_in_a_stage_however_often_it_comes_there(sales: Sales):
    id_ = sales.opportunity()
    for stage in ("Proposal", "Qualification", "Proposal"):
        sales.move(id_, stage)

    rows = sales.admin.query(RUN, name="conversion_by_stage")["salesReport"]["rows"]

    assert [[*row["values"][2:4], row["values"][5]] for row in rows] == [
        ["Qualification", "1", "100"],
        ["Proposal", "1", "0"],
    ]


def test_rates_of_wins_are_those_of_what_is_decided(sales: Sales):
    rivals = {name: sales.xrm.create("competitor", name=name) for name in ("Also AG", "Rival AG", "Unmet AG")}
    lose = "mutation ($id: ID!, $input: LoseOpportunityInput!) { loseOpportunity(id: $id, input: $input) { id } }"
    for number, against in enumerate((["Rival AG"], ["Rival AG", "Also AG"], ["Rival AG"], ["Unmet AG"])):
        id_ = sales.opportunity(competitors={"add": [{"id": rivals[name]} for name in against]})
        if number < 2:
            given = {"reason": sales.reasons["Competitor chosen"], "competitor": rivals["Rival AG"]}
            sales.rep.query(lose, id=id_, input=given)
        elif number == 2:
            sales.rep.query("mutation ($id: ID!) { winOpportunity(id: $id) { id } }", id=id_)

    def rows(name: str) -> list[list[str]]:
        return [row["values"] for row in sales.admin.query(RUN, name=name)["salesReport"]["rows"]]

    assert rows("win_rate_by_competitor") == [["Also AG", "1", "0"], ["Rival AG", "3", "33.333333"]]
    assert [row[2:5] for row in rows("win_rate_by_employee")] == [[sales.rep.user_id, "3", "33.333333"]]


def test_employees_of_one_name_are_not_one(sales: Sales):
    twins = [sales.xrm.as_role("sales_rep", first_name=name, last_name="Nor").user_id for name in ("Ada", "Bo")]
    for owner, amount in zip(twins, ("10.00", "7.00"), strict=True):
        id_ = sales.opportunity(ownerId=owner, amount=amount)
        sales.admin.query("mutation ($id: ID!) { winOpportunity(id: $id) { id } }", id=id_)

    rows = sales.admin.query(RUN, name="revenue_by_employee")["salesReport"]["rows"]

    assert [[*row["values"][:2], row["values"][5]] for row in rows] == [["Nor", "Ada", "10.00"], ["Nor", "Bo", "7.00"]]


def test_an_installation_that_is_there_gets_reports_that_are_new(sales: Sales):
    install = """mutation ($replace: [String!]) {
      salesInstallReports(input: {replace: $replace}) { created replaced } }"""
    kept = sales.admin.query("{ reports(first: 100) { nodes { id name } } }")["reports"]["nodes"]
    ids = {each["name"]: each["id"] for each in kept}
    sales.admin.query("mutation ($id: ID!) { deleteReport(id: $id) { id } }", id=ids["sales_cycle"])
    change = 'mutation ($id: ID!) { updateReport(id: $id, input: {title: "Ours"}) { id } }'
    sales.admin.query(change, id=ids["lost_by_reason"])

    first, again, replaced = (
        sales.admin.query(install, replace=names)["salesInstallReports"] for names in ([], [], ["lost_by_reason"])
    )

    assert first == {"created": ["sales_cycle"], "replaced": []}
    assert again == {"created": [], "replaced": []}
    assert replaced == {"created": [], "replaced": ["lost_by_reason"]}
    assert sales.admin.query(RUN, name="lost_by_reason")["salesReport"]["title"] != "Ours"
    assert len(sales.admin.query(RUN, name="sales_cycle")["salesReport"]["columns"]) == 4
    refused = sales.admin.refused(install, "REFUSED_BY_PLUGIN", replace=["none"])
    assert (refused.message, refused.details["field"]) == ("No standard report: none.", "replace")


def test_a_report_without_rows_has_its_columns(sales: Sales):
    found = {name: sales.admin.query(RUN, name=name)["salesReport"]["columns"] for name, *_ in STANDARD}

    assert found["won_by_month"] == ["key.closedOn", "key.currency", "count", "sum.amount", "avg.cycleDays"]
    assert all(found.values())
    document = """query { a: customers { nodes { name ...more } } }
    fragment more on Customer { place: city contacts(first: 1) { totalCount } ... on Customer { country } }"""
    assert columns_of(document) == ["name", "place", "contacts.totalCount", "country"]


def test_everybody_has_their_own_figures(sales: Sales):
    ada = sales.xrm.as_role("sales_seller", first_name="Ada")
    for owner, amount in ((ada.user_id, 10), (sales.rep.user_id, 7)):
        sales.xrm.create(
            "opportunity", name="A", customer=sales.customer, amount=amount, owner=owner, close_on="2026-05-01"
        )
    own = {"name": "open_amount", "title": "Open", "title_de": "Offen"}
    document = "query ($min: Decimal) { opportunitiesAggregate(where: {amount: {gte: $min}}) { count sum { amount } } }"
    sales.xrm.create("report", {**own, "document": document, "variables": {"min": "0"}})

    def rows(client, **variables):
        return [row["values"] for row in client.query(RUN, name="open_amount", **variables)["salesReport"]["rows"]]

    assert rows(ada) == [["1", "10.00"]]
    assert rows(sales.admin) == [["2", "17.00"]]
    assert rows(sales.admin, variables='{"min": "8"}') == [["1", "10.00"]]
    assert ada.refused(RUN, "REFUSED_BY_PLUGIN", name="none").message == "There is no such report."
    assert ada.refused(RUN, "REFUSED_BY_PLUGIN", name="open_amount", variables="[]").details["field"] == "variables"


def test_a_query_that_cannot_be_run_is_not_kept(sales: Sales):
    make = 'mutation ($document: String!) { createReport(input: {name: "x", title: "X", document: $document}) { id } }'

    refused = sales.admin.refused(make, "REFUSED_BY_PLUGIN", document="{ opportunitees { nodes { id } } }")

    assert refused.details["field"] == "document"
    assert "opportunitees" in refused.message
    sales.admin.refused(make, "REFUSED_BY_PLUGIN", document="mutation { salesInstallDefaults }")


AVERAGES = [f"itemsAggregate.{name}" for name in ("count", "avg.a", "avg.b", "avg.c")]


def test_answers_become_tables():
    data = {
        "a": {
            "nodes": [{"name": "x", "owner": {"name": "Ada"}, "items": [{"id": "1"}], "done": True, "tags": ["p", "q"]}]
        },
        "b": [
            {"name": "y", "owner": None, "itemsAggregate": [{"count": 3, "avg": {"a": 50.0, "b": 0.000001, "c": 1e20}}]}
        ],
    }

    assert table(data) == (
        ["name", "owner.name", "items", "done", "tags", "owner", *AVERAGES],
        [
            ["x", "Ada", "1", "true", "p q", None, None, None, None, None],
            ["y", None, None, None, None, None, "3", "50", "0.000001", "1" + 20 * "0"],
        ],
    )
