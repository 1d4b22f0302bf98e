"""What the platform shows of its measures by itself."""

from typing import Any

from tests.dsgvo.test_breaches import DUE
from tests.dsgvo.test_processors import contract, processor
from tests.dsgvo.test_proof import night
from xrm_core.testing import Client, Xrm

EVIDENCE = "{ dsgvoMeasureEvidence { key goal holds de en at } }"


def shown(client: Client) -> dict[str, dict[str, Any]]:
    return {each["key"]: each for each in client.query(EVIDENCE)["dsgvoMeasureEvidence"]}


def test_it_is_told_what_holds_and_what_does_not(xrm: Xrm):
    auditor = xrm.as_role("auditor")
    before = shown(auditor)
    assert (before["change_log"]["holds"], before["change_log"]["en"]) == (False, "never yet")
    assert "keys" not in before  # nothing was ever sealed
    assert before["connectors"] == {
        **{"key": "connectors", "goal": "unlinkability", "holds": True, "at": None},
        **{"de": "0 Anschlüsse, 0 gesperrt", "en": "0 connectors, 0 held back"},
    }

    contract(xrm, processor(xrm, "webhook:hooks.example.com"))  # a draft
    measure = {"key": "M", "name_de": "x", "name_en": "x", "goal": "integrity", "test_result": "failed"}
    tested = xrm.create("technical_measure", {**measure, "tested_on": "2026-01-02"})
    xrm.work()  # seals
    night(xrm)
    after = shown(auditor)

    assert (after["connectors"]["holds"], after["connectors"]["en"]) == (False, "1 connectors, 1 held back")
    assert (after["change_log"]["holds"], after["change_log"]["at"] is None) == (True, False)
    assert (after["retention"]["holds"], after["retention"]["en"]) == (False, "never yet")
    assert (after["requests"]["holds"], after["failed_tests"]["holds"]) == (True, False)
    due = auditor.query(DUE)["dsgvoDue"]
    assert ("measure_failed", tested) in [(each["what"], each["record"]) for each in due]
