"""What comes in of somebody who is restricted is restricted, too, and comes back with the rest (I17, I18)."""

from typing import Any

import pytest
from xrm_dsgvo import paging

from tests.dsgvo.test_restrictions import ANNOUNCE, LIFT, OPEN, REFUSED, done, dump
from xrm_core.testing import Client, Xrm

EMAIL, PHONE = "ada@kanarie.example", "+4973155512345"
CREATE = "mutation ($i: CreateContactInput!) { createContact(input: $i) { id } }"
RESTRICTIONS = (
    "{ restrictions(orderBy: [{id: ASC}]) { nodes { id status records continues { id } dataSubject { id } } } }"
)
CONTACTS = "{ contacts(orderBy: [{id: ASC}]) { nodes { lastName phone } } }"


@pytest.fixture
def dsb(xrm: Xrm) -> Client:
    xrm.work()  # from now on it is on the clock
    return xrm.as_role("dsb")


def restricted(dsb: Client, contact: str, *fields: str) -> str:
    person = {"entity": "contact", "record": contact}
    only = [{**person, "fields": list(fields)}] if fields else []
    return str(done(dsb, OPEN, person=person, ground="accuracy", because="Disputed.", only=only)["restriction"])


def looked(xrm: Xrm) -> dict[str, Any]:
    """The job has been there: its result."""
    xrm.clock.advance(minutes=10)
    [job] = [each for each in xrm.work().jobs if each.name == "dsgvo.restrict_incoming"]
    return dict(job.result)


def lift(dsb: Client, restriction: str) -> None:
    done(dsb, ANNOUNCE, restriction=restriction, via="letter")
    done(dsb, LIFT, restriction=restriction, because="It is right.")


@pytest.mark.invariant("I17", "I18")
def test_who_is_brought_in_anew_goes_into_the_vault_and_comes_back_with_the_rest(xrm: Xrm, dsb: Client):
    # given somebody who is restricted, and somebody else
    ada, admin = xrm.create("contact", last_name="Kern", email=EMAIL), xrm.as_role("admin")
    xrm.create("contact", last_name="Berg", email="berg@kanarie.example")
    first = restricted(dsb, ada)
    assert looked(xrm) == {"records": 0, "refused": 0}

    # when a form brings them in again, with a note about them
    [made] = admin.query(CREATE, i={"lastName": "Kern-Neu", "email": EMAIL}).values()
    xrm.create("activity", kind="note", subject="Kern-Neu called", contact=made["id"])

    # then they are in the vault with the next run, and the one after it finds nothing
    assert looked(xrm)["records"] >= 2
    assert admin.query(CONTACTS)["contacts"]["nodes"] == [{"lastName": "Berg", "phone": None}]
    assert b"Kern" not in dump(xrm)
    assert looked(xrm)["records"] == 0
    [_, more] = xrm.as_role("auditor").query(RESTRICTIONS)["restrictions"]["nodes"]
    assert more["continues"] == {"id": first}
    assert "belongs to" in dsb.refused(ANNOUNCE, REFUSED, i={"restriction": more["id"], "via": "letter"}).message

    # when
    lift(dsb, first)

    # then
    names = [each["lastName"] for each in admin.query(CONTACTS)["contacts"]["nodes"]]
    assert names == ["Kern", "Berg", "Kern-Neu"]
    assert {each["status"] for each in xrm.as_role("auditor").query(RESTRICTIONS)["restrictions"]["nodes"]} == {
        "lifted"
    }
    assert looked(xrm) == {"records": 0, "refused": 0}


@pytest.mark.invariant("I17")
def test_what_is_written_into_a_restricted_field_goes_too_and_the_newest_comes_back(xrm: Xrm, dsb: Client):
    ada = xrm.create("contact", last_name="Kern", phone=PHONE)
    first = restricted(dsb, ada, "phone")
    update = "mutation ($id: ID!, $p: String!) { updateContact(id: $id, input: {phone: $p}) { id } }"

    xrm.as_role("admin").query(update, id=ada, p="+4973155599999")

    assert looked(xrm)["records"] >= 1
    assert xrm.as_role("admin").query(CONTACTS)["contacts"]["nodes"] == [{"lastName": "Kern", "phone": None}]
    assert b"99999" not in dump(xrm)
    assert looked(xrm)["records"] == 0
    lift(dsb, first)
    found = xrm.as_role("admin").query(CONTACTS)["contacts"]["nodes"]
    assert found == [{"lastName": "Kern", "phone": "+4973155599999"}]


def test_a_restriction_goes_along_with_who_stays_of_a_merge(xrm: Xrm, dsb: Client):
    ada, eva = (xrm.create("contact", last_name="Kern", phone=PHONE) for _ in range(2))
    restricted(dsb, ada, "phone")
    merge = "mutation ($into: ID!, $from: [ID!]!) { mergeContacts(into: $into, from: $from) { record { id } } }"

    xrm.as_role("admin").query(merge, into=eva, **{"from": [ada]})

    query = "{ restrictions { nodes { dataSubject { mergedInto { id } links { nodes { recordId } } } } } }"
    [found] = xrm.as_role("admin").query(query)["restrictions"]["nodes"]
    assert found["dataSubject"]["mergedInto"] is None
    assert [each["recordId"] for each in found["dataSubject"]["links"]["nodes"]] == [eva]


@pytest.mark.invariant("I17", "I18")
def test_however_often_they_are_brought_in_all_of_it_comes_back(xrm: Xrm, dsb: Client, monkeypatch: pytest.MonkeyPatch):
    # given somebody who was brought in three times since they are restricted, and pages of one record
    first, admin = restricted(dsb, xrm.create("contact", last_name="Kern", email=EMAIL)), xrm.as_role("admin")
    monkeypatch.setattr(paging, "_AT_ONCE", 1)
    for number in range(3):
        admin.query(CREATE, i={"lastName": f"Kern {number}", "email": EMAIL})
        assert looked(xrm)["records"] > 0

    # when
    lift(dsb, first)

    # then
    names = {each["lastName"] for each in admin.query(CONTACTS)["contacts"]["nodes"]}
    assert names == {"Kern", "Kern 0", "Kern 1", "Kern 2"}
    standing = xrm.as_role("auditor").query(RESTRICTIONS)["restrictions"]["nodes"]
    assert [each["status"] for each in standing] == ["lifted"] * 4
