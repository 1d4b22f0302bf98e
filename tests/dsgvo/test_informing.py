"""Privacy notices (Articles 13 and 14): what people were given, and who is still to be told, until when."""

from datetime import date, timedelta
from typing import Any

import pytest

from tests.dsgvo.canaries import Person
from tests.dsgvo.conftest import KEY
from tests.dsgvo.consents import Consents, consents  # noqa: F401 - a fixture
from tests.dsgvo.test_erasures import World
from xrm_core.testing import Setup

ADA = "ada@example.com"
OWE = "mutation ($i: DsgvoNoticeOweInput!) { dsgvoNoticeOwe(input: $i) { duty dueOn } }"
DELIVER = "mutation ($i: DsgvoNoticeDeliverInput!) { dsgvoNoticeDeliver(input: $i) { delivery duties } }"
EXEMPT = """
mutation ($id: ID!, $why: String!) { exemptNoticeDuty(id: $id, input: {exemption: known, because: $why}) { status } }"""
DUTY = "id entityName recordId source dueOn ground status"


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    own = {**KEY, "XRM_DSGVO_OWN_CONNECTORS": "channel:post.office"}  # mails leave by somebody else
    return Setup(plugins=["dsgvo", "sales"], pack="core", environment=own)


def notice(consents: Consents, text: str = "We have your data of Adressen AG.", edition: int = 1) -> str:  # noqa: F811
    values = {"key": "prospects", "language": "en", "edition": edition, "article": "article_14", "text": text}
    return consents.xrm.create("privacy_notice", values)


def owe(consents: Consents, record: str, entity: str = "contact", days: int = 0) -> dict[str, Any]:  # noqa: F811
    day = (date.today() - timedelta(days=days)).isoformat()
    given = {"person": {"entity": entity, "record": record}, "source": "Adressen AG", "collectedOn": day}
    return dict(consents.xrm.as_role("dsgvo_agent").query(OWE, i=given)["dsgvoNoticeOwe"])


def test_whose_data_was_bought_is_told_within_a_month(consents: Consents):  # noqa: F811
    contact = consents.xrm.create("contact", last_name="Kern", email=ADA)
    owed = owe(consents, contact, days=20)
    assert owe(consents, contact) == owed  # once
    due = consents.admin.query("{ dsgvoDue { what record due overdue } }")["dsgvoDue"]
    assert due == [{"what": "notice", "record": owed["duty"], "due": owed["dueOn"], "overdue": False}]
    consents.xrm.clock.advance(days=40)
    assert consents.admin.query("{ dsgvoDue { overdue } }")["dsgvoDue"] == [{"overdue": True}]

    given = {"notice": notice(consents), "person": {"entity": "contact", "record": contact}, "via": "letter"}
    delivered = consents.xrm.as_role("dsgvo_agent").query(DELIVER, i=given)["dsgvoNoticeDeliver"]

    assert delivered["duties"] == 1
    [stored] = consents.rows("noticeDeliveries", "id noticeVersion via dataSubject { id }")
    assert (stored["id"], stored["noticeVersion"], stored["via"]) == (delivered["delivery"], "prospects en 1", "letter")
    assert [each["status"] for each in consents.rows("noticeDuties", DUTY)] == ["told"]
    assert consents.admin.query("{ dsgvoDue { what } }")["dsgvoDue"] == []


def test_sources_of_leads_say_that_others_gave_the_data(consents: Consents):  # noqa: F811
    bought = consents.xrm.create("lead", last_name="Kern", company="Kern KG", email=ADA, source="partner")
    consents.xrm.create("lead", last_name="Bach", company="Bach KG", email="b@example.com", source="web_form")

    [duty] = consents.rows("noticeDuties", DUTY)

    assert (duty["entityName"], duty["recordId"], duty["ground"]) == ("lead", bought, "one_month")
    assert date.today() + timedelta(days=27) < date.fromisoformat(duty["dueOn"]) < date.today() + timedelta(days=32)


def test_the_first_message_is_the_last_moment_unless_it_brings_the_notice(consents: Consents):  # noqa: F811
    for name, to in (("Kern", ADA), ("Bach", "ben@example.com")):
        contact = consents.xrm.create("contact", last_name=name, email=to)
        owe(consents, contact)
        consents.consent(to, person={"entity": "contact", "record": contact})
    consents.permit(ADA)
    assert {each["ground"] for each in consents.rows("noticeDuties", DUTY)} == {"one_month"}

    assert consents.claim(ADA)["allowed"]
    assert consents.claim("ben@example.com", notice=notice(consents))["allowed"]

    newer = notice(consents, edition=2)
    for _ in range(2):  # of which nobody has taken the first attempt
        assert consents.claim("ben@example.com", notice=newer, message="m-1")["allowed"]

    late, told = consents.rows("noticeDuties", DUTY)
    assert (late["status"], late["ground"], late["dueOn"]) == ("open", "first_contact", date.today().isoformat())
    assert (told["status"], told["ground"]) == ("told", "one_month")
    delivery, second = consents.rows("noticeDeliveries", "via notice { edition } contactPoint { value }")
    assert second["notice"] == {"edition": 2}
    assert delivery == {"via": "email", "notice": {"edition": 1}, "contactPoint": {"value": "ben@example.com"}}
    assert consents.refused(
        "mutation ($i: DsgvoClaimInput!) { dsgvoClaim(input: $i) { allowed } }",
        i={"channel": "email", "to": ADA, "purpose": "news", "notice": delivery["via"]},
    )


def test_a_notice_stays_as_it_was_given_and_duties_are_nobodys_to_write(consents: Consents):  # noqa: F811
    text, contact = notice(consents), consents.xrm.create("contact", last_name="Kern", email=ADA)
    duty = owe(consents, contact)["duty"]
    update = 'mutation ($id: ID!) { updatePrivacyNotice(id: $id, input: {text: "Else"}) { text } }'
    assert consents.admin.query(update, id=text) == {"updatePrivacyNotice": {"text": "Else"}}
    consents.admin.query(DELIVER, i={"notice": text, "to": ADA})
    assert "new edition" in consents.refused(update, id=text).message
    values = {"noticeId": text, "noticeVersion": "x", "deliveredAt": "2026-01-01T00:00:00Z"}
    create = "mutation ($i: CreateNoticeDeliveryInput!) { createNoticeDelivery(input: $i) { id } }"
    assert "who was given it" in consents.refused(create, i=values).message
    done = "mutation ($id: ID!) { updateNoticeDuty(id: $id, input: {status: told}) { id } }"
    assert "dsgvoNoticeDeliver" in consents.refused(done, id=duty).message

    dsb = consents.xrm.as_role("dsb")
    assert "why" in dsb.refused(EXEMPT, "REFUSED_BY_PLUGIN", id=duty, why=" ").message
    assert dsb.query(EXEMPT, id=duty, why="They sent it themselves.") == {"exemptNoticeDuty": {"status": "exempt"}}
    dsb.refused(EXEMPT, "REFUSED_BY_PLUGIN", id=duty, why="Again.")


def test_letters_go_to_whoever_was_told_by_any_way(consents: Consents):  # noqa: F811
    person = {"entity": "contact", "record": consents.xrm.create("contact", last_name="Kern", email=ADA)}
    street = "Kern, Hauptstr. 1, 10115 Berlin"
    point = consents.xrm.create("contact_point", kind="post", value=street)
    consents.consent(ADA, "events", person=person)
    [subject] = consents.rows("dataSubjects", "id")
    consents.xrm.create("contact_point_holder", contact_point=point, data_subject=subject["id"])
    later = (date.today() + timedelta(days=90)).isoformat()
    values = {
        "kind": "legitimate_interests",
        "purpose": consents.purposes["news"],
        "reasons": "Fair",
        "review_on": later,
    }
    weighed = consents.xrm.create("assessment", values)
    consents.xrm.as_role("dsb").query("mutation ($id: ID!) { approveAssessment(id: $id) { status } }", id=weighed)
    assert consents.permit(street, channel="post") == "E_NO_BASIS"

    consents.admin.query(DELIVER, i={"notice": notice(consents), "person": person})

    assert consents.permit(street, channel="post") == "C_POST"


def test_who_is_erased_is_owed_nothing(consents: Consents):  # noqa: F811
    contact = consents.xrm.create("contact", last_name="Kern", email=ADA)
    owe(consents, contact)
    world = World(consents.xrm, consents.admin, Person("A"), Person("B"))
    world.a.records["contact"] = contact

    world.run(world.open(world.a))

    assert [each["status"] for each in consents.rows("noticeDuties", DUTY)] == ["gone"]


def test_what_one_of_a_family_is_given_tells_the_others_nothing(consents: Consents):  # noqa: F811
    # given two who are reached at one address, and are both to be told
    create, street = consents.xrm.create, "Kern, Hauptstr. 1, 10115 Berlin"
    ada, ben = (create("contact", last_name="Kern", first_name=name) for name in ("Ada", "Ben"))
    duties = {owe(consents, each)["duty"]: each for each in (ada, ben)}
    point = create("contact_point", kind="post", value=street)
    agent = consents.xrm.as_role("dsgvo_agent")
    for each in (ada, ben):
        subject = create("data_subject", {})
        create("data_subject_link", data_subject=subject, entity_name="contact", record_id=each)
        create("contact_point_holder", contact_point=point, data_subject=subject)
    text = notice(consents)

    # when Ada is given the notice there
    given = {"notice": text, "person": {"entity": "contact", "record": ada}, "to": street, "pointKind": "post"}
    told = agent.query(DELIVER, i=given)["dsgvoNoticeDeliver"]

    # then nothing is said of Ben, to whom no letter may go by that either
    assert told["duties"] == 1
    status = {duties[each["id"]]: each["status"] for each in consents.rows("noticeDuties", DUTY)}
    assert status == {ada: "told", ben: "open"}
    later = (date.today() + timedelta(days=90)).isoformat()
    values = {"kind": "legitimate_interests", "purpose": consents.purposes["news"], "reasons": "x", "review_on": later}
    weighed = create("assessment", values)
    consents.xrm.as_role("dsb").query("mutation ($id: ID!) { approveAssessment(id: $id) { status } }", id=weighed)
    assert consents.permit(street, channel="post") == "E_NO_BASIS"

    # when it is given to whoever is reached there
    assert (
        agent.query(DELIVER, i={"notice": text, "to": street, "pointKind": "post"})["dsgvoNoticeDeliver"]["duties"] == 1
    )

    # then both were
    assert {each["status"] for each in consents.rows("noticeDuties", DUTY)} == {"told"}
    assert consents.permit(street, channel="post") == "C_POST"


MERGE = "mutation ($into: ID!, $from: [ID!]!) { mergeContacts(into: $into, from: $from) { record { id } } }"


def of(contact: str) -> dict[str, str]:
    return {"entity": "contact", "record": contact}


def test_who_is_told_is_told_as_each_of_their_records(consents: Consents):  # noqa: F811
    # given one who is there twice, somebody of another first name at the same address, and somebody else
    create = consents.xrm.create
    twice = [create("contact", last_name="Kern", first_name="Ada", email=ADA) for _ in range(2)]
    family = create("contact", last_name="Kern", first_name="Ben", email=ADA)
    other = create("contact", last_name="Kern", first_name="Eve", email="eve@example.com")
    for each in (*twice, family, other):
        owe(consents, each)

    # when one of these records is told
    told = consents.admin.query(DELIVER, i={"notice": notice(consents), "person": of(twice[0])})["dsgvoNoticeDeliver"]

    # then the person is
    assert told["duties"] == 2
    status = {each["recordId"]: each["status"] for each in consents.rows("noticeDuties", "recordId status")}
    assert status == {twice[0]: "told", twice[1]: "told", family: "open", other: "open"}


def test_a_merge_ends_duties_of_who_was_told_since_and_keeps_the_others(consents: Consents):  # noqa: F811
    # given one who was told on a day, and came from elsewhere before that day as one record, and after it as another
    create, text = consents.xrm.create, notice(consents)
    consents.xrm.clock.set("2026-03-10T12:00Z")
    stays, before, after = (create("contact", last_name="Kern", first_name=name) for name in ("Ada", "A.", "Adele"))
    owe(consents, before)
    consents.admin.query(DELIVER, i={"notice": text, "person": of(stays)})
    consents.xrm.clock.set("2026-03-20T12:00Z")
    owe(consents, after)
    assert [each["status"] for each in consents.rows("noticeDuties", DUTY)] == ["open", "open"]

    # when it becomes known that they are one person
    for each in (before, after):
        consents.admin.query(MERGE, into=stays, **{"from": [each]})

    # then they are still to be told of what came since, by the record that is left
    first, second = consents.rows("noticeDuties", "recordId status")
    assert (first["status"], second["status"]) == ("told", "open")
    assert {first["recordId"], second["recordId"]} == {stays, after}
    consents.admin.query(DELIVER, i={"notice": text, "person": of(stays)})
    assert [each["status"] for each in consents.rows("noticeDuties", DUTY)] == ["told", "told"]


def test_what_told_the_record_that_went_tells_the_one_that_stays(consents: Consents):  # noqa: F811
    create, text = consents.xrm.create, notice(consents)
    stays, goes = (create("contact", last_name="Kern", first_name=name) for name in ("Ada", "A."))
    owe(consents, stays)
    consents.admin.query(DELIVER, i={"notice": text, "person": of(goes)})
    lead = create("lead", last_name="Kern", company="Kern KG", source="partner")
    assert [each["status"] for each in consents.rows("noticeDuties", DUTY)] == ["open", "open"]

    consents.admin.query(MERGE, into=stays, **{"from": [goes]})
    assert [each["status"] for each in consents.rows("noticeDuties", DUTY)] == ["told", "open"]

    # and a lead that becomes the contact is the same person
    become = "mutation ($id: ID!, $c: ID!) { updateLead(id: $id, input: {contactId: $c}) { id } }"
    consents.admin.query(become, id=lead, c=stays)
    assert [each["status"] for each in consents.rows("noticeDuties", DUTY)] == ["told", "told"]
