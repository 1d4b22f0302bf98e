"""Objections, suppressions, preferences, and reasons without a consent."""

from typing import Any

import pytest
from sqlalchemy import update

from tests.dsgvo.consents import CLAIM, OBJECT, PERMIT, PREFER, Consents, consents  # noqa: F401 - a fixture

ADA = "ada@example.com"
CALL = "+4930123456"


def test_an_objection_works_at_once_and_everywhere(consents: Consents):  # noqa: F811
    mail, call = consents.consent(ADA), consents.record(CALL, "phone")
    contact = consents.xrm.create("contact", last_name="Kern", email=ADA)
    person = {"entity": "contact", "record": contact}
    consents.consent("ada@work.example", person=person)

    told = consents.object("ADA@example.com", via="reply", grounds="No more of this!")

    assert (told["status"], told["withdrawn"]) == ("effective", 1)
    assert consents.permit(ADA) == "E_OBJECTION"
    assert (consents.xrm.get("consent", mail)["status"], consents.xrm.get("consent", call)["status"]) == (
        "withdrawn", "given",
    )  # fmt: skip
    [kept] = consents.rows("suppressions", "digest kind channel purpose { key } reason")
    assert (kept["kind"], kept["channel"], kept["purpose"], kept["reason"]) == ("email", None, None, "objection")
    assert "ada" not in str(kept)
    # what is needed for a contract still goes, what only calls itself so does not
    assert consents.permit(ADA, None, kind="transactional", free=True) == "T_CONTRACT"
    assert consents.permit(ADA, "news", kind="transactional") == "E_OBJECTION"

    # of a person: by all that the person is known to have
    assert consents.object(person=person)["withdrawn"] == 1
    assert consents.permit("ada@work.example") == "E_OBJECTION"


def test_an_objection_to_one_thing_leaves_the_rest(consents: Consents):  # noqa: F811
    consents.consent(ADA, "marketing")

    consents.object(ADA, purpose="events")

    assert (consents.permit(ADA, "events"), consents.permit(ADA)) == ("E_OBJECTION", "C_CONSENT")
    assert consents.refused(OBJECT, i={"to": ADA, "scope": "profiling"}).details["field"] == "purpose"
    assert consents.refused(OBJECT, i={}).message == "Name an address or a person."


def test_an_objection_to_a_certain_processing_restricts_until_it_is_decided(consents: Consents):  # noqa: F811
    contact = consents.xrm.create("contact", last_name="Kern", email=ADA)
    consents.consent(ADA, person={"entity": "contact", "record": contact})
    given = {"scope": "specific", "person": {"entity": "contact", "record": contact}, "grounds": "My situation"}

    told = consents.object(**given)

    assert told["status"] == "restricted"
    assert consents.permit(ADA) == "E_RESTRICTED"
    decide = """mutation ($id: ID!, $why: String!) {
      decideObjection(id: $id, input: {decision: rejected, assessment: $why}) { status } }"""
    close = "mutation ($id: ID!) { closeObjection(id: $id) { status } }"
    id_ = told["objection"]
    assert consents.refused(close, id=id_).message == "It is not decided."
    assert consents.refused(decide, id=id_, why=" ").details["field"] == "assessment"
    assert consents.admin.query(decide, id=id_, why="Compelling")["decideObjection"] == {"status": "rejected"}
    assert consents.admin.query(close, id=id_)["closeObjection"] == {"status": "closed"}
    consents.refused(decide, id=id_, why="Again")
    consents.refused("mutation ($id: ID!) { updateObjection(id: $id, input: {status: effective}) { id } }", id=id_)
    create = "mutation ($i: CreateObjectionInput!) { createObjection(input: $i) { id } }"
    consents.refused(create, i={"scope": "direct_marketing", "receivedAt": "2026-01-01T00:00:00Z", "via": "x"})


@pytest.mark.invariant("I15")
def test_do_not_contact_is_an_objection_and_taking_it_away_is_no_consent(consents: Consents):  # noqa: F811
    consents.consent(ADA)
    contact = consents.xrm.create(
        "contact", last_name="Kern", email=ADA, phone=CALL, mobile="+49 1", do_not_contact=True
    )
    assert consents.permit(ADA) == "E_OBJECTION"
    assert consents.permit(CALL, channel="phone") == "E_OBJECTION"
    before = len(consents.rows("consents", "id"))

    change = "mutation ($id: ID!) { updateContact(id: $id, input: {doNotContact: false}) { doNotContact } }"
    assert consents.admin.query(change, id=contact)["updateContact"] == {"doNotContact": False}

    assert consents.permit(ADA) == "E_OBJECTION"
    assert len(consents.rows("consents", "id")) == before


def test_flags_that_were_there_before_are_taken_over_once(consents: Consents):  # noqa: F811
    xrm = consents.xrm
    xrm.clock.set("2026-03-01T12:00Z")
    contact = xrm.create("contact", last_name="Kern", email=ADA, phone=CALL)
    table = xrm.platform.records.tables["contact"]
    with xrm.database.begin() as connection:  # as it was before the plugin came
        connection.execute(update(table).where(table.c.id == contact).values(do_not_contact=True))
    xrm.work()

    for expected in (2, 0):
        xrm.clock.advance(days=1)
        assert xrm.work().job("dsgvo.take_over_flags").result == {"objections": expected}

    assert consents.permit(ADA) == "E_OBJECTION"
    # an address that a flagged contact gets later is meant, too
    change = 'mutation ($id: ID!) { updateContact(id: $id, input: {email: "new@example.com"}) { email } }'
    consents.admin.query(change, id=contact)
    assert consents.permit("new@example.com") == "E_OBJECTION"


def test_what_comes_back_is_released_by_hand_what_was_objected_to_is_not(consents: Consents):  # noqa: F811
    consents.consent(ADA)
    [point] = consents.rows("contactPoints", "id")
    back = "mutation ($p: String!) { dsgvoUndeliverable(input: {contactPoint: $p}) }"
    release = 'mutation ($id: ID!) { releaseSuppression(id: $id, input: {because: "Works again"}) { status } }'
    consents.admin.query(back, p=point["id"])
    assert consents.permit(ADA) == "E_OBJECTION"
    [bounced] = consents.rows("suppressions", "id")
    consents.refused("mutation ($id: ID!) { deleteSuppression(id: $id) { id } }", id=bounced["id"])

    assert consents.admin.query(release, id=bounced["id"])["releaseSuppression"] == {"status": "released"}
    assert consents.permit(ADA) == "C_CONSENT"

    consents.object(ADA)
    [objected] = consents.rows("suppressions", "id", "{reason: {eq: objection}}")
    assert "only after a new consent" in consents.refused(release, id=objected["id"]).message


@pytest.mark.invariant("I14")
def test_preferences_narrow_and_never_allow(consents: Consents):  # noqa: F811
    assert consents.prefer(ADA, wish="wanted")["status"] == "set"
    assert consents.permit(ADA) == "E_NO_BASIS"
    consents.consent(ADA, "marketing")

    assert consents.prefer(ADA, wish="unwanted", topic="events")["status"] == "set"
    assert (consents.permit(ADA, "events"), consents.permit(ADA)) == ("P_PREFERENCE", "C_CONSENT")

    # at most one in 30 days, as it is counted and not as it is promised
    assert consents.prefer(ADA, wish="wanted", mostPerMonth=1)["status"] == "changed"
    assert [consents.claim(ADA)["code"] for _ in range(2)] == ["C_CONSENT", "P_PREFERENCE"]
    assert consents.prefer(ADA, clear=True)["status"] == "cleared"
    assert consents.permit(ADA) == "C_CONSENT"

    # not by night, where the person lives
    consents.xrm.clock.set("2026-07-01T21:30+02:00")
    consents.prefer(ADA, quietFrom="22:00", quietUntil="07:00")
    assert consents.permit(ADA) == "C_CONSENT"
    consents.xrm.clock.set("2026-07-01T22:00+02:00")
    assert consents.permit(ADA) == "P_PREFERENCE"
    consents.xrm.clock.set("2026-07-02T07:00+02:00")
    assert consents.permit(ADA) == "C_CONSENT"

    [first, *_] = consents.rows("preferences", "id status")
    for change in ("updatePreference(id: $id, input: {status: cleared})", "deletePreference(id: $id)"):
        consents.refused(f"mutation ($id: ID!) {{ {change} {{ id }} }}", id=first["id"])
    assert consents.refused(PREFER, i={"to": "ada"}).message == "It is no e-mail address."


def customer(consents: Consents, **more: Any) -> str:  # noqa: F811
    point = consents.xrm.create("contact_point", kind="email", value=ADA)
    values = {"order_ref": "A-17", "product_category": "presses", "notice_at_collection": "You can object at any time."}
    values |= {"collected_at": "2026-01-01T00:00:00Z", "contact_point": point}
    return consents.xrm.create("customer_exception", {**values, **more})


def test_existing_customers_get_what_all_four_conditions_allow(consents: Consents):  # noqa: F811
    id_ = customer(consents)
    whole = {"category": "presses", "notice": True}

    assert consents.permit(ADA, **whole) == "C_CUSTOMER"
    for less in ({"category": "lathes"}, {"category": None}, {"notice": False}):
        assert consents.permit(ADA, **{**whole, **less}) == "E_NO_BASIS"
    claim = consents.claim(ADA, productCategory="presses", optOutNotice=True)
    assert (claim["code"], claim["unsubscribe"].startswith("/plugins/dsgvo/withdraw/")) == ("C_CUSTOMER", True)
    change = (
        "mutation ($id: ID!, $i: UpdateCustomerExceptionInput!) { updateCustomerException(id: $id, input: $i) { id } }"
    )
    for field, value in (("status", "stale"), ("productCategory", "lathes")):
        consents.refused(change, id=id_, i={field: value})

    consents.object(ADA)

    assert consents.permit(ADA, **whole) == "E_OBJECTION"
    assert consents.xrm.get("customer_exception", id_)["status"] == "objected"


def test_letters_need_an_approved_assessment_and_a_notice(consents: Consents):  # noqa: F811
    town = "Ada Kern\nHauptstraße 1,  10115 Berlin"
    author, dsb = consents.xrm.as_role("dsb"), consents.xrm.as_role("dsb", last_name="Zweit")
    make = "mutation ($i: CreateAssessmentInput!) { createAssessment(input: $i) { id status } }"
    given = {
        "kind": "legitimate_interests",
        "purposeId": consents.purposes["marketing"],
        "reasons": "Few, and on paper.",
    }
    made = author.query(make, i={**given, "reviewOn": "2999-01-01"})["createAssessment"]
    approve = "mutation ($id: ID!) { approveAssessment(id: $id) { status } }"
    assert made["status"] == "draft"
    assert consents.permit(town, channel="post") == "E_NO_BASIS"
    assert "Somebody else" in author.refused(approve, "REFUSED_BY_PLUGIN", id=made["id"]).message
    assert dsb.query(approve, id=made["id"])["approveAssessment"] == {"status": "approved"}
    assert consents.permit(town, channel="post") == "E_NO_BASIS"

    point = consents.xrm.create("contact_point", kind="post", value=town)
    consents.xrm.create("notice_delivery", contact_point=point, notice_version="3", delivered_at="2026-01-01T00:00:00Z")

    assert consents.permit("ada kern hauptstraße 1, 10115 BERLIN", channel="post") == "C_POST"
    consents.object("Ada Kern Hauptstraße 1, 10115 Berlin", pointKind="post")
    assert consents.permit(town, channel="post") == "E_OBJECTION"


def test_without_a_key_no_advertising_goes(consents: Consents, xrm_with):  # noqa: F811
    from xrm_core.testing import Setup

    other = xrm_with(Setup(plugins=["dsgvo"]))
    other.create("consent_purpose", key="news", name_de="N", name_en="N")
    admin = other.as_role("admin")

    assert admin.query(PERMIT, channel="email", to=ADA, purpose="news")["dsgvoPermit"]["code"] == "E_NO_KEY"
    free = admin.query(PERMIT, channel="email", to=ADA, kind="transactional", free=True)["dsgvoPermit"]
    assert (free["allowed"], free["code"]) == (True, "T_CONTRACT")
    assert admin.query(CLAIM, i={"channel": "email", "to": ADA, "purpose": "news"})["dsgvoClaim"]["code"] == "E_NO_KEY"
    assert "XRM_DSGVO_SUPPRESSION_KEY" in admin.refused(OBJECT, "REFUSED_BY_PLUGIN", i={"to": ADA}).message
