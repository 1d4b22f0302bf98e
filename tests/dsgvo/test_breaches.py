"""Breaches: the clock (I22), the steps, the texts; what is due; which activities may need an impact assessment."""

import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xrm_dsgvo.breach.states import due_at
from xrm_dsgvo.due.criteria import Scale, found_of
from xrm_dsgvo.privacy import privacy_of
from xrm_dsgvo.registers import registers_of

from tests.dsgvo.conftest import OFFICER
from tests.dsgvo.lint_kit import OWN_REGISTERS, PACK, model_of
from xrm_core.testing import Client, Xrm

OPEN = "mutation ($i: DsgvoBreachOpenInput!) { dsgvoBreachOpen(input: $i) { breach status dueAt } }"
ASSESS = "mutation ($i: DsgvoBreachAssessInput!) { dsgvoBreachAssess(input: $i) { status } }"
NOTIFY = "mutation ($i: DsgvoBreachNotifyInput!) { dsgvoBreachNotify(input: $i) { status } }"
INFORM = "mutation ($i: DsgvoBreachInformInput!) { dsgvoBreachInform(input: $i) { status } }"
PERSONS = "mutation ($i: DsgvoBreachPersonsInput!) { dsgvoBreachPersons(input: $i) { status } }"
CLOSE = "mutation ($b: String!) { dsgvoBreachClose(input: {breach: $b}) { status } }"
NOTICE = """
query ($b: String!, $to: DsgvoBreachNoticeTo!) {
  dsgvoBreachNotice(breach: $b, to: $to) { subject text missing }
}"""
DUE = "{ dsgvoDue { entity record what due overdue } }"
REFUSED = "REFUSED_BY_PLUGIN"


LOGIC = {"de": "Nach Regeln.", "en": "By rules."}


def ago(**long: float) -> str:
    return (datetime.now(UTC) - timedelta(**long)).isoformat()


def opened(client: Client, at: str, **more: Any) -> dict[str, Any]:
    given_ = {"summary": "A laptop was stolen.", "noticedAt": at, **more}
    return dict(client.query(OPEN, i=given_)["dsgvoBreachOpen"])


@pytest.mark.invariant("I22")
@given(st.datetimes(datetime(2024, 1, 1), datetime(2032, 12, 31), timezones=st.just(ZoneInfo("Europe/Berlin"))))
def test_the_clock_heeds_no_weekend_no_holiday_and_no_summer_time(noticed: datetime):
    assert due_at(noticed, 72).timestamp() - noticed.timestamp() == 72 * 3600


def test_a_breach_goes_its_way(xrm: Xrm):
    agent, dsb = xrm.as_role("dsgvo_agent"), xrm.as_role("dsb")
    noticed = ago(hours=80)
    found = opened(agent, noticed)
    breach = found["breach"]
    assert found["status"] == "aware"
    due = datetime.fromisoformat(found["dueAt"])
    assert due - datetime.fromisoformat(noticed) == timedelta(hours=72)

    # it is not closed before all is done, and nothing is told before it is assessed
    dsb.refused(CLOSE, REFUSED, b=breach)
    told = {"breach": breach, "authority": "LDI NRW", "notifiedAt": ago(hours=1)}
    dsb.refused(NOTIFY, REFUSED, i=told)
    assert "data" not in agent.post(ASSESS, i={}).json()
    high = {"breach": breach, "risk": "high", "reasons": "Not encrypted.", "persons": 12, "consequences": "Fraud."}
    dsb.refused(ASSESS, REFUSED, i={**high, "categories": ["user.nothing"]})
    dsb.query(ASSESS, i={**high, "categories": ["user.contact.email"]})
    # late, so reasons are needed
    assert "reasons for the delay" in dsb.refused(NOTIFY, REFUSED, i=told).message
    late = {**told, "delayReasons": "Nobody had looked.", "partial": True}
    assert dsb.query(NOTIFY, i=late)["dsgvoBreachNotify"] == {"status": "notified_partial"}
    dsb.query(NOTIFY, i={**told, "reference": "7-12", "content": "Twelve persons, not ten."})
    phases = "{ breachNotifications(orderBy: [{id: ASC}]) { nodes { recipient partial reference content } } }"
    assert dsb.query(phases)["breachNotifications"]["nodes"] == [
        {"recipient": "authority", "partial": True, "reference": None, "content": None},
        {"recipient": "authority", "partial": False, "reference": "7-12", "content": "Twelve persons, not ten."},
    ]
    dsb.refused(CLOSE, REFUSED, b=breach)
    # the persons
    subject = xrm.create("data_subject", party="consumer")
    dsb.query(PERSONS, i={"breach": breach, "dataSubjects": [subject, subject]})
    dsb.refused(INFORM, REFUSED, i={"breach": breach})
    dsb.query(INFORM, i={"breach": breach, "informedAt": ago(minutes=5)})
    persons = dsb.query("{ breachSubjects { nodes { informedAt dataSubject { id } } } }")["breachSubjects"]["nodes"]
    assert [(each["dataSubject"]["id"], each["informedAt"] is None) for each in persons] == [(subject, False)]
    assert dsb.query(CLOSE, b=breach)["dsgvoBreachClose"] == {"status": "closed"}
    dsb.refused(ASSESS, REFUSED, i=high)
    # the register stays, whoever asks
    xrm.as_role("admin").refused("mutation ($b: ID!) { deleteDataBreach(id: $b) { id } }", REFUSED, b=breach)


def test_below_the_threshold_nobody_is_told_and_a_suspicion_has_no_clock(xrm: Xrm):
    dsb = xrm.as_role("dsb")
    breach = opened(dsb, ago(hours=1))["breach"]
    none = {"breach": breach, "risk": "none", "reasons": "Encrypted, and the key is safe."}

    assert dsb.query(ASSESS, i=none)["dsgvoBreachAssess"] == {"status": "not_notifiable"}
    assert dsb.query(CLOSE, b=breach)["dsgvoBreachClose"] == {"status": "closed"}
    suspected = opened(dsb, ago(hours=9), suspected=True)
    assert (suspected["status"], suspected["dueAt"]) == ("suspected", None)
    confirm = "mutation ($i: DsgvoBreachConfirmInput!) { dsgvoBreachConfirm(input: $i) { status dueAt } }"
    at = ago(minutes=1)
    known = dsb.query(confirm, i={"breach": suspected["breach"], "noticedAt": at})["dsgvoBreachConfirm"]
    assert datetime.fromisoformat(known["dueAt"]) - datetime.fromisoformat(at) == timedelta(hours=72)
    dsb.refused(OPEN, REFUSED, i={"summary": "x", "noticedAt": ago(hours=-1)})


def test_persons_are_told_before_the_authority_has_all_and_a_risk_that_grows_is_said_later(xrm: Xrm):
    dsb = xrm.as_role("dsb")
    told = {"authority": "LDI NRW", "notifiedAt": ago(minutes=30)}
    early, late = (opened(dsb, ago(hours=1))["breach"] for _ in range(2))
    high = {"risk": "high", "reasons": "Passwords."}

    # high from the beginning: the persons first
    dsb.query(ASSESS, i={"breach": early, **high})
    dsb.query(INFORM, i={"breach": early, "informedAt": ago(minutes=40)})
    dsb.refused(CLOSE, REFUSED, b=early)
    assert dsb.query(NOTIFY, i={"breach": early, **told})["dsgvoBreachNotify"] == {"status": "persons_informed"}
    assert dsb.query(CLOSE, b=early)["dsgvoBreachClose"] == {"status": "closed"}
    # it was thought to be less; then an exemption falls
    dsb.query(ASSESS, i={"breach": late, "risk": "risk", "reasons": "Few."})
    dsb.query(NOTIFY, i={"breach": late, **told})
    assert [each["what"] for each in dsb.query(DUE)["dsgvoDue"]] == []
    assert dsb.query(ASSESS, i={"breach": late, **high})["dsgvoBreachAssess"] == {"status": "notified"}
    assert [each["what"] for each in dsb.query(DUE)["dsgvoDue"]] == ["breach_persons"]
    exempt = {"breach": late, "exception": "protected", "reasons": "Encrypted."}
    assert dsb.query(INFORM, i=exempt)["dsgvoBreachInform"] == {"status": "exempt"}
    assert dsb.query(DUE)["dsgvoDue"] == []
    dsb.query(ASSESS, i={"breach": late, "risk": "high", "reasons": "The key was stolen, too."})
    dsb.refused(CLOSE, REFUSED, b=late)
    assert [each["what"] for each in dsb.query(DUE)["dsgvoDue"]] == ["breach_persons"]


def test_a_processor_tells_its_controller_and_a_suspicion_ends_with_reasons(xrm: Xrm):
    dsb = xrm.as_role("dsb")
    breach = opened(dsb, ago(hours=1), onBehalfOf="Harbour Ltd")["breach"]
    dsb.query(ASSESS, i={"breach": breach, "risk": "risk", "reasons": "Open port."})
    draft = dsb.query(NOTICE, b=breach, to="controller")["dsgvoBreachNotice"]
    dsb.query(NOTIFY, i={"breach": breach, "authority": "Harbour Ltd", "notifiedAt": ago(minutes=1), "partial": True})

    assert "Art. 33 Abs. 2" in draft["subject"]
    assert "Harbour Ltd" in draft["text"]
    notified = dsb.query("{ breachNotifications { nodes { recipient partial } } }")["breachNotifications"]["nodes"]
    assert notified == [{"recipient": "controller", "partial": True}]
    assert [each["what"] for each in dsb.query(DUE)["dsgvoDue"]] == ["breach_more"]
    added = dsb.query(NOTICE, b=breach, to="controller")["dsgvoBreachNotice"]["text"]
    assert "Ergänzt die Meldung vom" in added
    suspected = opened(dsb, ago(hours=1), suspected=True)["breach"]
    dsb.refused(CLOSE, REFUSED, b=suspected)
    because = "mutation ($i: DsgvoBreachCloseInput!) { dsgvoBreachClose(input: $i) { status } }"
    closed = dsb.query(because, i={"breach": suspected, "because": "A test of ours."})
    assert closed["dsgvoBreachClose"] == {"status": "closed"}


def test_the_notification_says_what_is_known_and_what_is_missing(xrm: Xrm):
    dsb = xrm.as_role("dsb")
    breach = opened(dsb, ago(hours=1))["breach"]
    more = {"categories": ["user.contact.email"], "persons": 12, "consequences": "Spam."}
    dsb.query(ASSESS, i={"breach": breach, "risk": "high", "reasons": "Many.", **more})

    authority = dsb.query(NOTICE, b=breach, to="authority")["dsgvoBreachNotice"]
    persons = dsb.query(NOTICE, b=breach, to="persons")["dsgvoBreachNotice"]

    assert "Art. 33 DSGVO" in authority["subject"]
    assert "Zahl der Betroffenen (etwa):\n12" in authority["text"]
    assert set(authority["missing"]) == {
        "Anlaufstelle für Fragen",
        "Zahl der Datensätze (etwa)",
        "Ergriffene und vorgeschlagene Maßnahmen",
    }
    assert "Our company" in persons["text"]
    assert "12" not in persons["text"]


def test_what_is_due_is_told_and_reminded_of_once(xrm: Xrm):
    dsb = xrm.as_role("dsb")
    breach = opened(dsb, ago(hours=60))["breach"]
    measure = {"key": "M1", "name_de": "x", "name_en": "x", "goal": "integrity", "test_again_on": "2020-01-01"}
    tested = xrm.create("technical_measure", measure)
    xrm.create("technical_measure", {**measure, "key": "M2", "test_again_on": "2999-01-01"})

    mailer = xrm.create("processor", key="mailer", name="Mailer", role="controller", country="US")
    until = {"processor": mailer, "country": "US", "instrument": "adequacy", "checked_on": "2020-01-01"}
    soon = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()
    ends = xrm.create("data_transfer", {**until, "valid_until": soon})
    xrm.create("data_transfer", {**until, "valid_until": "2999-01-01"})

    found = dsb.query(DUE)["dsgvoDue"]

    assert [(each["what"], each["record"], each["overdue"]) for each in found] == [
        ("measure_test", tested, True),
        ("breach", breach, False),
        ("transfer_ends", ends, False),
    ]
    xrm.work()  # from now on the schedule counts
    xrm.clock.advance(hours=1)
    first = ["Datenpanne: Meldung an die Aufsichtsbehörde", "Grundlage einer Übermittlung endet"]
    assert reminders(xrm) == [*first, "Maßnahme ist wieder zu prüfen"]
    xrm.clock.advance(hours=12)  # the breach is over; of all else nobody is told again
    assert reminders(xrm) == [first[0], *first, "Maßnahme ist wieder zu prüfen"]


def reminders(xrm: Xrm) -> list[str]:
    """What the officer was reminded of by now."""
    xrm.work()
    subjects = (str(mail["Subject"]) for mail in xrm.mails if mail["To"] == OFFICER)
    return sorted(each.partition(" – ")[0] for each in subjects if "Änderungsprotokoll" not in each)


@pytest.mark.parametrize(
    ("field", "words", "criteria", "required"),
    [
        ("nickname", {}, {"special_category", "vulnerable_persons"}, True),
        (
            "nickname",
            {"decision": "art22", "logic": LOGIC},
            {"automated_decision", "special_category", "vulnerable_persons"},
            True,
        ),
        ("nickname", {"category": "user.location"}, {"sensitive", "special_category", "vulnerable_persons"}, True),
    ],
)
def test_annotations_tell_what_speaks_for_an_impact_assessment(
    field: str, words: dict[str, Any], criteria: set[str], required: bool, tmp_path: Any
):
    pack = copy.deepcopy(dict(PACK))
    pack["person"]["properties"][field]["x-dsgvo"] |= words
    path = tmp_path / "registers.json"
    path.write_text(json.dumps(OWN_REGISTERS), "utf-8")

    found = list(found_of(privacy_of(model_of(pack, str(path))), registers_of((path,))))

    [care] = [each for each in found if each.activity == "vertrieb.kundenpflege"]
    assert (set(care.criteria), care.required) == (criteria, required)


def test_what_was_decided_of_an_activity_is_told_with_what_speaks_for_it(xrm: Xrm):
    dsb, admin = xrm.as_role("dsb"), xrm.as_role("admin")
    create = "mutation ($i: CreateAssessmentInput!) { createAssessment(input: $i) { id } }"
    impact = {"kind": "impact", "reasons": "Weighed.", "reviewOn": "2999-01-01"}

    dsb.refused(create, REFUSED, i=impact)  # of what?
    dsb.refused(create, REFUSED, i={**impact, "kind": "legitimate_interests"})
    dsb.refused(create, REFUSED, i={**impact, "activity": "no.such", "outcome": "acceptable"})
    given_ = {**impact, "activity": "verwaltung.benutzer", "outcome": "acceptable"}
    approve = "mutation ($id: ID!) { approveAssessment(id: $id) { status } }"
    lacking = dsb.query(create, i=given_)["createAssessment"]["id"]
    assert "advice" in admin.refused(approve, REFUSED, id=lacking).message
    whole = {"risks": "Tracking.", "measures": "None is watched.", "officerAdvice": "Fine."}
    id_ = dsb.query(create, i=given_ | whole)["createAssessment"]["id"]
    before = triggers_by_activity(dsb)
    admin.query(approve, id=id_)
    after = triggers_by_activity(dsb)

    assert "vulnerable_persons" in before["verwaltung.benutzer"]["criteria"]
    assert before["verwaltung.benutzer"]["outcome"] is None
    assert after["verwaltung.benutzer"]["outcome"] == "acceptable"
    assert {key for key, each in after.items() if each["outcome"]} == {"verwaltung.benutzer"}
    assert not any(each["changed"] for each in after.values())
    record = dsb.query("{ dsgvoArt30(format: html, language: en) { content } }")["dsgvoArt30"]["content"]
    assert "Impact assessment (Article 35), the risk is acceptable, to be reviewed on 2999-01-01" in record

    # a recipient abroad comes
    activities = {"keys": ["verwaltung.benutzer"]}
    xrm.create("processor", key="abroad", name="Far", role="controller", country="US", activities=activities)
    then = triggers_by_activity(dsb)["verwaltung.benutzer"]
    assert (then["changed"], "third_country" in then["criteria"], "abroad" in then["fields"]) == (True, True, True)
    assert [(each["what"], each["record"]) for each in dsb.query(DUE)["dsgvoDue"]] == [("impact_changed", id_)]
    # that none is needed takes reasons alone, and somebody else
    small = dsb.query(create, i={**given_, "outcome": "not_needed"})["createAssessment"]["id"]
    dsb.refused(approve, REFUSED, id=small)
    admin.query(approve, id=small)
    assert triggers_by_activity(dsb)["verwaltung.benutzer"]["outcome"] == "not_needed"
    assert dsb.query(DUE)["dsgvoDue"] == []


def test_what_is_to_be_asked_of_the_authority_is_due_until_it_was(xrm: Xrm):
    dsb, admin = xrm.as_role("dsb"), xrm.as_role("admin")
    create = "mutation ($i: CreateAssessmentInput!) { createAssessment(input: $i) { id } }"
    whole = {"risks": "Tracking.", "measures": "None.", "officerAdvice": "Ask.", "outcome": "consult_authority"}
    given_ = {"kind": "impact", "reasons": "Weighed.", "reviewOn": "2999-01-01", "activity": "verwaltung.benutzer"}
    id_ = dsb.query(create, i=given_ | whole)["createAssessment"]["id"]
    admin.query("mutation ($id: ID!) { approveAssessment(id: $id) { status } }", id=id_)

    assert [each["what"] for each in dsb.query(DUE)["dsgvoDue"]] == ["consultation"]
    update = 'mutation ($id: ID!) { updateAssessment(id: $id, input: {consultedOn: "2026-01-01"}) { id } }'
    dsb.query(update, id=id_)
    assert dsb.query(DUE)["dsgvoDue"] == []
    sneak = 'mutation ($id: ID!) { updateAssessment(id: $id, input: {criteria: {keys: ["scoring"]}}) { id } }'
    dsb.refused(sneak, REFUSED, id=id_)


@pytest.mark.parametrize(
    ("words", "scale", "listed"),
    [
        ({}, Scale(), set()),
        ({}, Scale({"person": 10_000}), {"art35.special"}),
        ({"decision": "art22", "logic": LOGIC}, Scale(), {"art35.decisions"}),
        ({"category": "user.location"}, Scale({"person": 20_000}), {"art35.special", "list.location"}),
        ({"category": "user.financial", "decision": "profiling", "logic": LOGIC}, Scale(), {"list.credit"}),
    ],
)
def test_kinds_of_the_list_are_found(words: dict[str, Any], scale: Scale, listed: set[str], tmp_path: Any):
    pack = copy.deepcopy(dict(PACK))
    pack["person"]["properties"]["nickname"]["x-dsgvo"] |= words
    path = tmp_path / "registers.json"
    path.write_text(json.dumps(OWN_REGISTERS), "utf-8")

    found = found_of(privacy_of(model_of(pack, str(path))), registers_of((path,)), scale)

    [care] = [each for each in found if each.activity == "vertrieb.kundenpflege"]
    assert {each.key for each in care.listed} == listed
    assert ("large_scale" in care.criteria) is bool(scale.persons)


def triggers_by_activity(client: Client) -> dict[str, Any]:
    found = client.query("{ dsgvoImpactTriggers { activity criteria fields required outcome changed } }")
    return {each["activity"]: each for each in found["dsgvoImpactTriggers"]}
