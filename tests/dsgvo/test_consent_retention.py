"""A consent goes five years after its last use, with its events and uses (§ 7a UWG), and not before (I19)."""

import pytest

from tests.dsgvo.conftest import KEY
from tests.dsgvo.consents import Consents, consents  # noqa: F401 - a fixture
from tests.dsgvo.test_retention import World
from xrm_core.testing import Setup

ADA, BEN = "ada@example.com", "ben@example.com"


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    return Setup(plugins=["dsgvo"], environment={**KEY, "XRM_DSGVO_RETENTION": "delete"})


@pytest.mark.invariant("I19")
def test_a_consent_goes_with_its_proofs_five_years_after_its_last_use(consents: Consents) -> None:  # noqa: F811
    # given a consent that was used, and one that never was
    xrm, world = consents.xrm, World(consents.xrm, consents.admin)
    used, unused = consents.consent(ADA), consents.consent(BEN)
    assert consents.claim(ADA)["code"] == "C_CONSENT"
    last = str((xrm.get("consent", used) or {})["last_used_at"])
    year, day = int(last[:4]), "02-27" if last[5:10] == "02-29" else last[5:10]

    # when the last day of its five years comes, nothing goes
    world.night(f"{year}-12-31")  # the schedules are known from now on
    world.night(f"{year + 5}-{day}")
    assert xrm.get("consent", used) is not None

    # when they are over, all of it goes, and nothing of what was never used
    world.night(f"{year + 6}-01-02")
    assert xrm.get("consent", used) is None
    uses = consents.rows("consentUses", "consent { id }")  # those of mails to the officer have none
    assert [each for each in uses if each["consent"]] == []
    assert {each["consent"]["id"] for each in consents.rows("consentEvents", "consent { id }")} == {unused}
    gone = [(each["entityName"], each["retentionClass"], each["beganOn"]) for each in world.protocol()]
    assert sorted(gone) == [("consent", "LK-5J-7AUWG", last[:10]), ("consent_use", "LK-5J-7AUWG", last[:10])]
