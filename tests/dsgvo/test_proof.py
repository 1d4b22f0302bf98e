"""The change log is proved through GraphQL and each night by mail (I23)."""

from typing import Any

import pytest
from sqlalchemy import text
from xrm_dsgvo.proof.daily import PROVE, schedules

from tests.dsgvo.conftest import OFFICER
from xrm_core.api import enqueue
from xrm_core.testing import Client, Xrm

VERIFY = """
query ($expect: String) {
  dsgvoProofVerify(expect: $expect) { intact head batches changes findings { batch what } }
}"""


def proved(client: Client, expect: str | None = None) -> dict[str, Any]:
    return dict(client.query(VERIFY, expect=expect)["dsgvoProofVerify"])


def night(xrm: Xrm) -> None:
    """What the schedule does, without the other things of a night."""
    with xrm.database.begin() as connection:
        enqueue(connection, PROVE, {})
    xrm.work()


def mails(xrm: Xrm) -> list[Any]:
    return [mail for mail in xrm.mails if mail["To"] == OFFICER and "Änderungsprotokoll" in str(mail["Subject"])]


@pytest.mark.invariant("I23")
def test_the_head_goes_out_each_night_and_shows_later_that_somebody_has_changed_the_log(xrm: Xrm):
    auditor = xrm.as_role("auditor")
    contact = xrm.create("contact", last_name="Kern")
    xrm.work()  # seals
    night(xrm)
    [mail] = mails(xrm)
    head = mail.get_content().split("Stand / head: ")[1].split()[0]

    assert "unversehrt" in str(mail["Subject"])
    assert (proved(auditor)["intact"], proved(auditor, head)["intact"]) == (True, True)
    assert proved(auditor, f"999:{'0' * 64}")["findings"] == [{"batch": 999, "what": "is missing: it was expected"}]
    assert auditor.refused(VERIFY, "REFUSED_BY_PLUGIN", expect="x").details["field"] == "expect"
    # somebody who can write to the database
    with xrm.database.begin() as connection:
        forge = text("UPDATE xrm_change SET actor = :nobody WHERE record_id = :id")
        connection.execute(forge, {"nobody": contact, "id": contact})
    found = proved(auditor)
    assert not found["intact"]
    assert "was changed" in found["findings"][0]["what"]
    night(xrm)
    assert "VERÄNDERT" in str(mails(xrm)[-1]["Subject"])
    kept = auditor.query("{ logProofs(orderBy: [{id: ASC}]) { nodes { intact } } }")["logProofs"]["nodes"]
    assert [each["intact"] for each in kept] == [True, False]
    assert [each.cron for each in schedules()] == ["40 4 * * *"]


def test_agents_and_sellers_do_not_verify(xrm: Xrm):
    for role in ("dsgvo_agent", "sales_rep"):
        xrm.as_role(role).refused(VERIFY, "BAD_QUERY")
    forge = 'mutation { createLogProof(input: {head: "1:0", intact: true}) { id } }'
    xrm.as_role("admin").refused(forge, "REFUSED_BY_PLUGIN")
    assert proved(xrm.as_role("dsb"))["intact"]
