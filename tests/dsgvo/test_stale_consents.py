"""A consent that is too old may be kept by an officer until a day, and is too old again after it."""

from typing import Any

import pytest

from tests.dsgvo.consents import Consents, consents  # noqa: F401 - a fixture
from xrm_core.testing import Client

KEEP = "mutation ($i: DsgvoConsentKeepInput!) { dsgvoConsentKeep(input: $i) { consents more } }"
STALE = "{ dsgvoStaleConsents { purpose channel consents } }"
ADA, BEN, CAM = "ada@example.com", "ben@example.com", "cam@example.com"
WHY = "Members since 2020; § 3 of the statutes."


@pytest.fixture
def dsb(consents: Consents) -> Client:  # noqa: F811
    return consents.xrm.as_role("dsb")


def kept(dsb: Client, **given: Any) -> dict[str, Any]:
    return dict(dsb.query(KEEP, i={"because": WHY, "until": "2029-01-31", **given})["dsgvoConsentKeep"])


def stale(client: Client) -> list[tuple[str, str, int]]:
    found = client.query(STALE)["dsgvoStaleConsents"]
    return sorted((each["purpose"], each["channel"], each["consents"]) for each in found)


def test_a_consent_that_is_kept_counts_until_the_day_and_not_longer(consents: Consents, dsb: Client) -> None:  # noqa: F811
    # given a consent that was not used for longer than two years
    consents.xrm.clock.set("2026-03-01T12:00Z")
    id_ = consents.consent(ADA)
    consents.xrm.clock.set("2028-06-01T12:00Z")
    assert consents.permit(ADA) == "E_STALE"

    # when an officer keeps it
    assert kept(dsb, consent=id_) == {"consents": 1, "more": False}

    # then it counts, which is an event of it with the reason
    assert consents.permit(ADA) == "C_CONSENT"
    assert consents.claim(ADA)["code"] == "C_CONSENT"
    events = consents.rows("consentEvents", "kind via note")
    assert events[-1] == {"kind": "kept", "via": "officer", "note": WHY}
    # and on the last day, too, and not after it, though it was used meanwhile
    consents.xrm.clock.set("2029-01-31T22:00Z")
    assert consents.permit(ADA) == "C_CONSENT"
    consents.xrm.clock.set("2029-02-01T00:00Z")
    assert consents.permit(ADA) == "E_STALE"
    # until it is kept once more, or the person consents anew
    kept(dsb, consent=id_, until="2029-12-31")
    assert consents.permit(ADA) == "C_CONSENT"
    consents.xrm.clock.set("2030-06-01T12:00Z")
    assert consents.permit(ADA) == "E_STALE"
    new = consents.consent(ADA)
    assert consents.permit(ADA) == "C_CONSENT"
    status = {each["id"]: each["status"] for each in consents.rows("consents", "id status")}
    assert (status[id_], status[new]) == ("superseded", "given")


def test_all_of_a_purpose_are_kept_at_once_and_nothing_else(consents: Consents, dsb: Client) -> None:  # noqa: F811
    # given stale ones of two purposes and channels, and a fresh one
    consents.xrm.clock.set("2026-03-01T12:00Z")
    for to, purpose in ((ADA, "news"), (BEN, "news"), (BEN, "events")):
        consents.consent(to, purpose)
    consents.record("+49301234567", "phone", "2026-02-01T00:00:00Z")
    consents.xrm.clock.set("2028-06-01T12:00Z")
    consents.consent(CAM)
    assert stale(dsb) == [("events", "email", 1), ("news", "email", 2), ("news", "phone", 1)]

    assert kept(dsb, purpose="news", channel="email") == {"consents": 2, "more": False}

    assert (consents.permit(ADA), consents.permit(BEN)) == ("C_CONSENT", "C_CONSENT")
    assert consents.permit(BEN, "events") == "E_STALE"
    assert stale(consents.xrm.as_role("auditor")) == [("events", "email", 1), ("news", "phone", 1)]
    assert [each["keptUntil"] for each in consents.rows("consents", "keptUntil")].count(None) == 3
    # a second time there is nothing left to keep
    assert kept(dsb, purpose="news", channel="email") == {"consents": 0, "more": False}
    # and before it ends somebody is reminded
    consents.xrm.clock.set("2029-01-05T12:00Z")
    due = dsb.query("{ dsgvoDue { what due } }")["dsgvoDue"]
    assert {"what": "kept_consent", "due": "2029-01-31"} in due


def test_only_officers_keep_consents_with_a_reason_and_for_a_time(consents: Consents, dsb: Client) -> None:  # noqa: F811
    consents.xrm.clock.set("2026-03-01T12:00Z")
    id_ = consents.consent(ADA)

    def refused(**given: Any) -> str:
        whole = {"because": WHY, "until": "2029-01-31", "consent": id_, **given}
        return str(dsb.refused(KEEP, "REFUSED_BY_PLUGIN", i=whole).message)

    assert "not too old" in refused(until="2028-01-31")
    consents.xrm.clock.set("2028-06-01T12:00Z")
    assert "Say why" in refused(because="  ")
    for day in ("2028-06-01", "2020-01-01", "2030-06-02"):
        assert "a day to come, 2030-06-01" in refused(until=day)
    assert "a consent or a purpose" in refused(purpose="news")
    assert "a consent or a purpose" in refused(consent=None)
    assert "no such consent" in refused(consent=consents.purposes["news"])
    agent = consents.xrm.as_role("dsgvo_agent")
    assert "data" not in agent.post(KEEP, i={"because": WHY, "until": "2029-01-31", "consent": id_}).json()
    consents.withdraw(id_)
    assert "not too old" in refused()


def test_what_an_officer_keeps_is_not_deleted_before_it_ends(consents: Consents, dsb: Client) -> None:  # noqa: F811
    consents.xrm.clock.set("2026-03-01T12:00Z")
    id_ = consents.consent(ADA)
    consents.xrm.clock.set("2028-06-01T12:00Z")

    kept(dsb, consent=id_, until="2030-05-31")

    assert str((consents.xrm.get("consent", id_) or {})["proof_from"])[:10] == "2030-05-31"
