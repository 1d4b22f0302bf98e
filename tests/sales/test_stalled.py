"""Opportunities about which nothing happens."""

from tests.sales.conftest import Sales

READ = """
query ($id: ID!) { opportunity(id: $id) { stalled stalledSince activities { nodes { subject owner { id } } } } }"""
DONE = "mutation ($input: CreateActivityInput!) { createActivity(input: $input) { id } }"


def test_the_owner_of_a_quiet_opportunity_is_reminded_once_until_something_happens(sales: Sales):
    sales.xrm.clock.set("2026-03-01T12:00Z")
    id_ = sales.opportunity(ownerId=sales.rep.user_id)
    busy = sales.opportunity(name="Busy")
    sales.xrm.work()
    sales.xrm.clock.set("2026-03-14T12:00Z")
    call = {"kind": "call", "subject": "Talk", "status": "completed"}
    sales.rep.query(DONE, input={**call, "completedAt": "2026-03-14T11:00:00Z", "opportunityId": busy})

    sales.xrm.clock.set("2026-03-16T06:00Z")
    assert sales.xrm.work().job("sales.find_stalled").result == {"stalled": 1}
    sales.xrm.clock.set("2026-03-17T06:00Z")
    assert sales.xrm.work().job("sales.find_stalled").result == {"stalled": 0}

    found = sales.rep.query(READ, id=id_)["opportunity"]
    assert found["stalled"] is True
    assert found["stalledSince"] == "2026-03-16"
    assert found["activities"]["nodes"] == [{"subject": "Follow up: Press line", "owner": {"id": sales.rep.user_id}}]
    assert sales.rep.query(READ, id=busy)["opportunity"]["stalled"] is False

    sales.rep.query(DONE, input={**call, "completedAt": "2026-03-17T07:00:00Z", "opportunityId": id_})
    assert sales.rep.query(READ, id=id_)["opportunity"]["stalled"] is False


def test_a_closed_opportunity_is_not_stalled(sales: Sales):
    sales.xrm.clock.set("2026-03-01T12:00Z")
    id_ = sales.opportunity()
    sales.rep.query(
        "mutation ($id: ID!, $reason: ID!) { loseOpportunity(id: $id, input: {reason: $reason}) { id } }",
        id=id_,
        reason=sales.reasons["Price"],
    )
    sales.xrm.work()

    sales.xrm.clock.set("2026-06-01T06:00Z")

    assert sales.xrm.work().job("sales.find_stalled").result == {"stalled": 0}
