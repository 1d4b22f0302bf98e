"""Contacts that are merged: objections of both hold for all that the person is reached at, and nothing is widened."""

from tests.dsgvo.consents import Consents, consents  # noqa: F401 - a fixture

ADA, OTHER, THIRD = "ada@example.com", "a.kern@example.com", "third@example.com"
MERGE = "mutation ($into: ID!, $from: [ID!]!) { mergeContacts(into: $into, from: $from) { record { email } } }"


def person(contact: str) -> dict[str, str]:
    return {"entity": "contact", "record": contact}


def test_what_one_of_them_objected_to_holds_for_the_other_and_the_other_way_round(consents: Consents):  # noqa: F811
    xrm, admin = consents.xrm, consents.admin
    stays = xrm.create("contact", last_name="Kern", email=ADA)
    goes = xrm.create("contact", last_name="Kern", email=OTHER)
    third = xrm.create("contact", last_name="Kern", email=THIRD)
    consent = consents.consent(ADA, person=person(stays))
    consents.object(OTHER, person=person(goes))
    assert consents.permit(ADA) == "C_CONSENT"  # nobody knows that they are one

    admin.query(MERGE, into=stays, **{"from": [goes]})

    assert consents.permit(ADA) == "E_OBJECTION"
    assert consents.permit(OTHER) == "E_OBJECTION"
    assert consents.rows("consents", "id status") == [{"id": consent, "status": "withdrawn"}]
    # whoever becomes part of who has objected has objected, too
    assert consents.permit(THIRD) == "E_NO_BASIS"
    admin.query(MERGE, into=stays, **{"from": [third]})
    assert consents.permit(THIRD) == "E_OBJECTION"
    # what is needed for a contract still goes
    assert consents.permit(ADA, kind="transactional", free=True) == "T_CONTRACT"


def test_a_narrow_objection_stays_narrow_and_a_restriction_stays(consents: Consents):  # noqa: F811
    xrm, admin = consents.xrm, consents.admin
    stays = xrm.create("contact", last_name="Kern", email=ADA)
    goes = xrm.create("contact", last_name="Kern", email=OTHER)
    consents.consent(ADA, person=person(stays))
    consents.consent(ADA, "events", person=person(stays))
    consents.object(OTHER, person=person(goes), purpose="events", channel="email")

    admin.query(MERGE, into=stays, **{"from": [goes]})

    assert consents.permit(ADA, "events") == "E_OBJECTION"
    assert consents.permit(ADA, "news") == "C_CONSENT"


def test_a_merge_of_people_who_have_said_nothing_makes_nothing(consents: Consents):  # noqa: F811
    xrm = consents.xrm
    stays = xrm.create("contact", last_name="Kern", email=ADA)
    goes = xrm.create("contact", last_name="Kern", email=OTHER)

    consents.admin.query(MERGE, into=stays, **{"from": [goes]})
    xrm.as_role("admin").query("mutation ($id: ID!) { deleteContact(id: $id) { id } }", id=stays)

    assert consents.rows("dataSubjects", "id") == []
