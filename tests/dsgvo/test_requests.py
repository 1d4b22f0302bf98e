"""Requests of data subjects: intake, who has asked, the deadline and its extension, decisions with reasons, answers."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.dsgvo.conftest import OFFICER
from xrm_core.testing import Client, Xrm

STANDING = "request status internalDue due"
OPEN = f"mutation ($i: DsgvoRequestOpenInput!) {{ dsgvoRequestOpen(input: $i) {{ {STANDING} }} }}"
DOUBT = f"mutation ($i: DsgvoRequestDoubtInput!) {{ dsgvoRequestDoubt(input: $i) {{ {STANDING} }} }}"
IDENTIFY = f"mutation ($i: DsgvoRequestIdentifyInput!) {{ dsgvoRequestIdentify(input: $i) {{ {STANDING} }} }}"
EXTEND = f"mutation ($i: DsgvoRequestExtendInput!) {{ dsgvoRequestExtend(input: $i) {{ {STANDING} }} }}"
DECIDE = f"mutation ($i: DsgvoRequestDecideInput!) {{ dsgvoRequestDecide(input: $i) {{ {STANDING} }} }}"
ANSWER = f"mutation ($i: DsgvoRequestAnswerInput!) {{ dsgvoRequestAnswer(input: $i) {{ {STANDING} }} }}"
WITHDRAW = f"mutation ($i: DsgvoRequestWithdrawInput!) {{ dsgvoRequestWithdraw(input: $i) {{ {STANDING} }} }}"
RECTIFY = "mutation ($i: DsgvoRectifyInput!) { dsgvoRectify(input: $i) { records notices } }"
REFUSED = "REFUSED_BY_PLUGIN"
ADA = "ada@example.org"


def done(client: Client, document: str, **given: Any) -> dict[str, Any]:
    [answer] = client.query(document, i=given).values()
    return dict(answer)


def refused(client: Client, document: str, **given: Any) -> str:
    return client.refused(document, REFUSED, i=given).message


def opened(client: Client, kind: str = "rectification", days_ago: int = 0, **more: Any) -> str:
    """Its id."""
    day = (datetime.now(UTC).date() - timedelta(days=days_ago)).isoformat()
    return str(done(client, OPEN, kind=kind, receivedOn=day, via="letter", **more)["request"])


def known(client: Client, request: str, contact: str, **more: Any) -> None:
    given = {"request": request, "grade": "known_facts", "entity": "contact", "record": contact, **more}
    assert done(client, IDENTIFY, **given)["status"] == "in_work"


@pytest.fixture
def ada(xrm: Xrm) -> str:
    return str(xrm.create("contact", {"first_name": "Ada", "last_name": "Weiß", "email": ADA}))


def test_a_request_goes_its_way(xrm: Xrm, ada: str):
    agent, dsb = xrm.as_role("dsgvo_agent"), xrm.as_role("dsb")
    # given a request of somebody who writes from an address that nobody knows
    given = {"kind": "rectification", "receivedOn": "2026-01-31", "via": "e-mail", "address": "new@example.org"}
    request = done(agent, OPEN, **given, name="Ada Weiß", wording="My name is Byron now.")
    id_ = request["request"]
    assert request | {"request": ""} == {
        "request": "",
        "status": "received",
        "internalDue": "2026-02-28",
        "due": "2026-03-02",
    }
    # then nothing is decided before it is known who it is, and a passport is the last thing to ask for
    refused(dsb, DECIDE, request=id_, decision="granted")
    assert "known of the person" in refused(
        agent, IDENTIFY, request=id_, grade="known_address", entity="contact", record=ada
    )
    assert "reasonable doubt" in refused(agent, IDENTIFY, request=id_, grade="document", entity="contact", record=ada)
    refused(agent, DOUBT, request=id_, reasons=" ")
    waits = done(agent, DOUBT, request=id_, reasons="An address that we do not know; asked for the customer number.")
    assert (waits["status"], waits["due"]) == ("identity_check", "2026-03-02")
    known(agent, id_, ada)
    # and only an officer decides, and who refuses says why
    assert "data" not in agent.post(DECIDE, i={"request": id_, "decision": "granted"}).json()
    refused(dsb, DECIDE, request=id_, decision="partial", ground="rights_of_others", reasons="Of whom?")
    refused(dsb, DECIDE, request=id_, decision="partial", reasons="No ground.")
    refused(dsb, DECIDE, request=id_, decision="partial", ground="conditions")
    refused(dsb, DECIDE, request=id_, decision="granted", ground="law", reasons="Both.")
    refused(agent, ANSWER, request=id_, via="letter")
    assert done(dsb, DECIDE, request=id_, decision="granted")["status"] == "decided"
    refused(agent, ANSWER, request=id_, via=" ")
    assert "Nothing was rectified" in refused(agent, ANSWER, request=id_, via="letter")
    right = {"entity": "contact", "record": ada, "field": "last_name", "value": "Byron"}
    assert done(agent, RECTIFY, request=id_, corrections=[right])["records"] == 1
    assert done(agent, ANSWER, request=id_, via="letter")["status"] == "answered"
    # and it is over, and stays, whoever asks
    for document in (DOUBT, EXTEND):
        refused(agent, document, request=id_, reasons="x")
    refused(agent, WITHDRAW, request=id_, because="x")
    xrm.as_role("admin").refused("mutation ($id: ID!) { deleteDataSubjectRequest(id: $id) { id } }", REFUSED, id=id_)
    query = """query ($id: ID!) { dataSubjectRequest(id: $id) {
      name doubt identity identifiedBy { id } decidedBy { id } answerVia
      dataSubject { links { nodes { recordId } } } } }"""
    stored = xrm.as_role("admin").query(query, id=id_)["dataSubjectRequest"]
    assert stored["identity"] == "known_facts"
    assert stored["identifiedBy"]["id"] == agent.user_id
    assert stored["decidedBy"]["id"] == dsb.user_id
    assert [each["recordId"] for each in stored["dataSubject"]["links"]["nodes"]] == [ada]


def test_an_answer_to_an_address_that_is_known_needs_no_more(xrm: Xrm, ada: str):
    agent = xrm.as_role("dsgvo_agent")
    written = opened(agent, address="ADA@Example.org")
    by_phone = opened(agent, address="0170 1234567")
    given = {"grade": "known_address", "entity": "contact", "record": ada}

    assert done(agent, IDENTIFY, request=written, **given)["status"] == "in_work"
    refused(agent, IDENTIFY, request=by_phone, **given)
    xrm.as_role("admin").query(
        'mutation ($id: ID!) { updateContact(id: $id, input: {mobile: "+491701234567"}) { id } }', id=ada
    )
    assert done(agent, IDENTIFY, request=by_phone, **given)["status"] == "in_work"


def test_who_is_no_person_or_not_there_has_asked_for_nothing(xrm: Xrm, ada: str):
    agent = xrm.as_role("dsgvo_agent")
    request = opened(agent)
    activity = xrm.create("activity", {"kind": "call", "subject": "x", "regarding": {"contact": ada}})

    refused(agent, IDENTIFY, request=request, grade="session", entity="activity", record=activity)
    refused(agent, IDENTIFY, request=request, grade="session", entity="nothing", record=ada)
    refused(agent, IDENTIFY, request=request, grade="session", entity="contact", record=activity)
    candidate = [{"entity": "contact", "record": activity}]
    refused(agent, IDENTIFY, request=request, grade="session", entity="contact", record=ada, confirmed=candidate)
    refused(agent, OPEN, kind="access", receivedOn="1999-01-01", via="letter")
    refused(agent, OPEN, kind="access", receivedOn="2090-01-01", via="letter")
    # somebody of whom nothing is known has a right to be told so
    assert done(agent, IDENTIFY, request=request, grade="known_facts")["status"] == "in_work"


def test_a_request_is_extended_once_and_within_the_month(xrm: Xrm):
    agent = xrm.as_role("dsgvo_agent")
    late, request = opened(agent, days_ago=60), opened(agent, days_ago=1)
    before = done(agent, DOUBT, request=request, reasons="Who?")

    refused(agent, EXTEND, request=request, reasons="")
    after = done(agent, EXTEND, request=request, reasons="Many old systems.")

    assert after["internalDue"] == before["internalDue"]
    assert 50 < (date.fromisoformat(after["due"]) - date.fromisoformat(before["due"])).days < 70
    assert "already" in refused(agent, EXTEND, request=request, reasons="Once more.")
    assert "month is over" in refused(agent, EXTEND, request=late, reasons="Late.")


def test_what_is_unfounded_is_refused_without_knowing_who_has_asked(xrm: Xrm):
    agent, dsb = xrm.as_role("dsgvo_agent"), xrm.as_role("dsb")
    first, second = opened(agent, "access"), opened(agent, "access")
    given = {"request": first, "decision": "refused", "reasons": "Asked each day for a month."}

    assert "who has asked" in refused(dsb, DECIDE, **given, ground="law")
    assert done(dsb, DECIDE, **given, ground="excessive")["status"] == "decided"
    assert done(agent, ANSWER, request=first, via="e-mail")["status"] == "refused"
    assert done(agent, WITHDRAW, request=second, because="Called: a mistake.")["status"] == "withdrawn"


def test_an_erasure_is_answered_once_its_run_is_done(xrm: Xrm, ada: str):
    agent, dsb = xrm.as_role("dsgvo_agent"), xrm.as_role("dsb")
    other = str(xrm.create("contact", {"first_name": "Ben", "last_name": "Schwarz"}))
    request = opened(agent, "erasure")
    known(agent, request, ada)
    plan = "mutation ($i: DsgvoErasureOpenInput!) { dsgvoErasureOpen(input: $i) { run planHash } }"
    of_other = done(agent, plan, entity="contact", record=other)
    mine = done(agent, plan, entity="contact", record=ada)

    refused(dsb, DECIDE, request=request, decision="granted", erasureRun=of_other["run"])
    done(dsb, DECIDE, request=request, decision="granted", erasureRun=mine["run"])
    assert "not done" in refused(agent, ANSWER, request=request, via="letter")
    run = "mutation ($i: DsgvoErasureRunInput!) { dsgvoErasureRun(input: $i) { status } }"
    assert done(dsb, run, run=mine["run"], planHash=mine["planHash"])["status"] == "complete_with_retention"
    assert done(agent, ANSWER, request=request, via="letter")["status"] == "answered"


def test_an_objection_is_answered_once_it_works(xrm: Xrm, ada: str):
    agent, dsb = xrm.as_role("dsgvo_agent"), xrm.as_role("dsb")
    request = opened(agent, "objection")
    known(agent, request, ada)
    record = "mutation ($i: DsgvoObjectionRecordInput!) { dsgvoObjectionRecord(input: $i) { objection status } }"
    other = done(agent, record, to="ben@example.org")["objection"]
    mine = done(agent, record, person={"entity": "contact", "record": ada})["objection"]

    done(dsb, DECIDE, request=request, decision="granted")
    assert "not recorded" in refused(agent, ANSWER, request=request, via="letter")
    refused(dsb, DECIDE, request=request, decision="granted", objection=other)
    done(dsb, DECIDE, request=request, decision="granted", objection=mine)
    assert done(agent, ANSWER, request=request, via="letter")["status"] == "answered"


def test_requests_are_due_and_reminded_of(xrm: Xrm):
    agent = xrm.as_role("dsgvo_agent")
    late, new, over = opened(agent, days_ago=60), opened(agent), opened(agent)
    done(agent, WITHDRAW, request=over, because="Called.")

    due = agent.query("{ dsgvoDue { record what overdue } }")["dsgvoDue"]

    assert due == [
        {"record": late, "what": "request", "overdue": True},
        {"record": new, "what": "request", "overdue": False},
    ]
    xrm.work()  # from now on the schedule counts
    assert reminders(xrm) == []
    xrm.clock.advance(hours=1)
    assert len(reminders(xrm)) == 2
    xrm.clock.advance(days=28)
    assert len(reminders(xrm)) == 3


def reminders(xrm: Xrm) -> list[str]:
    """What the officer was reminded of by now."""
    xrm.work()
    return [str(mail["Subject"]) for mail in xrm.mails if mail["To"] == OFFICER and "Anfrage" in str(mail["Subject"])]
