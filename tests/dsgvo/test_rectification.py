"""Rectification (Article 16), and that recipients are told of it, of erasures and of restrictions (Article 19)."""

from typing import Any

import pytest
import xrm_dsgvo

from tests.dsgvo.conftest import KEY
from tests.dsgvo.test_disclosures import SHIP, SHIPPING, SMS, TELEMETRY, in_force
from tests.dsgvo.test_requests import ANSWER, DECIDE, RECTIFY, done, known, opened, refused
from xrm_core.testing import Client, Setup, Xrm

SEND = "mutation ($i: DsgvoNoticesSendInput!) { dsgvoNoticesSend(input: $i) { byMail byHand } }"
COUNTER = "mutation ($i: DsgvoCounterStateInput!) { dsgvoCounterState(input: $i) { statement } }"
STATEMENTS = """query ($r: ID!) { counterStatements(where: {recordId: {eq: $r}}) {
  nodes { id entityName fieldName text } } }"""
ACCESS = "mutation ($i: DsgvoAccessInput!) { dsgvoAccess(input: $i) { toReview { text } } }"
TELL = "mutation ($i: DsgvoNoticeTellInput!) { dsgvoNoticeTell(input: $i) { status } }"
WAIVE = "mutation ($i: DsgvoNoticeWaiveInput!) { dsgvoNoticeWaive(input: $i) { status } }"
NOTICES = "{ recipientNotices { nodes { id status via entityName recordId fields processor { name } } } }"
PRIVACY = "privacy@carrier.example"
MOBILE = "+4915112345678"


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    return Setup(plugins={"dsgvo": xrm_dsgvo, "ship": SHIPPING}, environment=KEY)


@pytest.fixture
def ada(xrm: Xrm) -> str:
    """Whose mobile number and name have gone to a carrier."""
    contact = {"first_name": "Ada", "last_name": "Weiß", "mobile": MOBILE, "job_title": "CTO"}
    id_ = str(xrm.create("contact", contact))
    in_force(xrm, TELEMETRY, SMS)
    xrm.as_role("admin").query(SHIP, id=id_, f=["mobile", "last_name"])
    return id_


def granted(xrm: Xrm, contact: str, kind: str = "rectification", **more: Any) -> str:
    """A request that is worked on and was granted."""
    agent = xrm.as_role("dsgvo_agent")
    request = opened(agent, kind)
    known(agent, request, contact)
    done(xrm.as_role("dsb"), DECIDE, request=request, decision="granted", **more)
    return request


def notices(client: Client) -> list[dict[str, Any]]:
    return list(client.query(NOTICES)["recipientNotices"]["nodes"])


def right(contact: str, field: str, value: str | None) -> dict[str, Any]:
    return {"entity": "contact", "record": contact, "field": field, "value": value}


def reachable(xrm: Xrm) -> None:
    """The carrier has said where to write to."""
    [one] = xrm.as_role("admin").query("{ processors { nodes { id } } }")["processors"]["nodes"]
    document = "mutation ($id: ID!, $to: String!) { updateProcessor(id: $id, input: {noticesTo: $to}) { id } }"
    xrm.as_role("admin").query(document, id=one["id"], to=PRIVACY)


def test_wrong_data_become_right_and_who_got_them_is_told(xrm: Xrm, ada: str):
    agent = xrm.as_role("dsgvo_agent")
    request = granted(xrm, ada)

    # a field that has gone to nobody concerns nobody else
    changes = [right(ada, "job_title", "CEO"), right(ada, "last_name", "Byron"), right(ada, "active", "false")]
    made = done(agent, RECTIFY, request=request, corrections=changes)

    assert made == {"records": 1, "notices": 1}
    query = "query ($id: ID!) { contact(id: $id) { lastName jobTitle active } }"
    stored = xrm.as_role("admin").query(query, id=ada)["contact"]
    assert stored == {"lastName": "Byron", "jobTitle": "CEO", "active": False}
    [notice] = notices(agent)
    assert (notice["processor"], notice["recordId"]) == ({"name": "Carrier"}, ada)
    assert notice["fields"] == {"names": ["last_name"]}
    assert "Article 19" in refused(agent, ANSWER, request=request, via="letter")
    # by mail as far as there is an address, without values of anybody
    assert done(agent, SEND, request=request) == {"byMail": 0, "byHand": 1}
    reachable(xrm)
    assert done(agent, SEND, request=request) == {"byMail": 1, "byHand": 0}
    xrm.work()
    [mail] = [each for each in xrm.mails if each["To"] == PRIVACY]
    text = mail.get_content()
    assert "berichtigt" in text
    assert "last_name" in text
    assert ada in text
    assert not {"Byron", "Weiß", "Ada", MOBILE} & set(text.split())
    assert [(each["status"], each["via"]) for each in notices(agent)] == [("told", "mail")]
    assert done(agent, ANSWER, request=request, via="letter")["status"] == "answered"


def test_only_what_is_theirs_is_corrected_and_only_once_it_was_granted(xrm: Xrm, ada: str):
    agent = xrm.as_role("dsgvo_agent")
    other = str(xrm.create("contact", {"first_name": "Ben", "last_name": "Schwarz"}))
    waiting = opened(agent, "rectification")
    known(agent, waiting, ada)
    request = granted(xrm, ada)

    refused(agent, RECTIFY, request=waiting, corrections=[right(ada, "last_name", "Byron")])
    for wrong in (right(other, "last_name", "X"), right(ada, "owner", other), right(ada, "full_name", "X")):
        assert "no field of theirs" in refused(agent, RECTIFY, request=request, corrections=[wrong])
    refused(agent, RECTIFY, request=request, corrections=[right(ada, "active", "perhaps")])
    agent.refused(RECTIFY, "VALIDATION_FAILED", i={"request": request, "corrections": [right(ada, "email", "x")]})
    # what is wrong in one is done in none, and what is right already counts as rectified
    both = [right(ada, "last_name", "Byron"), right(other, "last_name", "X")]
    refused(agent, RECTIFY, request=request, corrections=both)
    same = [right(ada, "last_name", "Weiß")]
    assert done(agent, RECTIFY, request=request, corrections=same) == {"records": 0, "notices": 1}


def test_what_a_person_says_to_an_opinion_stands_beside_it(xrm: Xrm, ada: str):
    # given an opinion about somebody, who disputes it
    agent = xrm.as_role("dsgvo_agent")
    note = {"kind": "call", "subject": "Unreliable", "regarding": {"contact": ada}}
    activity = str(xrm.create("activity", note))
    request = granted(xrm, ada)
    assert "dsgvoCounterState" in refused(agent, ANSWER, request=request, via="letter")
    said = {"request": request, "entity": "activity", "record": activity, "text": "I was ill for a week."}

    # when they say what there is to say to it
    refused(agent, COUNTER, **said, field="kind")
    refused(agent, COUNTER, **{**said, "record": ada}, field="subject")
    done(agent, COUNTER, **said, field="subject")

    # then the opinion is as it was, the statement is beside it, and stays
    [kept] = agent.query(STATEMENTS, r=activity)["counterStatements"]["nodes"]
    assert (kept["fieldName"], kept["text"]) == ("subject", "I was ill for a week.")
    admin = xrm.as_role("admin")
    assert (
        admin.query("query ($id: ID!) { activity(id: $id) { subject } }", id=activity)["activity"]["subject"]
        == "Unreliable"
    )
    admin.refused("mutation ($id: ID!) { deleteCounterStatement(id: $id) { id } }", "REFUSED_BY_PLUGIN", id=kept["id"])
    assert done(agent, ANSWER, request=request, via="letter")["status"] == "answered"
    # and an answer tells both
    asked = opened(agent, "access")
    known(agent, asked, ada)
    review = done(agent, ACCESS, request=asked)["toReview"]
    assert {each["text"] for each in review} >= {"Unreliable", "I was ill for a week."}


def test_recipients_of_what_was_erased_are_told_once_it_is_done(xrm: Xrm, ada: str):
    agent, dsb = xrm.as_role("dsgvo_agent"), xrm.as_role("dsb")
    plan = "mutation ($i: DsgvoErasureOpenInput!) { dsgvoErasureOpen(input: $i) { run planHash } }"
    request = opened(agent, "erasure")
    known(agent, request, ada)
    made = done(agent, plan, entity="contact", record=ada)
    done(dsb, DECIDE, request=request, decision="granted", erasureRun=made["run"])

    assert "not done" in refused(agent, SEND, request=request)
    run = "mutation ($i: DsgvoErasureRunInput!) { dsgvoErasureRun(input: $i) { status } }"
    done(dsb, run, run=made["run"], planHash=made["planHash"])
    # the notice knows which record it was, though nobody is in it any more
    [notice] = notices(agent)
    assert (notice["recordId"], notice["fields"]) == (ada, {"names": ["last_name", "mobile"]})
    refused(agent, TELL, notice=notice["id"], via="")
    assert done(agent, TELL, notice=notice["id"], via="phone") == {"status": "told"}
    refused(agent, TELL, notice=notice["id"], via="phone")
    assert done(agent, ANSWER, request=request, via="letter")["status"] == "answered"


def test_an_officer_waives_a_notice_with_a_reason(xrm: Xrm, ada: str):
    agent, dsb = xrm.as_role("dsgvo_agent"), xrm.as_role("dsb")
    request = granted(xrm, ada, "restriction")
    [notice] = notices(agent)

    assert "data" not in agent.post(WAIVE, i={"notice": notice["id"], "because": "Gone."}).json()
    refused(dsb, WAIVE, notice=notice["id"], because=" ")
    assert done(dsb, WAIVE, notice=notice["id"], because="The company is dissolved.") == {"status": "waived"}
    assert "not restricted" in refused(agent, ANSWER, request=request, via="letter")
    query = "query ($id: ID!) { dataSubjectRequest(id: $id) { dataSubject { id } } }"
    subject = agent.query(query, id=request)["dataSubjectRequest"]["dataSubject"]["id"]
    restrict = "mutation ($i: DsgvoRestrictionOpenInput!) { dsgvoRestrictionOpen(input: $i) { status } }"
    person = {"dataSubject": subject}
    assert done(dsb, restrict, person=person, ground="claims", because="Asked for.")["status"] == "active"
    assert done(agent, ANSWER, request=request, via="letter")["status"] == "answered"
