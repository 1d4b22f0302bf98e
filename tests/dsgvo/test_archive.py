"""What the law alone keeps is out of its table, opened for a purpose, and ends with its period (I1, I5, I19)."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from tests.dsgvo.canaries import tokens_in
from tests.dsgvo.test_erasures import World, world  # noqa: F401 - a fixture
from tests.dsgvo.test_erasures import xrm_setup as xrm_setup  # the same world
from tests.dsgvo.test_restrictions import done

LOOK = """mutation ($i: DsgvoArchiveLookInput!) { dsgvoArchiveLook(input: $i) {
  records { record reason basis until values { field value } former { field value } } } }"""
ENTRIES = "{ archiveEntries { nodes { entityName recordId reason basis until fieldNames } } }"
SUM = "{ donationsAggregate { count sum { amount { amount } } } }"
DONATION = """query ($id: ID!) { donation(id: $id) { amount { amount } donatedOn receipt { name }
  donor { ... on Contact { fullName email } } } }"""
THIS_YEAR = date.today().year


def donated(world: World, year: int = THIS_YEAR) -> str:  # noqa: F811
    donation = world.a.records["donation"]
    world.update("donation", donation, {"donated_on": f"{year}-01-15"})
    return donation


@pytest.mark.invariant("I1", "I5", "I19")
def test_what_the_law_keeps_is_out_of_its_table_and_the_books_add_up(world: World):  # noqa: F811
    donation = donated(world)
    before, others = world.admin.query(SUM), tokens_in(world.dump(), [world.b])

    # when the person is erased
    world.run(world.decided(world.a))

    # then no text or file of the donation is in any table, and the sums are what they were
    left = {(entity, name) for _, entity, name in tokens_in(world.dump(), [world.a]) if entity == "donation"}
    assert not left
    assert world.admin.query(SUM) == before
    there = world.admin.query(DONATION, id=donation)["donation"]
    assert (there["amount"] is not None, there["receipt"]) == (True, None)
    assert tokens_in(world.dump(), [world.b]) == others

    # and it is said what is kept, by which norm, until when
    [entry] = world.xrm.as_role("auditor").query(ENTRIES)["archiveEntries"]["nodes"]
    assert (entry["entityName"], entry["recordId"], entry["reason"]) == ("donation", donation, "law")
    assert (entry["until"], "§ 147 AO" in entry["basis"]) == (f"{THIS_YEAR + 10}-12-31", True)

    # and a second erasure has nothing to do (I7)
    assert {each["count"] for each in world.run(world.decided(world.a))["steps"]} == {0}


def test_it_is_looked_at_for_a_purpose_by_who_may_and_that_is_kept(world: World):  # noqa: F811
    donation = donated(world)
    receipt = world.admin.query("query ($id: ID!) { donation(id: $id) { receipt { url } } }", id=donation)
    file = receipt["donation"]["receipt"]["url"].rpartition("/")[2]
    world.run(world.decided(world.a))
    dsb = world.xrm.as_role("dsb")
    given = {"entity": "donation", "records": [donation], "purpose": "legal_duty", "because": "The audit of 2026."}

    # when somebody looks
    [looked] = done(dsb, LOOK, **given)["records"]

    # then it is there, with its file
    assert {each["field"] for each in looked["values"]} >= {"receipt"}
    assert tokens_in(json.dumps(looked).encode(), [world.a])
    path = f"/plugins/dsgvo/archive/donation/{donation}/files/{file}"
    why = {"purpose": "legal_duty", "because": "The audit."}
    content = dsb.request("POST", path, json=why)
    assert content.status_code == 200
    assert tokens_in(content.content, [world.a]) == {("A", "donation", "receipt")}

    # and it is kept who has looked, for what
    uses = world.xrm.as_role("auditor").query("{ archiveUses { nodes { recordId purpose because } } }")
    assert [each["because"] for each in uses["archiveUses"]["nodes"]] == ["The audit of 2026.", "The audit."]
    shown = {"entity": {"eq": "donation"}, "recordId": {"eq": donation}}
    with closing(world.xrm.database.engine.connect()) as connection:
        reads = connection.execute(text("SELECT count(*) FROM xrm_read")).scalar()
    assert reads, shown

    # and nobody else sees it, nor for nothing
    for role in ("admin", "auditor", "dsgvo_agent"):
        assert world.xrm.as_role(role).request("POST", path, json=why).status_code == 422
        refused = world.xrm.as_role(role).post(LOOK, i=given).json()["errors"]
        assert refused[0]["extensions"]["code"] in ("FORBIDDEN", "GRAPHQL_VALIDATION_FAILED")
    assert world.xrm.http.post(path, json=why).status_code == 401
    dsb.refused(LOOK, "REFUSED_BY_PLUGIN", i={**given, "because": " "})
    dsb.refused(LOOK, "REFUSED_BY_PLUGIN", i={**given, "records": []})
    dsb.refused(LOOK, "REFUSED_BY_PLUGIN", i={**given, "records": [world.b.records["donation"]]})
    dsb.refused(LOOK, "REFUSED_BY_PLUGIN", i={**given, "entity": "nothing"})
    assert dsb.request("POST", path, json={"purpose": "advertising"}).status_code == 422
    other = path.replace(file, "01a21e32-b621-734e-9829-05c2e3018e0a")
    assert dsb.request("POST", other, json=why).status_code == 422


@pytest.mark.invariant("I19")
def test_it_ends_when_its_period_ends(world: World, monkeypatch: pytest.MonkeyPatch):  # noqa: F811
    donation = donated(world)
    world.run(world.decided(world.a))

    # when the last day is over
    monkeypatch.setenv("XRM_DSGVO_RETENTION", "delete")
    night(world, f"{THIS_YEAR + 11}-01-01")

    # then it is gone with its record, and the key is destroyed
    assert world.admin.query(DONATION, id=donation)["donation"] is None
    assert world.admin.query(ENTRIES)["archiveEntries"]["nodes"] == []
    with world.xrm.database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM xrm_vault WHERE kind = 'kept'")).scalar() == 0


def night(world: World, day: str) -> None:  # noqa: F811
    world.xrm.clock.set(f"{day}T03:00+01:00")
    world.xrm.work()


def _unused() -> Iterator[Any]:
    yield None
