"""Records or fields of a person are restricted, such as a disputed number; the rest goes on (Article 18, I17, I18)."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.dsgvo.consents import Consents, consents  # noqa: F401 - a fixture
from tests.dsgvo.test_requests import DECIDE, IDENTIFY, RECTIFY, known, opened
from tests.dsgvo.test_restrictions import ANNOUNCE, LIFT, LOOK, OPEN, REFUSED, done, dump
from xrm_core.testing import Client, Xrm

CONTACT = "query ($id: ID!) { contact(id: $id) { lastName email phone history { changes { field } } } }"
EMAIL, PHONE, OTHER = "ada@kanarie.example", "+4973155512345", "office@kanarie.example"


@dataclass
class World:
    xrm: Xrm
    consents: Consents
    dsb: Client
    ada: str

    def restrict(self, *only: dict[str, Any], ground: str = "accuracy", **more: Any) -> dict[str, Any]:
        person = {"entity": "contact", "record": self.ada}
        given = {"person": person, "ground": ground, "because": "Disputed.", "only": list(only), **more}
        return done(self.dsb, OPEN.replace("status moved", "scope status moved"), **given)

    def refused(self, *only: dict[str, Any]) -> str:
        given = {"person": {"entity": "contact", "record": self.ada}, "ground": "accuracy", "because": "Disputed."}
        refusal = self.dsb.refused(OPEN, REFUSED, i={**given, "only": list(only)})
        assert refusal.details["field"] == "only"
        return refusal.message

    def lift(self, restriction: str) -> dict[str, Any]:
        done(self.dsb, ANNOUNCE, restriction=restriction, via="letter")
        return done(self.dsb, LIFT, restriction=restriction, because="It is right.")

    def read(self) -> dict[str, Any]:
        found = self.xrm.as_role("admin").query(CONTACT, id=self.ada)["contact"]
        return {} if found is None else dict(found)


@pytest.fixture
def world(xrm: Xrm, consents: Consents) -> World:  # noqa: F811
    ada = xrm.create("contact", first_name="Ada", last_name="Kern", email=EMAIL, phone=PHONE)
    return World(xrm, consents, xrm.as_role("dsb"), ada)


@pytest.mark.invariant("I17", "I18")
def test_a_disputed_field_is_nowhere_and_all_else_of_the_person_goes_on(world: World):
    # given a person with a consent at each of two addresses, and a former phone number
    update = "mutation ($id: ID!, $p: String!) { updateContact(id: $id, input: {phone: $p}) { id } }"
    for number in ("+4973155599999", PHONE):
        world.xrm.as_role("admin").query(update, id=world.ada, p=number)
    for address in (EMAIL, OTHER):
        world.consents.consent(address, person={"entity": "contact", "record": world.ada})
    before = world.read()

    # when the address and the number are disputed
    part = {"entity": "contact", "record": world.ada, "fields": ["email", "phone"]}
    standing = world.restrict(part, purposes=["legal_claims"])

    # then they are in no table, the contact is there, and nothing is sent to that address
    assert standing["scope"] == "field"
    assert (world.read()["lastName"], world.read()["email"], world.read()["phone"]) == ("Kern", None, None)
    left = dump(world.xrm)
    assert [each for each in (EMAIL, PHONE, "+4973155599999") if each.encode() in left] == []
    assert (world.consents.permit(EMAIL), world.consents.permit(OTHER)) == ("E_RESTRICTED", "C_CONSENT")
    [subject] = world.consents.rows("dataSubjects", "status restrictions { nodes { scope parts purposes } }")
    kept = {"scope": "field", "parts": {"records": [["contact", world.ada, ["email", "phone"]]]}}
    assert subject == {"status": "active", "restrictions": {"nodes": [kept | {"purposes": ["legal_claims"]}]}}

    # and it is looked at for the purposes that were said, and the rights of the person
    look = {"restriction": standing["restriction"], "because": "A suit."}
    assert world.dsb.refused(LOOK, REFUSED, i={**look, "purpose": "consent"}).details["field"] == "purpose"
    for purpose in ("legal_claims", "subject_rights"):
        found = done(world.dsb, LOOK, **look, purpose=purpose)["records"]
        values = {(each["entity"], f["field"], json.loads(f["value"])) for each in found for f in each["values"]}
        points = {("contact_point", "value", each) for each in (EMAIL, PHONE)}
        former = [(f["field"], json.loads(f["value"])) for each in found for f in each["former"]]
        assert former == [("phone", "+4973155599999"), ("phone", PHONE)]
        assert values == {("contact", "email", EMAIL), ("contact", "phone", PHONE)} | points

    # when
    world.lift(standing["restriction"])

    # then
    assert {**world.read(), "history": []} == {**before, "history": []}
    assert world.consents.permit(EMAIL) == "C_CONSENT"


@pytest.mark.invariant("I17")
def test_a_record_is_restricted_on_its_own_and_all_of_the_person_beside_it(world: World):
    call, note = (
        world.xrm.create("activity", kind="call", subject=subject, contact=world.ada) for subject in ("One", "Two")
    )
    activities = "{ activities { nodes { subject } } }"

    # when a record, then a field of another, then all of the person
    first = world.restrict({"entity": "activity", "record": call})
    assert first["scope"] == "record"
    assert str(world.xrm.as_role("admin").query(activities)["activities"]["nodes"]) == "[{'subject': 'Two'}]"
    second = world.restrict({"entity": "contact", "record": world.ada, "fields": ["phone"]})
    all_ = world.restrict(ground="claims")
    assert {"entity": "contact", "records": 1} in all_["moved"]
    assert world.read() == {}
    assert PHONE.encode() not in dump(world.xrm)

    # when that of the field is lifted, nothing is back, since all of the person is still restricted
    assert world.lift(second["restriction"])["moved"] == []
    assert world.read() == {}

    # then each comes back with the last that holds it
    world.lift(all_["restriction"])
    assert (world.read()["email"], world.read()["phone"]) == (EMAIL, PHONE)
    assert len(world.xrm.as_role("admin").query(activities)["activities"]["nodes"]) == 1
    world.lift(first["restriction"])
    assert world.read()["phone"] == PHONE
    found = world.xrm.as_role("admin").query(activities)["activities"]["nodes"]
    assert sorted(each["subject"] for each in found) == ["One", "Two"]
    assert note


def test_what_is_not_the_persons_or_cannot_go_alone_is_refused(world: World):
    other = world.xrm.create("contact", last_name="Berg")
    assert "not about the person" in world.refused({"entity": "contact", "record": other})
    assert "not about the person" in world.refused({"entity": "nothing", "record": other})
    part = {"entity": "contact", "record": world.ada}
    assert "no field nothing" in world.refused({**part, "fields": ["nothing"]})
    call = {"entity": "activity", "record": world.xrm.create("activity", kind="call", subject="1", contact=world.ada)}
    assert "restrict all of it" in world.refused({**part, "fields": ["phone"]}, {**call, "fields": ["subject"]})
    assert world.read()["phone"] == PHONE


def test_on_two_grounds_nothing_is_back_before_both_are_lifted(world: World):
    first, second = world.restrict(ground="accuracy"), world.restrict(ground="claims")

    assert world.lift(first["restriction"])["moved"] == []
    assert world.read() == {}
    [subject] = world.consents.rows("dataSubjects", "status")
    assert subject == {"status": "restricted"}

    assert {"entity": "contact", "records": 1} in world.lift(second["restriction"])["moved"]
    assert (world.read()["lastName"], world.read()["phone"]) == ("Kern", PHONE)


@pytest.mark.invariant("I17")
def test_restricted_data_are_corrected_and_stay_restricted(world: World):
    # given a disputed number, then all of the person is restricted
    restrictions = [
        world.restrict({"entity": "contact", "record": world.ada, "fields": ["phone"]}),
        world.restrict(ground="claims"),
    ]
    agent, right = world.xrm.as_role("dsgvo_agent"), "+4973155567890"
    request = opened(agent)
    known(agent, request, world.ada)
    done(world.dsb, DECIDE, request=request, decision="granted")
    fields = {"phone": right, "last_name": "Weiß"}

    # when
    corrections = [{"entity": "contact", "record": world.ada, "field": k, "value": v} for k, v in fields.items()]
    assert done(agent, RECTIFY, request=request, corrections=corrections)["records"] == 1

    # then nothing is to be seen of it before that is lifted
    assert world.read() == {}
    left = dump(world.xrm)
    assert [each for each in (EMAIL, PHONE, right, "Weiß") if each.encode() in left] == []
    for each in reversed(restrictions):
        world.lift(each["restriction"])
    assert (world.read()["phone"], world.read()["lastName"]) == (right, "Weiß")


def test_who_is_restricted_is_known_by_their_address_and_may_object(world: World):
    world.restrict(ground="claims")
    agent, person = world.xrm.as_role("dsgvo_agent"), {"entity": "contact", "record": world.ada}

    request = opened(agent, "access", address=EMAIL)
    assert done(agent, IDENTIFY, request=request, grade="known_address", **person)["status"] == "in_work"
    other = opened(agent, "access", address="somebody@kanarie.example")
    agent.refused(IDENTIFY, REFUSED, i={"request": other, "grade": "known_address", **person})

    assert (
        world.consents.object(None, scope="specific", person=person, grounds="My situation")["status"] == "restricted"
    )
