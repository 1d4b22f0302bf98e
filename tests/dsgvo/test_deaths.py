"""Who has died gets no advertising any more, periods run from then on, and nobody asks in their name."""

from typing import Any

import pytest
import xrm_dsgvo

from tests.dsgvo.conftest import KEY
from tests.dsgvo.consents import RECORD, REQUEST, Consents, consents  # noqa: F401 - a fixture
from tests.dsgvo.restoring import Backups, backups  # noqa: F401 - a fixture
from tests.dsgvo.test_merges import MERGE
from tests.dsgvo.test_natural_persons import ASK, DIED, IDENTIFY
from tests.dsgvo.test_outbox import NEWS, Marketing
from xrm_core.server.job_places import JobPlaces
from xrm_core.testing import Client, Setup, Xrm

ADA, OTHER, WIDOW = "ada@example.com", "a.kern@example.com", "kern@example.com"
LIVES = "mutation ($i: DsgvoDeathRevokeInput!) { dsgvoDeathRevoke(input: $i) { deceased } }"
ACCESS = "mutation ($r: String!) { dsgvoAccess(input: {request: $r}) { digest } }"
DECIDE = "mutation ($i: DsgvoRequestDecideInput!) { dsgvoRequestDecide(input: $i) { status } }"
ANSWER = "mutation ($i: DsgvoRequestAnswerInput!) { dsgvoRequestAnswer(input: $i) { status } }"
LETTER = "mutation ($i: DsgvoRequestLetterInput!) { dsgvoRequestLetter(input: $i) { content } }"
SOURCE, DAY = "Letter of the daughter", "2026-03-04"
REFUSED = "REFUSED_BY_PLUGIN"


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    return Setup(plugins={"dsgvo": xrm_dsgvo, "mk": Marketing()}, environment=KEY)


def of(contact: str) -> dict[str, str]:
    return {"entity": "contact", "record": contact}


def died(client: Client, contact: str, **more: Any) -> dict[str, Any]:
    given = {"person": of(contact), "source": SOURCE, "diedOn": DAY, **more}
    return dict(client.query(DIED, i=given)["dsgvoDeathRecord"])


def told(found: Consents) -> list[dict[str, Any]]:
    return found.rows("dataSubjects", "deceased diedOn deathSource")


def events(found: Consents) -> list[dict[str, Any]]:
    return found.rows("retentionEvents", "recordId happenedOn byDeath")


def test_nothing_is_sent_to_who_has_died_queued_or_not_at_any_address(consents: Consents) -> None:  # noqa: F811
    # given that somebody has consented at one address, has another one, and a message to them waits
    xrm, agent = consents.xrm, consents.xrm.as_role("dsgvo_agent")
    ada = xrm.create("contact", last_name="Kern", email=ADA)
    consents.consent(ADA, person=of(ada))
    consents.admin.query(NEWS, id=ada)

    # when it is told that they have died
    assert died(agent, ada)["addresses"] == 1
    xrm.work()

    # then the message does not go, and nothing else that is advertising; what is needed for the contract does
    assert [each for each in consents.mails(ADA) if "About something" in each.get_content()] == []
    assert consents.permit(ADA) == consents.claim(ADA)["code"] == "E_DECEASED"
    assert consents.permit(ADA, kind="transactional", free=True) == "T_CONTRACT"
    assert told(consents) == [{"deceased": True, "diedOn": DAY, "deathSource": SOURCE}]
    # nor at an address that comes to be known later
    consents.admin.query(
        "mutation ($id: ID!, $e: String!) { updateContact(id: $id, input: {email: $e}) { id } }", id=ada, e=OTHER
    )
    assert consents.permit(OTHER) == "E_DECEASED"
    # and if it was a mistake all is as it was
    agent.query(LIVES, i={"person": of(ada), "because": "Another Kern."})
    assert (consents.permit(ADA), consents.permit(OTHER)) == ("C_CONSENT", "E_NO_BASIS")
    assert told(consents) == [{"deceased": False, "diedOn": None, "deathSource": None}]
    assert "lives" in agent.refused(LIVES, REFUSED, i={"person": of(ada), "because": "Again."}).message


def test_who_shares_the_address_gets_what_they_have_consented_to_themselves(consents: Consents) -> None:  # noqa: F811
    xrm = consents.xrm
    ada = xrm.create("contact", first_name="Ada", last_name="Kern", email=WIDOW)
    bert = xrm.create("contact", first_name="Bert", last_name="Kern", email=WIDOW)
    consents.consent(WIDOW, person=of(ada))
    consents.consent(WIDOW, "events", person=of(bert))
    died(consents.admin, ada)

    assert consents.permit(WIDOW, "events") == "C_CONSENT"
    assert consents.permit(WIDOW, "news") == "E_DECEASED"


def test_a_relationship_ends_by_death_unless_another_end_is_told(consents: Consents) -> None:  # noqa: F811
    xrm, agent = consents.xrm, consents.xrm.as_role("dsgvo_agent")
    ada = xrm.create("contact", last_name="Kern", email=ADA)
    ben = xrm.create("contact", last_name="Vogel", email=OTHER)
    ended = {"event": "contact.relationship_ended", "entity_name": "contact", "record_id": ben}
    xrm.create("retention_event", ended, happened_on="2025-01-02")

    for each in (ada, ben):
        died(agent, each)

    mine = {each["recordId"]: each for each in events(consents)}
    assert mine[ada] == {"recordId": ada, "happenedOn": DAY, "byDeath": True}
    assert mine[ben] == {"recordId": ben, "happenedOn": "2025-01-02", "byDeath": None}
    # another day is right from then on, and one that was a mistake is forgotten
    died(agent, ada, diedOn="2026-03-01")
    assert [each["happenedOn"] for each in events(consents) if each["recordId"] == ada] == ["2026-03-01"]
    agent.query(LIVES, i={"person": of(ada), "because": "Another Kern."})
    assert [each["recordId"] for each in events(consents)] == [ben]


def test_who_has_died_consents_to_nothing(consents: Consents) -> None:  # noqa: F811
    xrm = consents.xrm
    contact = xrm.create("contact", last_name="Kern", email=ADA)
    consents.consent(ADA, person=of(contact))
    number = "+4930123456"
    consents.record(number, "phone", person=of(contact))
    died(consents.admin, contact)
    before = consents.rows("consents", "id status")

    # neither by what somebody has on paper, nor by asking, named or reached there alone
    for to, channel, person in ((number, "phone", of(contact)), (ADA, "email", of(contact)), (number, "phone", None)):
        given = consents.given(to, "events", channel, evidence="A form", collectionMethod="paper", person=person)
        refused = consents.refused(RECORD, i={"consent": given, "grantedAt": "2026-01-02T03:04:05Z"})
        assert "has died" in refused.message
        assert "E_DECEASED" in refused.message
    refused = consents.refused(REQUEST, i=consents.given(ADA, "events", person=of(contact)))
    assert "has died" in refused.message
    assert consents.rows("consents", "id status") == before

    # but whoever lives, and is reached at the same number
    widow = xrm.create("contact", last_name="Kern", phone=number)
    consents.record(number, "phone", purpose="events", person=of(widow))
    assert consents.permit(number, "events", "phone") == "C_PHONE"


def test_who_becomes_one_with_somebody_dead_has_died(consents: Consents) -> None:  # noqa: F811
    xrm = consents.xrm
    stays = xrm.create("contact", last_name="Kern", email=ADA)
    goes = xrm.create("contact", last_name="Kern", email=OTHER)
    consents.consent(ADA, person=of(stays))
    died(consents.admin, goes)
    assert consents.permit(ADA) == "C_CONSENT"

    consents.admin.query(MERGE, into=stays, **{"from": [goes]})

    assert consents.permit(ADA) == consents.permit(OTHER) == "E_DECEASED"
    assert {each["deceased"] for each in told(consents)} == {True}
    # and the period of what is left runs, too
    assert {"recordId": stays, "happenedOn": DAY, "byDeath": True} in events(consents)


def test_nobody_asks_in_the_name_of_the_dead_and_heirs_ask_in_their_own(xrm: Xrm) -> None:
    # given somebody who has died
    dsb = xrm.as_role("dsb")
    ada = xrm.create("contact", last_name="Kern", email=ADA)
    opened = {"kind": "access", "receivedOn": "2026-01-02", "via": "letter", "proxy": "Bert Kern"}

    def ask(**more: Any) -> str:
        return str(dsb.query(ASK, i=opened | more)["dsgvoRequestOpen"]["request"])

    known = {"grade": "known_facts", "authority": "Certificate of inheritance of 2026-05-01", **of(ada)}
    early = ask(heir=True)
    assert "dsgvoDeathRecord" in dsb.refused(IDENTIFY, REFUSED, i={"request": early, **known}).message
    died(dsb, ada)

    # when somebody asks for them, then that is refused, and can be on that ground
    proxy = ask()
    assert "heir" in dsb.refused(IDENTIFY, REFUSED, i={"request": proxy, **known}).message
    dsb.query(DECIDE, i={"request": proxy, "decision": "refused", "ground": "deceased", "reasons": "They have died."})
    assert "Erwägungsgrund 27" in letter(dsb, proxy)
    # when an heir asks, then it is worked on, and no answer of the platform goes to them
    dsb.query(IDENTIFY, i={"request": early, **known})
    assert "Article 15" not in dsb.refused(ACCESS, REFUSED, r=early).message
    dsb.query(DECIDE, i={"request": early, "decision": "granted"})
    text = letter(dsb, early)
    assert "§ 1922 BGB" in text
    assert "DSGVO" not in text
    assert dsb.query(ANSWER, i={"request": early, "via": "letter"})["dsgvoRequestAnswer"]["status"] == "answered"
    assert dsb.refused(ASK, REFUSED, i={**opened, "proxy": None, "heir": True}).details["field"] == "proxy"


def letter(client: Client, request: str) -> str:
    given = {"request": request, "letter": "decision", "form": "html", "language": "de"}
    return str(client.query(LETTER, i=given)["dsgvoRequestLetter"]["content"])


def test_who_has_died_is_written_by_actions_alone(xrm: Xrm) -> None:
    admin = xrm.as_role("admin")
    ada = xrm.create("contact", last_name="Kern", email=ADA)
    subject = died(admin, ada)["dataSubject"]

    set_ = "mutation ($id: ID!, $v: UpdateDataSubjectInput!) { updateDataSubject(id: $id, input: $v) { id } }"
    for values in ({"deceased": False}, {"diedOn": "2020-01-01"}, {"deathSource": "Me"}):
        admin.refused(set_, REFUSED, id=subject, v=values)
    admin.refused("mutation { createDataSubject(input: {deceased: true}) { id } }", REFUSED)
    tomorrow = {"person": of(ada), "source": SOURCE, "diedOn": "9999-01-01"}
    assert admin.refused(DIED, REFUSED, i=tomorrow).details["field"] == "diedOn"


@pytest.mark.invariant("I3")
def test_who_has_died_has_died_after_a_restore_too(consents: Consents, backups: Backups) -> None:  # noqa: F811
    xrm = consents.xrm
    ada, ben = (xrm.create("contact", last_name="Kern", email=each) for each in (ADA, OTHER))
    for each, contact in ((ADA, ada), (OTHER, ben)):
        consents.consent(each, person=of(contact))
    backups.save()
    died(consents.admin, ada)
    died(consents.admin, ben)
    consents.admin.query(LIVES, i={"person": of(ben), "because": "Another Kern."})

    assert [each.name for each in xrm.work().jobs if each.name == "write_journal"]
    platform = backups.bring_back()
    [place] = JobPlaces(platform.settings, platform.plugins, platform.database)()
    assert place.caught_up
    with backups.serving(platform) as http:
        app = Consents(backups.app(platform, http, consents.admin), consents.admin, consents.declaration, {})
        app.admin = app.xrm.as_role("admin")

        assert app.permit(ADA) == "E_DECEASED"
        assert app.permit(OTHER) == "C_CONSENT"
