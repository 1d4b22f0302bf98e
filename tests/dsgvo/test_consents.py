"""Consents: asked for, confirmed, recorded, withdrawn; and what nobody can write."""

import hashlib
import json

import pytest
from sqlalchemy import inspect

from tests.dsgvo.conftest import OFFICER
from tests.dsgvo.consents import CONFIRM, RECORD, REQUEST, Consents, consents  # noqa: F401 - a fixture

ADA = "ada@example.com"
STATUS = "status confirmedAt events { nodes { position kind } }"


def kinds(found: dict) -> list[str]:
    return [each["kind"] for each in sorted(found["events"]["nodes"], key=lambda each: each["position"])]


def test_a_consent_counts_when_it_is_confirmed_by_the_link(consents: Consents):  # noqa: F811
    # given somebody who has asked for news
    id_, token = consents.request("  Ada@EXAMPLE.com ")
    assert token is not None
    assert consents.permit(ADA) == "E_NO_BASIS"
    stored = consents.xrm.get("consent", id_)
    assert stored is not None
    assert token not in str(stored)
    assert stored["token_hash"] == hashlib.sha256(token.encode()).hexdigest()

    # when they confirm it, twice
    answers = [consents.admin.query(CONFIRM, t=token)["dsgvoConsentConfirm"]["status"] for _ in range(2)]

    # then it counts, for what they were shown and the address that they have
    assert answers == ["given", "given"]
    [found] = consents.rows("consents", STATUS)
    assert kinds(found) == ["requested", "confirmation_sent", "confirmed"]
    assert consents.permit("ADA@example.COM") == "C_CONSENT"
    assert consents.permit("ben@example.com") == "E_NO_BASIS"
    assert consents.permit(ADA, "events") == "E_NO_BASIS"
    assert consents.permit("+49 30 123456", channel="sms") == "E_NO_BASIS"
    assert consents.refused(CONFIRM, t="other").message == "There is no such link."


def test_nobody_is_bombed_with_requests_and_old_links_lapse(consents: Consents):  # noqa: F811
    consents.xrm.clock.set("2026-03-01T12:00Z")
    consents.xrm.work()
    first, token = consents.request(ADA)
    assert consents.request(ADA) == (first, None)

    # a day later somebody asks again: there is a new link, and the old one is none any more
    consents.xrm.clock.set("2026-03-02T12:00:01Z")
    second, newer = consents.request(ADA)
    assert second != first
    assert consents.refused(CONFIRM, t=token).message == "There is no such link."

    # nobody confirms it in time
    consents.xrm.clock.set("2026-03-16T12:00:02Z")
    assert consents.refused(CONFIRM, t=newer).message == "The link is not valid any more. Ask for a new one."
    assert consents.xrm.work().job("dsgvo.lapse").result == {"consents": 1}
    assert [found["status"] for found in consents.rows("consents", STATUS)] == ["lapsed", "lapsed"]


def test_who_does_not_confirm_is_forgotten(consents: Consents):  # noqa: F811
    xrm = consents.xrm
    xrm.work()
    kept = consents.consent("known@example.com")
    for purpose, to in (("news", "stranger@example.com"), ("events", "known@example.com")):
        consents.request(to, purpose)
    xrm.clock.advance(days=15)
    xrm.work()
    assert sorted(each["status"] for each in consents.rows("consents", "status")) == ["given", "lapsed", "lapsed"]

    xrm.clock.advance(days=2)
    assert xrm.work().job("dsgvo.forget_unconfirmed").result == {"consents": 2}

    assert [each["id"] for each in consents.rows("consents", "id")] == [kept]
    assert {each["consent"]["id"] for each in consents.rows("consentEvents", "consent { id }")} == {kept}
    points = {str(each["value"]) for each in consents.rows("contactPoints", "value")}
    assert points - {OFFICER} == {"None", "known@example.com"}
    with xrm.database.read() as connection:
        for name in inspect(connection).get_table_names():
            rows = connection.exec_driver_sql(f'SELECT * FROM "{name}"').all()
            assert "stranger@" not in str(rows), name
    assert consents.permit("known@example.com") == "C_CONSENT"
    assert consents.consent("stranger@example.com")  # who comes back is somebody new


def test_nobody_is_bombed_by_other_purposes_or_other_names(consents: Consents):  # noqa: F811
    xrm = consents.xrm
    for name in ("Kern", "Bach", "Graf"):
        contact = xrm.create("contact", last_name=name)
        assert consents.request("victim@example.com", person={"entity": "contact", "record": contact})[1]

    def refused() -> bool:
        return "confirmed" in consents.refused(REQUEST, i=consents.given("victim@example.com", "events")).message

    assert refused()  # within a day
    consents.request("other@example.com", "events")
    xrm.clock.advance(days=2)
    for purpose in ("events", "tracking"):
        consents.request("victim@example.com", purpose)
    xrm.clock.advance(days=2)
    assert refused()  # within 30 days
    xrm.clock.advance(days=31)
    consent, token = consents.request("victim@example.com", "events")
    assert consents.admin.query(CONFIRM, t=token)["dsgvoConsentConfirm"] == {"consent": consent, "status": "given"}


def test_a_consent_by_phone_or_on_paper_needs_evidence(consents: Consents):  # noqa: F811
    given = consents.given("030 123456", channel="phone", collectionMethod="phone")
    told = consents.refused(RECORD, i={"consent": given, "grantedAt": "2026-01-01T00:00:00Z"})
    assert (told.details["field"], told.message) == (
        "evidence",
        "Say what shows that the consent was given: without evidence it is none.",
    )
    given["evidence"] = "Recording 17"
    late = consents.refused(RECORD, i={"consent": given, "grantedAt": "2999-01-01T00:00:00Z"})
    assert late.message == "A consent is given in the past."
    assert consents.refused(REQUEST, i=given).details["field"] == "channel"

    consents.record("030 123456", "phone")

    assert consents.permit("+49 30 123456", channel="phone") == "C_PHONE"
    assert consents.permit("+49 30 123456", channel="robocall") == "E_NO_BASIS"


def test_withdrawing_works_at_once_for_all_topics_below(consents: Consents):  # noqa: F811
    above, below = consents.consent(ADA, "marketing"), consents.consent(ADA, "news")
    call = consents.record("+4930123456", "phone")
    assert (consents.permit(ADA, "events"), consents.permit(ADA)) == ("C_CONSENT", "C_CONSENT")

    assert consents.withdraw(above) == 2

    assert [consents.xrm.get("consent", each)["status"] for each in (above, below)] == ["withdrawn"] * 2
    assert (consents.permit(ADA, "events"), consents.permit(ADA)) == ("E_OBJECTION", "E_OBJECTION")
    assert consents.xrm.get("consent", call)["status"] == "given"
    assert consents.withdraw(above) == 0

    # and a new consent of theirs, for one topic, is for this topic
    consents.consent(ADA, "events")
    assert (consents.permit(ADA, "events"), consents.permit(ADA)) == ("C_CONSENT", "E_OBJECTION")


@pytest.mark.parametrize("way", ["graphql", "bulk", "upsert", "other plugin"])
def test_no_status_is_written_by_any_way(consents: Consents, way: str):  # noqa: F811
    id_, token = consents.request(ADA)
    admin, platform = consents.admin, consents.xrm.platform
    documents = {
        "graphql": "mutation ($id: ID!) { updateConsent(id: $id, input: {status: given}) { id } }",
        "bulk": "mutation ($id: ID!) { updateConsents(ids: [$id], set: {status: given}) { ids } }",
        "upsert": """mutation ($hash: String!) {
          upsertConsent(by: tokenHash, input: {tokenHash: $hash, status: given}) { record { id } } }""",
    }
    if way == "other plugin":
        with pytest.raises(Exception, match="A consent is changed by"), platform.database.begin() as connection:
            platform.records.update(connection, consents.xrm._system(), "consent", id_, {"status": "given"})
    else:
        variables = {"hash": hashlib.sha256(token.encode()).hexdigest()} if way == "upsert" else {"id": id_}
        answer = admin.post(documents[way], **variables).json()
        assert "A consent is changed by" in str(answer["errors"])
    event = {"consentId": id_, "position": 3, "kind": "confirmed", "at": "2026-01-01T00:00:00Z"}
    consents.refused("mutation ($i: CreateConsentEventInput!) { createConsentEvent(input: $i) { id } }", i=event)
    consents.refused("mutation ($id: ID!) { deleteConsent(id: $id) { id } }", id=id_)
    assert consents.xrm.get("consent", id_)["status"] == "pending_confirmation"
    assert consents.admin.query(CONFIRM, t=token)["dsgvoConsentConfirm"]["status"] == "given"


@pytest.mark.invariant("I16")
def test_events_and_uses_only_grow(consents: Consents):  # noqa: F811
    consents.consent(ADA)
    assert consents.claim(ADA)["allowed"]
    [event, *_], [use] = consents.rows("consentEvents", "id"), consents.rows("consentUses", "id code")
    for entity, id_ in (("ConsentEvent", event["id"]), ("ConsentUse", use["id"])):
        consents.refused(f"mutation ($id: ID!) {{ delete{entity}(id: $id) {{ id }} }}", id=id_)
        field = 'note: "x"' if entity == "ConsentEvent" else 'message: "x"'
        consents.refused(f"mutation ($id: ID!) {{ update{entity}(id: $id, input: {{{field}}}) {{ id }} }}", id=id_)
    assert use["code"] == "C_CONSENT"


CREATE = "mutation ($i: CreateConsentInput!) { createConsent(input: $i) { id status } }"


def test_what_is_imported_is_unproven_and_never_sendable(consents: Consents):  # noqa: F811
    point = consents.xrm.create("contact_point", kind="email", value=" ADA@example.com")
    row = {"contactPointId": point, "channel": "email", "purposeId": consents.purposes["news"], "source": "old.csv"}
    for field, value in (("status", "given"), ("confirmedAt", "2020-01-01T00:00:00Z"), ("tokenHash", "ab")):
        assert consents.refused(CREATE, i={**row, field: value}).details["field"] in (
            field,
            "confirmed_at",
            "token_hash",
        )

    made = consents.admin.query(CREATE, i={**row, "explicit": True})["createConsent"]

    assert made["status"] == "unproven"
    [found] = consents.rows("consents", "status explicit events { nodes { position kind } }")
    assert (kinds(found), found["explicit"]) == (["imported"], False)
    assert consents.permit(ADA) == "E_NO_BASIS"
    # a proof of their own replaces it
    consents.consent(ADA)
    assert consents.xrm.get("consent", made["id"])["status"] == "superseded"


def test_a_text_that_was_shown_and_a_place_in_the_tree_stay(consents: Consents):  # noqa: F811
    rewrite = 'mutation ($id: ID!) { updateConsentDeclaration(id: $id, input: {text: "Anders"}) { id } }'
    consents.admin.query(rewrite, id=consents.declaration)
    consents.request(ADA)
    move = "mutation ($id: ID!) { updateConsentPurpose(id: $id, input: {parentId: null}) { id } }"

    assert "make a new edition" in consents.refused(rewrite, id=consents.declaration).message
    assert "Make a new one" in consents.refused(move, id=consents.purposes["news"]).message


def test_contact_points_have_one_form_and_stay(consents: Consents):  # noqa: F811
    create = consents.xrm.create
    point = create("contact_point", kind="phone", value="(030) 12 34 56")
    assert consents.xrm.get("contact_point", point)["value"] == "+4930123456"
    assert consents.xrm.get("contact_point", create("contact_point", kind="email", value="Info@Exämple.com")) | {
        "id": "", "created_at": "", "updated_at": "", "created_by": None, "updated_by": None, "version": 1,
    } == {
        "id": "", "created_at": "", "updated_at": "", "created_by": None, "updated_by": None, "version": 1,
        "kind": "email", "value": "info@xn--exmple-cua.com", "role_mailbox": True,
    }  # fmt: skip
    make = "mutation ($i: CreateContactPointInput!) { createContactPoint(input: $i) { id } }"
    for kind, value in (("email", "ada"), ("phone", "12"), ("post", "  ")):
        consents.refused(make, i={"kind": kind, "value": value})
    change = 'mutation ($id: ID!) { updateContactPoint(id: $id, input: {value: "+4930999999"}) { id } }'
    assert "stays what it is" in consents.refused(change, id=point).message


def test_what_was_not_used_for_two_years_is_stale_until_it_is_ended(consents: Consents):  # noqa: F811
    consents.xrm.clock.set("2026-02-28T12:00Z")
    id_ = consents.consent(ADA)
    consents.xrm.clock.set("2028-02-28T11:00Z")
    assert consents.claim(ADA)["code"] == "C_CONSENT"  # which is a use
    consents.xrm.clock.set("2030-02-28T10:00Z")
    assert consents.permit(ADA) == "C_CONSENT"
    consents.xrm.clock.set("2030-02-28T12:00Z")
    assert consents.permit(ADA) == "E_STALE"

    ended = consents.xrm.as_role("dsb").query("mutation ($id: ID!) { endConsent(id: $id) { status } }", id=id_)

    assert ended["endConsent"] == {"status": "expired"}
    assert consents.permit(ADA) == "E_NO_BASIS"


def test_merging_contacts_and_sharing_an_address_widen_nothing(consents: Consents):  # noqa: F811
    create = consents.xrm.create
    ada, other = (
        create("contact", last_name="Kern", email=ADA),
        create("contact", last_name="Kern", email="a@b.example"),
    )
    consents.consent(ADA, person={"entity": "contact", "record": ada})

    merge = "mutation ($into: ID!, $from: ID!) { mergeContacts(into: $into, from: [$from]) { record { id } } }"
    consents.admin.query(merge, **{"into": other, "from": ada})
    assert (consents.permit("a@b.example"), consents.permit(ADA)) == ("E_NO_BASIS", "C_CONSENT")

    # somebody else at this address objects: nobody there gets anything, whatever the first one confirms
    ben = create("contact", last_name="Bach", email=ADA)
    second = consents.consent(ADA, "events", person={"entity": "contact", "record": ben})
    consents.object(person={"entity": "contact", "record": ben})
    assert consents.xrm.get("consent", second)["status"] == "withdrawn"
    assert consents.permit(ADA) == "E_OBJECTION"


def test_a_dry_run_of_a_claim_notes_nothing(consents: Consents):  # noqa: F811
    consents.consent(ADA)
    document = """mutation ($i: DsgvoClaimInput!) { dsgvoClaim(input: $i, dryRun: true) { allowed } }"""
    told = consents.admin.query(document, i={"channel": "email", "to": ADA, "purpose": "news"})
    assert told["dsgvoClaim"] == {"allowed": True}
    assert consents.rows("consentUses", "id") == []


def test_a_consent_is_shown_whole_and_printable(consents: Consents):  # noqa: F811
    contact = consents.xrm.create("contact", last_name="Kern")
    given = {"person": {"entity": "contact", "record": contact}, "evidence": "Box <ticked>", "noticeVersion": "7"}
    id_ = consents.consent(ADA, controllers=["Our company", "Partner AG"], products=["press"], **given)
    consents.claim(ADA, products=["press"])
    consents.withdraw(id_)
    ask = "query ($c: String!) { dsgvoConsentReceipt(consent: $c, language: %s) { record html } }"

    german = consents.xrm.as_role("auditor").query(ask % "de", c=id_)["dsgvoConsentReceipt"]
    english = consents.admin.query(ask % "en", c=id_)["dsgvoConsentReceipt"]

    for page, title in ((german["html"], "Protokoll einer Einwilligung"), (english["html"], "Protocol of a consent")):
        assert f"<h1>{title}</h1>" in page
        for each in (
            "Ja, ich möchte Neuigkeiten per E-Mail bekommen.",
            ADA,
            "Partner AG",
            "press",
            "Box &lt;ticked&gt;",
        ):
            assert each in page
    assert '<html lang="de">' in german["html"]
    steps = ["Angefragt", "Um Bestätigung gebeten", "Bestätigt", "Widerrufen"]
    found = [german["html"].rindex(f"<td>{each}</td>") for each in steps]
    assert found == sorted(found)
    record = json.loads(german["record"])
    assert record == json.loads(english["record"])
    [purpose] = record["pii_processing"]["purposes"]
    assert (purpose["purpose_type"], purpose["recipient_third_parties"]) == ("news", ["Partner AG"])
    assert record["pii_processing"]["privacy_notice"] == "7"
    assert (record["record_id"], record["event_state"], record["event"][-1]["event_type"]) == (id_, *["withdrawn"] * 2)
    assert [each["party_name"] for each in record["party_identification"]] == ["Our company", "Partner AG"]
    consents.refused(ask % "de", c=contact)
    consents.xrm.as_role("sales_rep").refused(ask % "de", "BAD_QUERY", c=id_)
