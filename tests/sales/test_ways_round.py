"""Each way to write an opportunity goes by its guards: to create, upsert, change many, merge, import, nest, repeat."""

from pathlib import Path
from typing import Any

import pytest

from tests.sales.conftest import Sales
from xrm_core.records.importing import ImportOptions, import_csv
from xrm_core.testing import Client

CREATE = "mutation ($i: CreateOpportunityInput!) { createOpportunity(input: $i) { id } }"
MANY = "mutation ($i: [CreateOpportunityInput!]!) { createOpportunities(input: $i) { count } }"
UPSERT = """mutation ($i: UpsertOpportunityInput!) {
  upsertOpportunity(by: externalId, input: $i) { created } }"""
UPSERTS = """mutation ($i: [UpsertOpportunityInput!]!) {
  upsertOpportunities(by: externalId, input: $i) { count } }"""
NESTED = """mutation ($i: CreateOpportunityInput!) {
  createCustomer(input: {name: "New", opportunities: {create: [$i]}}) { id } }"""
CHANGE = "mutation ($id: ID!, $i: UpdateOpportunityInput!) { updateOpportunity(id: $id, input: $i) { id } }"
CHANGES = "mutation ($id: ID!, $i: UpdateOpportunityInput!) { updateOpportunities(ids: [$id], set: $i) { count } }"
MERGE = """mutation ($id: ID!, $from: [ID!]!, $take: [MergeOpportunityTake!]) {
  mergeOpportunities(into: $id, from: $from, take: $take) { record { id } } }"""
COLUMNS = {"stage": "stage.id", "customer": "customer.id"}
COUNT = "{ opportunities { totalCount } }"


@pytest.fixture
def seller(sales: Sales) -> Client:
    """Somebody who may win and lose, and not write the status."""
    return sales.xrm.as_role("guarded")


def won(sales: Sales, **values: Any) -> dict[str, Any]:
    given = {"name": "Sneaked", "customerId": sales.customer, "stageId": sales.stages["Won"], "closedOn": "2026-01-05"}
    return {**given, "amount": "900000.00", **values}


@pytest.mark.parametrize("way", ["create", "many", "upsert", "upserts", "nested", "lost"])
def test_nobody_creates_what_is_won_already_who_may_not_write_the_status(sales: Sales, seller: Client, way: str):
    given = won(sales)
    documents = {"create": CREATE, "many": MANY, "upsert": UPSERT, "upserts": UPSERTS, "lost": CREATE}
    if way == "lost":
        given |= {"stageId": sales.stages["Lost"], "lossReasonId": sales.reasons["Price"]}
    if way.startswith("upsert"):
        given["externalId"] = "E-1"
    if way == "nested":
        del given["customerId"]
        inner = 'name: "Sneaked", stageId: $s, closedOn: "2026-01-05"'
        document = f"""mutation ($s: ID!) {{
          createCustomer(input: {{name: "New", opportunities: {{create: [{{{inner}}}]}}}}) {{ id }} }}"""
        told = seller.refused(document, s=sales.stages["Won"])
    else:
        told = seller.refused(documents[way], i=[given] if way in ("many", "upserts") else given)

    assert f"An opportunity is {'lost' if way == 'lost' else 'won'} by the action" in str(told)
    assert sales.admin.query(COUNT)["opportunities"]["totalCount"] == 0


def test_a_connector_that_may_write_the_status_does_and_so_does_an_import(sales: Sales, tmp_path: Path):
    file = tmp_path / "old.csv"
    lines = ["name,stage,closed_on,customer", f"Old,{sales.stages['Won']},2019-01-05,{sales.customer}"]
    file.write_text("\n".join(lines) + "\n")
    platform = sales.xrm.platform

    sales.rep.query(CREATE, i=won(sales))
    with platform.database.begin() as connection:
        result = import_csv(platform.records, connection, "opportunity", file, ImportOptions(columns=COLUMNS))

    assert (result.written, result.problems) == (1, ())
    found = sales.admin.query("{ opportunities { nodes { status } } }")["opportunities"]["nodes"]
    assert found == [{"status": "won"}] * 2


@pytest.mark.parametrize("way", ["change", "changes", "upsert", "upserts", "merge"])
@pytest.mark.parametrize("stage", ["Proposal", "Won"])
def test_no_way_leads_past_the_checks_of_a_stage(sales: Sales, seller: Client, way: str, stage: str):
    sales.xrm.create("stage_check", stage=sales.stages["Proposal"], required_field="next_step")
    id_ = sales.opportunity(externalId="E-1")
    to: dict[str, Any] = {"stageId": sales.stages[stage]} | ({"closedOn": "2026-01-05"} if stage == "Won" else {})
    if way == "merge":
        given = {"name": "Other", "customer": sales.customer, "stage": sales.stages[stage], "next_step": "Visit"}
        other = sales.xrm.create("opportunity", given | ({"closed_on": "2026-01-05"} if stage == "Won" else {}))
        fields = ["stage"] + (["closedOn"] if stage == "Won" else [])
        told = sales.admin.refused(MERGE, id=id_, **{"from": [other]}, take=[{"from": other, "fields": fields}])
    elif way.startswith("upsert"):
        row = {"externalId": "E-1", "name": "Press line", "customerId": sales.customer, **to}
        told = seller.refused(UPSERT if way == "upsert" else UPSERTS, i=row if way == "upsert" else [row])
    else:
        told = seller.refused(CHANGE if way == "change" else CHANGES, id=id_, i=to)

    why = "The stage Proposal needs: next_step." if stage == "Proposal" else "is won by the action winOpportunity"
    assert why in str(told)
    kept = sales.xrm.get("opportunity", id_)
    assert kept is not None
    assert (kept["stage"], kept["status"]) == (sales.stages["Qualification"], "open")


def test_an_import_goes_by_the_checks_of_a_stage(sales: Sales, tmp_path: Path):
    sales.xrm.create("stage_check", stage=sales.stages["Proposal"], required_field="next_step")
    file = tmp_path / "new.csv"
    rows = [f"{name},{sales.stages['Proposal']},{step},{sales.customer}" for name, step in (("A", ""), ("B", "Visit"))]
    file.write_text("\n".join(["name,stage,next_step,customer", *rows]) + "\n")
    platform, options = sales.xrm.platform, ImportOptions(columns=COLUMNS, skip_bad_rows=True)

    with platform.database.begin() as connection:
        result = import_csv(platform.records, connection, "opportunity", file, options)

    assert (result.written, [each.line for each in result.problems]) == (1, [2])


def test_a_win_that_is_sent_again_is_one_win(sales: Sales):
    sales.xrm.create("commission_rule", name="All", percent=5)
    id_ = sales.opportunity(amount="1000.00")
    win = "mutation ($id: ID!) { winOpportunity(id: $id) { status version } }"
    headers = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}

    first, second = (sales.rep.post(win, headers=headers, id=id_) for _ in range(2))

    assert first.json() == second.json() == {"data": first.json()["data"]}
    document = "{ commissions { totalCount } stagePeriods { totalCount } }"
    assert sales.admin.query(document) == {"commissions": {"totalCount": 1}, "stagePeriods": {"totalCount": 2}}
