"""What the platform shows of its measures by itself."""

from typing import Any

from tests.dsgvo.test_breaches import DUE
from tests.dsgvo.test_processors import contract, processor
from xrm_core.testing import Client, Xrm

EVIDENCE = "{ dsgvoMeasureEvidence { key goal holds de en at } }"


def shown(client: Client) -> dict[str, dict[str, Any]]:
    return {each["key"]: each for each in client.query(EVIDENCE)["dsgvoMeasureEvidence"]}


def test_it_is_told_what_holds_and_what_does_not(xrm: Xrm):
    auditor = xrm.as_role("auditor")
    assert xrm.as_role("sales_rep").post(EVIDENCE).json().get("data") is None

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
    xrm.work()  # from now on the schedule counts
    xrm.clock.advance(hours=24)
    xrm.work()
    after = shown(auditor)

    assert (after["connectors"]["holds"], after["connectors"]["en"]) == (False, "1 connectors, 1 held back")
    assert (after["change_log"]["holds"], after["change_log"]["at"] is None) == (True, False)
    assert (after["retention"]["holds"], after["retention"]["en"]) == (False, "retention runs only report")
    assert (after["requests"]["holds"], after["failed_tests"]["holds"]) == (True, False)
    due = xrm.as_role("dsb").query(DUE)["dsgvoDue"]
    assert ("measure_failed", tested) in [(each["what"], each["record"]) for each in due]
