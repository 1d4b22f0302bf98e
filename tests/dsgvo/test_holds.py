"""Legal holds: nobody deletes what they are upon (I20), and they are set upon what lies in the vault, too."""

import pytest

from tests.dsgvo.conftest import KEY
from tests.dsgvo.test_restrictions import OPEN, REFUSED, done
from xrm_core.testing import Client, Setup, Xrm

SET = "mutation ($i: DsgvoHoldSetInput!) { dsgvoHoldSet(input: $i) { hold status } }"
RELEASE = 'mutation ($h: String!) { dsgvoHoldRelease(input: {hold: $h, because: "Settled."}) { status } }'
GIVEN = {"matter": "AZ 12/26", "basis": "Art. 17(3)(e) DSGVO"}


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return Setup(plugins=["dsgvo", "sales"], pack="core", environment=KEY)


@pytest.fixture
def dsb(xrm: Xrm) -> Client:
    return xrm.as_role("dsb")


def delete(xrm: Xrm, entity: str, id_: str) -> list[str]:
    """The codes with which it is refused."""
    document = f"mutation ($id: ID!) {{ delete{entity}(id: $id) {{ id }} }}"
    answer = xrm.as_role("admin").post(document, id=id_).json()
    return [each["extensions"]["code"] for each in answer.get("errors", ())]


@pytest.mark.invariant("I20")
def test_nobody_deletes_what_is_held_nor_what_belongs_to_it_or_would_go_along(xrm: Xrm, dsb: Client):
    # given a hold upon a contact, one upon what a lead has done, and others of these without
    ada, ben = (xrm.create("contact", last_name=name) for name in ("Ada", "Ben"))
    calls = [xrm.create("activity", kind="call", subject="Call", contact=each) for each in (ada, ben)]
    eva, max_ = (xrm.create("lead", last_name=name) for name in ("Eva", "Max"))
    done_ = {"kind": "call", "subject": "Call", "at": "2026-01-02T03:04:05Z"}
    events = [xrm.create("lead_event", lead=each, **done_) for each in (eva, max_)]
    held = [
        dsb.query(SET, i={**GIVEN, "entity": entity, "record": id_})["dsgvoHoldSet"]["hold"]
        for entity, id_ in (("contact", ada), ("lead_event", events[0]))
    ]

    # then
    for entity, id_ in (("Contact", ada), ("Activity", calls[0]), ("Lead", eva), ("LeadEvent", events[0])):
        assert delete(xrm, entity, id_) == [REFUSED], entity
    for entity, id_ in (("Activity", calls[1]), ("Contact", ben), ("Lead", max_)):
        assert delete(xrm, entity, id_) == [], entity

    # and with them all activities, whosever they are
    held.append(dsb.query(SET, i={**GIVEN, "entity": "activity"})["dsgvoHoldSet"]["hold"])
    assert delete(xrm, "Activity", xrm.create("activity", kind="note", subject="Note")) == [REFUSED]

    # when they are released
    for hold in held:
        dsb.query(RELEASE, h=hold)

    # then
    for entity, id_ in (("Activity", calls[0]), ("Contact", ada), ("Lead", eva)):
        assert delete(xrm, entity, id_) == [], entity


@pytest.mark.invariant("I20")
def test_a_hold_is_set_upon_what_lies_in_the_vault_and_not_upon_what_lies_in_the_trash(xrm: Xrm, dsb: Client):
    ada, ben = (xrm.create("contact", last_name=name) for name in ("Ada", "Ben"))
    done(dsb, OPEN, person={"entity": "contact", "record": ada}, ground="claims", because="A suit.")
    assert delete(xrm, "Contact", ben) == []

    assert done(dsb, SET, **GIVEN, entity="contact", record=ada)["status"] == "active"
    assert "trash" in dsb.refused(SET, REFUSED, i={**GIVEN, "entity": "contact", "record": ben}).message
    nobody = "01a21e32-b621-734e-9829-05c2e3018e0a"
    assert "no such record" in dsb.refused(SET, REFUSED, i={**GIVEN, "entity": "contact", "record": nobody}).message


def test_who_says_no_day_of_review_is_reminded_all_the_same(xrm: Xrm, dsb: Client):
    ada = xrm.create("contact", last_name="Ada")
    done(dsb, SET, **GIVEN, entity="contact", record=ada)
    done(dsb, OPEN, person={"entity": "contact", "record": ada}, ground="claims", because="A suit.")

    query = "{ legalHolds { nodes { reviewOn } } restrictions { nodes { reviewOn } } }"
    found = xrm.as_role("auditor").query(query)

    assert all(each["reviewOn"] for name in ("legalHolds", "restrictions") for each in found[name]["nodes"])
