"""Periods that an open tax assessment or a dispute keeps from ending, and alarms of what is not gone (I19)."""

from typing import Any

import pytest

from tests.dsgvo.conftest import OFFICER
from tests.dsgvo.test_erasures import OPEN
from tests.dsgvo.test_retention import DUE, World, world  # noqa: F401 - a fixture
from tests.dsgvo.test_retention import xrm_setup as xrm_setup  # the same world
from xrm_core.testing import Client

SET = "mutation ($i: DsgvoSuspensionSetInput!) { dsgvoSuspensionSet(input: $i) { suspension status } }"
END = "mutation ($i: DsgvoSuspensionEndInput!) { dsgvoSuspensionEnd(input: $i) { status } }"
TAX = {"ground": "tax", "because": "KSt 2010 to 2012", "firstYear": 2010, "lastYear": 2012}


def suspended(client: Client, **given: Any) -> str:
    return str(client.query(SET, i=given)["dsgvoSuspensionSet"]["suspension"])


def planned(world: World, contact: str, record: str) -> dict[str, Any]:  # noqa: F811
    given = {"entity": "contact", "record": contact}
    [found] = [
        each for each in world.admin.query(OPEN, i=given)["dsgvoErasureOpen"]["records"] if each["record"] == record
    ]
    return dict(found)


def donation(world: World, donor: str, day: str) -> str:  # noqa: F811
    values = {"donor": {"contact": donor}, "kind": "money", "amount": {"amount": 5, "currency": "EUR"}}
    return world.xrm.create("donation", values | {"donated_on": day})


@pytest.mark.invariant("I19")
def test_receipts_of_years_whose_tax_assessment_is_open_stay_until_it_is_closed(world: World):  # noqa: F811
    # given receipts of 2010 and 2009, whose ten years are over, and that the assessment of 2010 is open
    dsb, donor = world.xrm.as_role("dsb"), world.contact()
    open_, other = donation(world, donor, "2010-05-01"), donation(world, donor, "2009-05-01")
    id_ = suspended(dsb, **TAX)

    # when the night comes, the other one goes, and somebody who wants to be erased leaves this one behind
    world.night("2026-03-02")
    assert (world.xrm.get("donation", other), world.xrm.get("donation", open_) is None) == (None, False)
    assert world.report("donation")["suspended"] == 1
    record = planned(world, donor, open_)
    assert record["action"] == "restrict"
    assert {(each["code"], each["until"]) for each in record["fields"]} == {("STATUTORY", None)}

    # when it is closed, it goes, too
    dsb.refused(END, "REFUSED_BY_PLUGIN", i={"suspension": id_, "because": "Final.", "endedOn": "2031-01-01"})
    dsb.query(END, i={"suspension": id_, "because": "Final."})
    world.night("2026-03-03")
    assert world.xrm.get("donation", open_) is None
    dsb.refused(END, "REFUSED_BY_PLUGIN", i={"suspension": id_, "because": "Again."})


@pytest.mark.invariant("I19")
def test_a_record_in_dispute_stays_and_has_the_period_of_another_class_from_its_end(world: World):  # noqa: F811
    # given a call whose period would end with 2029, and that there is a dispute about it
    dsb, ada = world.xrm.as_role("dsb"), world.contact()
    call = world.xrm.create("activity", {"subject": "Call", "kind": "call", "contact": ada})
    about = {"entity": "activity", "record": call, "retentionClass": "LK-3J-VORGANG"}
    id_ = suspended(dsb, ground="dispute", because="AZ 12/26", **about)

    # then it stays beyond that, whoever wants it erased
    record = planned(world, ada, call)
    assert {(each["decision"], each["code"]) for each in record["fields"]} == {("restrict", "DISPUTE")}
    world.night("2030-01-01")
    assert world.there([call]) == 1
    assert world.report("activity")["suspended"] == 1

    # and goes three years after the year in which the dispute has ended
    dsb.query(END, i={"suspension": id_, "because": "Settled.", "endedOn": "2029-05-31"})
    world.night("2032-12-31")
    assert world.there([call]) == 1
    world.night("2033-01-01")
    assert world.there([call]) == 0


def test_who_may_suspend_and_what_has_to_be_said(world: World):  # noqa: F811
    dsb, ada = world.xrm.as_role("dsb"), world.contact()
    record = {"entity": "contact", "record": ada}
    dispute = {"ground": "dispute", "because": "AZ 12/26"}

    errors = world.xrm.as_role("dsgvo_agent").post(SET, i=TAX).json()["errors"]
    assert {each["extensions"]["code"] for each in errors} == {"BAD_QUERY"}
    for wrong, field in (
        (TAX | {"because": " "}, "because"),
        (TAX | {"firstYear": 2013}, "firstYear"),
        (dispute, "record"),
        (dispute | record | {"entity": "nothing"}, "record"),
        (dispute | record | {"retentionClass": "LK-1"}, "retentionClass"),
    ):
        assert dsb.refused(SET, "REFUSED_BY_PLUGIN", i=wrong).details["field"] == field
    id_ = suspended(dsb, **dispute, **record, reviewOn="2026-03-20")
    assert {"what": "suspension_review", "record": id_, "due": "2026-03-20"} in world.admin.query(DUE)["dsgvoDue"]
    document = "mutation ($id: ID!) { updateRetentionSuspension(id: $id, input: {status: ended}) { id } }"
    world.admin.refused(document, "REFUSED_BY_PLUGIN", id=id_)


def test_the_officer_is_told_once_a_week_of_missing_starts_and_of_what_should_be_gone(
    world: World,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
):
    # given one who is due, where nothing is deleted yet, and one of whom nobody has told the end
    monkeypatch.setitem(vars(world.xrm.platform.plugins.settings_of("dsgvo")), "retention", "report")
    world.contact("Ada", ended="2026-02-01")
    world.contact("Bo")

    # then a month after the end of the period that is an alarm; a missing start is one at once
    world.night("2030-01-30")
    assert {each["what"] for each in world.admin.query(DUE)["dsgvoDue"]} == {"retention_defects"}
    world.night("2030-02-05")
    assert {each["what"] for each in world.admin.query(DUE)["dsgvoDue"]} == {"retention_defects", "retention_overdue"}
    assert world.report("contact") == world.report("contact") | {"due": 1, "overdue": 1, "startMissing": 1}

    # and a mail comes once a week
    for day in ("2030-02-06", "2030-02-07"):
        world.night(day)
    subjects = [str(mail["Subject"]) for mail in world.xrm.mails if mail["To"] == OFFICER]
    assert len([each for each in subjects if "30 Tagen" in each]) == 1
