"""No more messages than somebody wants, or the controller wants for everybody: counted, and by many at once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import xrm_dsgvo

from tests.dsgvo.conftest import KEY
from tests.dsgvo.consents import CLAIM, Consents, consents  # noqa: F401 - a fixture
from tests.dsgvo.test_outbox import MARKETING
from xrm_core.testing import Setup

ADA, BEN = "ada@example.com", "ben@example.com"
NEWS = "mutation ($id: ID!) { newsContact(id: $id) { id } }"
ASK = '{ dsgvoPermit(channel: email, to: "ada@example.com", purpose: "news") { code until } }'
UNTIL = """mutation { dsgvoClaim(input: {channel: email, to: "ada@example.com", purpose: "news"}) { code until } }"""


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    own = {**KEY, "XRM_DSGVO_MOST_PER_DAY": "4"}
    return Setup(plugins={"dsgvo": xrm_dsgvo, "mk": MARKETING}, environment=own)


def codes(consents: Consents, count: int, to: str = ADA, **more: Any) -> list[str]:  # noqa: F811
    return [str(consents.claim(to, **more)["code"]) for _ in range(count)]


def test_on_a_day_where_the_controller_is(consents: Consents):  # noqa: F811
    # given one who wants two messages a day
    consents.xrm.clock.set("2026-07-01T10:00+02:00")
    consents.consent(ADA)
    consents.prefer(ADA, mostPerDay=2)
    consents.xrm.clock.set("2026-07-01T23:30+02:00")

    assert codes(consents, 3) == ["C_CONSENT", "C_CONSENT", "P_PREFERENCE"]

    # then it may go when the next day begins there
    answer = consents.admin.query(UNTIL)["dsgvoClaim"]
    assert answer == {"code": "P_PREFERENCE", "until": "2026-07-02T00:00:00+02:00"}
    consents.xrm.clock.set("2026-07-02T00:00+02:00")
    assert codes(consents, 3) == ["C_CONSENT", "C_CONSENT", "P_PREFERENCE"]
    # the day on which the clocks go back has 25 hours
    consents.xrm.clock.set("2026-10-25T00:10+02:00")
    codes(consents, 2)
    consents.xrm.clock.set("2026-10-25T23:50+01:00")
    assert consents.admin.query(ASK)["dsgvoPermit"] == {"code": "P_PREFERENCE", "until": "2026-10-26T00:00:00+01:00"}


def test_in_a_week_and_of_a_topic(consents: Consents):  # noqa: F811
    consents.xrm.clock.set("2026-07-01T10:00+02:00")
    consents.consent(ADA, "marketing")
    consents.prefer(ADA, topic="news", mostPerWeek=1)

    # what is about something else does not count
    assert codes(consents, 1, purpose="events") == ["C_CONSENT"]
    assert codes(consents, 2) == ["C_CONSENT", "P_PREFERENCE"]
    assert consents.admin.query(ASK)["dsgvoPermit"]["until"] is None
    consents.xrm.clock.set("2026-07-08T09:59+02:00")
    assert consents.permit(ADA) == "P_PREFERENCE"
    consents.xrm.clock.set("2026-07-08T10:01+02:00")
    assert consents.permit(ADA) == "C_CONSENT"
    # none a day is none tomorrow either
    consents.prefer(ADA, mostPerDay=0)
    assert consents.admin.query(ASK)["dsgvoPermit"] == {"code": "P_PREFERENCE", "until": None}


def test_another_attempt_of_a_message_is_no_other_message(consents: Consents):  # noqa: F811
    consents.xrm.clock.set("2026-07-01T10:00+02:00")
    consents.consent(ADA)
    consents.prefer(ADA, mostPerDay=1)

    assert codes(consents, 2, message="m1") == ["C_CONSENT", "C_CONSENT"]
    assert codes(consents, 1, message="m2") == ["P_PREFERENCE"]
    assert consents.claim(ADA, None, kind="transactional", advertisingFree=True)["code"] == "T_CONTRACT"


def test_of_many_who_send_at_once_so_many_as_may_send(consents: Consents):  # noqa: F811
    # given a controller who sends four a day at most, and somebody who wants three
    for each in (ADA, BEN):
        consents.consent(each)
    consents.prefer(BEN, mostPerDay=3)

    def work(number: int) -> dict[str, Any]:
        given = {"channel": "email", "to": (ADA, BEN)[number % 2], "purpose": "news", "message": f"m{number}"}
        return dict(consents.admin.post(CLAIM, i=given).json())

    # when twenty send to each at the same moment
    with ThreadPoolExecutor(40) as workers:
        answers = list(workers.map(work, range(40)))

    assert [each for each in answers if "errors" in each] == []
    sent = [each["contactPoint"]["value"] for each in consents.rows("consentUses", "contactPoint { value }")]
    assert sorted(sent) == [ADA] * 4 + [BEN] * 3


def test_a_message_of_the_outbox_waits_for_the_next_day(consents: Consents):  # noqa: F811
    xrm = consents.xrm
    xrm.clock.set("2026-07-01T10:00+02:00")
    contact = xrm.create("contact", last_name="Kern", email=ADA)
    consents.consent(ADA)
    consents.prefer(ADA, mostPerDay=1)

    for _ in range(2):
        consents.admin.query(NEWS, id=contact)
    xrm.work()
    assert len(consents.mails(ADA)) == 1

    xrm.clock.set("2026-07-02T00:00+02:00")
    xrm.work()
    assert len(consents.mails(ADA)) == 2
