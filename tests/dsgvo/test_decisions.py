"""Automated decisions (Article 22): kept with what they rest on, contested, reviewed by a human."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.dsgvo.test_breaches import DUE, ago
from xrm_core.testing import Xrm

RECORD = "mutation ($i: DsgvoDecisionRecordInput!) { dsgvoDecisionRecord(input: $i) { decision status due } }"
CONTEST = "mutation ($i: DsgvoDecisionContestInput!) { dsgvoDecisionContest(input: $i) { status due } }"
REVIEW = "mutation ($i: DsgvoDecisionReviewInput!) { dsgvoDecisionReview(input: $i) { status } }"
REFUSED = "REFUSED_BY_PLUGIN"


def given(contact: str, **more: Any) -> dict[str, Any]:
    return {
        "person": {"entity": "contact", "record": contact},
        "activity": "vertrieb.anbahnung",
        "allowed": "contract",
        "model": "Credit limits",
        "version": "7",
        "inputs": ["contact.birthday"],
        "threshold": "600",
        "outcome": "Prepayment only",
        "effect": "Pays before delivery.",
        **more,
    }


def test_a_decision_is_contested_and_reviewed_by_somebody_else_in_time(xrm: Xrm):
    agent, dsb, auditor = (xrm.as_role(name) for name in ("dsgvo_agent", "dsb", "auditor"))
    contact = xrm.create("contact", last_name="Kern")

    kept = agent.query(RECORD, i=given(contact))["dsgvoDecisionRecord"]
    decision = kept["decision"]
    assert (kept["status"], kept["due"]) == ("decided", None)
    review = {"decision": decision, "result": "changed", "reasons": "Wrong address.", "outcome": "On account"}
    dsb.refused(REVIEW, REFUSED, i=review)  # nobody has asked for it
    asked = {"decision": decision, "receivedAt": ago(hours=1), "via": "phone", "statement": "That is not me."}
    due = agent.query(CONTEST, i=asked)["dsgvoDecisionContest"]["due"]
    assert due >= (datetime.now(UTC) + timedelta(days=27)).date().isoformat()
    assert [(each["what"], each["record"], each["due"]) for each in dsb.query(DUE)["dsgvoDue"]] == [
        ("decision_review", decision, due)
    ]

    assert "data" not in agent.post(REVIEW, i=review).json()
    dsb.refused(REVIEW, REFUSED, i=review | {"outcome": None})
    assert dsb.query(REVIEW, i=review)["dsgvoDecisionReview"] == {"status": "reviewed"}
    assert dsb.query(DUE)["dsgvoDue"] == []
    read = "{ automatedDecisions { nodes { outcome reviewResult reviewOutcome statement inputs } } }"
    [stored] = auditor.query(read)["automatedDecisions"]["nodes"]
    assert stored == {
        "outcome": "Prepayment only",
        "reviewResult": "changed",
        "reviewOutcome": "On account",
        "statement": "That is not me.",
        "inputs": {"fields": ["contact.birthday"]},
    }
    forge = "mutation ($id: ID!) { deleteAutomatedDecision(id: $id) { id } }"
    xrm.as_role("admin").refused(forge, REFUSED, id=decision)


def test_what_is_no_decision_is_refused_and_who_recorded_it_does_not_review_it(xrm: Xrm):
    dsb = xrm.as_role("dsb")
    contact = xrm.create("contact", last_name="Kern")
    for wrong, field in (
        ({"activity": "no.such"}, "activity"),
        ({"inputs": ["contact.shoe_size"]}, "inputs"),
        ({"person": {}}, "person"),
        ({"outcome": " "}, "outcome"),
        ({"decidedAt": ago(hours=-1)}, "decided_at"),
    ):
        assert dsb.refused(RECORD, REFUSED, i=given(contact, **wrong)).details["field"] == field
    decision = dsb.query(RECORD, i=given(contact))["dsgvoDecisionRecord"]["decision"]
    dsb.query(CONTEST, i={"decision": decision, "receivedAt": ago(hours=1), "via": "mail"})
    review = {"decision": decision, "result": "upheld", "reasons": "All was right."}
    assert "not who has recorded it" in dsb.refused(REVIEW, REFUSED, i=review).message
    assert xrm.as_role("admin").query(REVIEW, i=review)["dsgvoDecisionReview"] == {"status": "reviewed"}
