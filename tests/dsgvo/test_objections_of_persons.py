"""Who objects as a person objects by all that they are reached at: on all their records, now and later."""

from typing import Any

import pytest

from tests.dsgvo.conftest import KEY
from tests.dsgvo.consents import Consents, consents  # noqa: F401 - a fixture
from tests.dsgvo.test_restrictions import ANNOUNCE, LIFT, OPEN
from xrm_core.testing import Setup

ADA, LATER, WORK = "ada@example.com", "later@example.com", "ada@work.example"
CONVERT = """
mutation ($id: ID!, $contact: ID) {
  convertLead(id: $id, input: {contact: $contact, opportunity: false}) { id }
}"""


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    return Setup(
        plugins=["dsgvo", "sales"], pack="core", environment=KEY, settings={"secret_key": "0123456789abcdef" * 3}
    )


def person(record: str, entity: str = "contact") -> dict[str, str]:
    return {"entity": entity, "record": record}


def done(consents: Consents, document: str, **given: Any) -> dict[str, Any]:  # noqa: F811
    [answer] = consents.xrm.as_role("dsb").query(document, i=given).values()
    return dict(answer)


def blocked(consents: Consents, *to: str) -> list[str]:  # noqa: F811
    """Which of them are blocked, whoever would be written to."""
    codes = {each: consents.permit(each, channel="phone" if each.startswith("+") else "email") for each in to}
    return [each for each, code in codes.items() if code == "E_OBJECTION"]


def test_what_stands_in_the_address_book_is_blocked_though_nobody_had_written_to_it(consents: Consents):  # noqa: F811
    contact = consents.xrm.create("contact", last_name="Kern", email=ADA, mobile="+4917012345678")

    consents.object(person=person(contact))

    assert blocked(consents, ADA, "+4917012345678", WORK) == [ADA, "+4917012345678"]


def test_an_address_that_comes_later_is_blocked_as_it_comes(consents: Consents):  # noqa: F811
    contact = consents.xrm.create("contact", last_name="Kern", email=ADA)
    other = consents.xrm.create("contact", last_name="Other", email=WORK)
    given = consents.consent(LATER)
    consents.object(person=person(contact), purpose="news")

    update = "mutation ($id: ID!, $mail: String) { updateContact(id: $id, input: {email: $mail}) { id } }"
    consents.admin.query(update, id=contact, mail=LATER)
    consents.admin.query(update, id=other, mail="else@example.com")

    assert blocked(consents, ADA, LATER, "else@example.com") == [ADA, LATER]
    assert consents.xrm.get("consent", given)["status"] == "withdrawn"
    assert consents.permit(LATER, "events") == "E_NO_BASIS"  # it was about news alone


@pytest.mark.parametrize("who", ["lead", "contact"])
def test_a_lead_and_the_contact_that_it_became_are_one(consents: Consents, who: str):  # noqa: F811
    lead = consents.xrm.create("lead", last_name="Kern", company="Kern KG", email=ADA)
    contact = consents.xrm.create("contact", last_name="Kern", email=WORK)
    consents.admin.query(CONVERT, id=lead, contact=contact)

    consents.object(person=person({"lead": lead, "contact": contact}[who], who))

    assert blocked(consents, ADA, WORK) == [ADA, WORK]


def test_what_a_lead_has_objected_to_holds_for_the_contact_that_it_becomes(consents: Consents):  # noqa: F811
    lead = consents.xrm.create("lead", last_name="Kern", company="Kern KG", email=ADA)
    contact = consents.xrm.create("contact", last_name="Kern", email=WORK)
    consents.object(person=person(lead, "lead"))
    assert blocked(consents, ADA, WORK) == [ADA]

    consents.admin.query(CONVERT, id=lead, contact=contact)

    assert blocked(consents, ADA, WORK) == [ADA, WORK]
    links: list[dict[str, Any]] = consents.rows("dataSubjectLinks", "entityName recordId dataSubject { id }")
    assert {(each["entityName"], each["recordId"]) for each in links} == {("lead", lead), ("contact", contact)}
    assert len({each["dataSubject"]["id"] for each in links}) == 1


def test_no_more_advertising_is_for_all_addresses_of_who_is_there_alone(consents: Consents):  # noqa: F811
    contact = consents.xrm.create("contact", last_name="Kern", email=ADA, mobile="+4917012345678")
    consents.consent(ADA, person=person(contact))
    link = consents.claim(ADA)["unsubscribe"]
    assert "auf keinem Weg" in consents.xrm.http.get(link).text

    consents.xrm.http.post(link, data={"leave": "all"})

    assert blocked(consents, ADA, "+4917012345678") == [ADA, "+4917012345678"]


def test_of_a_shared_address_nobody_knows_who_has_pressed_the_button(consents: Consents):  # noqa: F811
    for name, mobile in (("Kern", "+4917012345678"), ("Bach", "+4917012345679")):
        contact = consents.xrm.create("contact", last_name=name, email=ADA, mobile=mobile)
        consents.consent(ADA, person=person(contact))
    link = consents.claim(ADA)["unsubscribe"]
    assert "an diese Adresse" in consents.xrm.http.get(link).text

    consents.xrm.http.post(link, data={"leave": "all"})

    assert blocked(consents, ADA, "+4917012345678", "+4917012345679") == [ADA]


def test_what_is_objected_to_while_a_person_is_restricted_holds_after_that(consents: Consents):  # noqa: F811
    contact = consents.xrm.create("contact", last_name="Kern", email=ADA)
    consents.consent(ADA, person=person(contact))
    restricted = {"person": person(contact), "ground": "accuracy", "because": "The address is contested."}
    id_ = done(consents, OPEN, **restricted)["restriction"]
    assert consents.permit(ADA) == "E_RESTRICTED"

    consents.object(ADA)
    done(consents, ANNOUNCE, restriction=id_, via="letter")
    done(consents, LIFT, restriction=id_, because="It is right.")

    assert blocked(consents, ADA) == [ADA]
