"""Recipients are told of restrictions and erasures for which nobody has asked, and of the end of restrictions."""

import json
from typing import Any

import pytest

from tests.dsgvo.test_rectification import PRIVACY, SEND, TELL, ada, granted, reachable  # noqa: F401 - a fixture
from tests.dsgvo.test_rectification import xrm_setup as xrm_setup  # the same world
from tests.dsgvo.test_requests import ANSWER, DECIDE, done, known, opened, refused
from xrm_core.testing import Client, Xrm

NOTICES = """{ recipientNotices(orderBy: [{id: ASC}]) {
  nodes { id kind status recordId fields request { id } restriction { id } erasureRun { id } } } }"""
OPEN = "mutation ($i: DsgvoRestrictionOpenInput!) { dsgvoRestrictionOpen(input: $i) { restriction } }"
ANNOUNCE = "mutation ($i: DsgvoRestrictionAnnounceInput!) { dsgvoRestrictionAnnounce(input: $i) { status } }"
LIFT = "mutation ($i: DsgvoRestrictionLiftInput!) { dsgvoRestrictionLift(input: $i) { status } }"
PLAN = "mutation ($i: DsgvoErasureOpenInput!) { dsgvoErasureOpen(input: $i) { run planHash } }"
RUN = "mutation ($i: DsgvoErasureRunInput!) { dsgvoErasureRun(input: $i) { status } }"
ACCESS = "mutation ($i: DsgvoAccessInput!) { dsgvoAccess(input: $i) { content } }"
DUE = "{ dsgvoDue { entity record what overdue } }"
BOTH = {"names": ["last_name", "mobile"]}


def notices(client: Client) -> list[dict[str, Any]]:
    return list(client.query(NOTICES)["recipientNotices"]["nodes"])


def kinds(client: Client) -> list[tuple[str, str]]:
    return [(each["kind"], each["status"]) for each in notices(client)]


def restricted(xrm: Xrm, contact: str, **more: Any) -> str:
    person = {"entity": "contact", "record": contact}
    given = {"person": person, "ground": "unlawful", "because": "By our own finding.", **more}
    return str(done(xrm.as_role("dsb"), OPEN, **given)["restriction"])


def lifted(xrm: Xrm, restriction: str) -> None:
    done(xrm.as_role("dsb"), ANNOUNCE, restriction=restriction, via="letter")
    done(xrm.as_role("dsb"), LIFT, restriction=restriction, because="It was right.")


def mailed(xrm: Xrm) -> list[str]:
    xrm.work()
    return [each.get_content() for each in xrm.mails if each["To"] == PRIVACY]


def test_recipients_are_told_of_a_restriction_and_of_its_end(xrm: Xrm, ada: str):  # noqa: F811
    # given a restriction that an officer has opened without being asked
    agent = xrm.as_role("dsgvo_agent")
    reachable(xrm)
    restriction = restricted(xrm, ada)
    [notice] = notices(agent)
    assert (notice["kind"], notice["status"], notice["recordId"]) == ("restriction", "due", ada)
    assert (notice["fields"], notice["request"], notice["restriction"]) == (BOTH, None, {"id": restriction})
    # of which somebody is reminded, since no request is waiting for it
    assert [each["record"] for each in agent.query(DUE)["dsgvoDue"] if each["what"] == "recipients"] == [notice["id"]]

    # when recipients are told, and it is lifted
    assert done(agent, SEND, restriction=restriction) == {"byMail": 1, "byHand": 0}
    assert ["eingeschränkt" in each for each in mailed(xrm)] == [True]
    lifted(xrm, restriction)

    # then those who were told of the one are told of the other
    assert kinds(agent) == [("restriction", "told"), ("lifting", "due")]
    done(agent, SEND, restriction=restriction)
    assert ["aufgehoben" in each and ada in each for each in mailed(xrm)] == [False, True]
    assert kinds(agent) == [("restriction", "told"), ("lifting", "told")]
    # and by a further one and its end once more
    again = restricted(xrm, ada)
    [*_, third] = notices(agent)
    done(agent, TELL, notice=third["id"], via="phone")
    lifted(xrm, again)
    assert kinds(agent)[2:] == [("restriction", "told"), ("lifting", "due")]


def test_nobody_is_told_of_the_end_of_what_they_were_never_told_of(xrm: Xrm, ada: str):  # noqa: F811
    restriction = restricted(xrm, ada)

    lifted(xrm, restriction)

    assert kinds(xrm.as_role("dsgvo_agent")) == [("restriction", "lapsed")]


def test_as_long_as_another_restriction_stands_nobody_is_told_of_an_end(xrm: Xrm, ada: str):  # noqa: F811
    agent = xrm.as_role("dsgvo_agent")
    first = restricted(xrm, ada)
    [notice] = notices(agent)
    done(agent, TELL, notice=notice["id"], via="phone")
    second = restricted(xrm, ada, person={"dataSubject": _subject(xrm)}, ground="accuracy")

    lifted(xrm, first)
    assert kinds(agent) == [("restriction", "told")]
    lifted(xrm, second)

    assert kinds(agent) == [("restriction", "told"), ("lifting", "due")]


def test_of_a_field_that_is_restricted_they_are_told_that_field(xrm: Xrm, ada: str):  # noqa: F811
    agent = xrm.as_role("dsgvo_agent")

    restricted(xrm, ada, only=[{"entity": "contact", "record": ada, "fields": ["mobile"]}])
    # what they have never got is nothing to them
    restricted(xrm, ada, only=[{"entity": "contact", "record": ada, "fields": ["job_title"]}])

    assert [each["fields"] for each in notices(agent)] == [{"names": ["mobile"]}]


@pytest.mark.parametrize("decided_first", [True, False])
def test_who_has_asked_for_it_is_told_once(xrm: Xrm, ada: str, decided_first: bool):  # noqa: F811
    agent, dsb = xrm.as_role("dsgvo_agent"), xrm.as_role("dsb")
    if decided_first:
        request = granted(xrm, ada, "restriction")
        restriction = restricted(xrm, ada)
    else:
        request = opened(agent, "restriction")
        known(agent, request, ada)
        restriction = restricted(xrm, ada)
        done(dsb, DECIDE, request=request, decision="granted")

    [notice] = notices(agent)
    assert (notice["request"], notice["restriction"]) == ({"id": request}, {"id": restriction})
    assert [each for each in agent.query(DUE)["dsgvoDue"] if each["what"] == "recipients"] == []
    assert "Article 19" in refused(agent, ANSWER, request=request, via="letter")


def test_recipients_are_told_of_an_erasure_that_nobody_has_asked_for(xrm: Xrm, ada: str):  # noqa: F811
    # given data that an officer has found to be unlawful
    agent, dsb = xrm.as_role("dsgvo_agent"), xrm.as_role("dsb")
    reachable(xrm)
    made = done(dsb, PLAN, entity="contact", record=ada, trigger="unlawful")
    assert "not done" in refused(agent, SEND, erasureRun=made["run"])
    assert notices(agent) == []

    # when they are erased
    done(dsb, RUN, run=made["run"], planHash=made["planHash"])

    # then whoever has got them is told by the id that they know
    [notice] = notices(agent)
    assert (notice["kind"], notice["recordId"], notice["fields"]) == ("erasure", ada, BOTH)
    assert (notice["request"], notice["erasureRun"]) == (None, {"id": made["run"]})
    done(agent, SEND, erasureRun=made["run"])
    assert ["gelöscht" in each and ada in each for each in mailed(xrm)] == [True]
    # and once they were, no list leads to what was theirs
    [notice] = notices(agent)
    assert (notice["status"], notice["recordId"], notice["fields"]) == ("told", None, BOTH)
    query = """query ($id: UUID!) { history(where: {entity: {eq: "recipient_notice"}, record: {eq: $id}}) {
      nodes { changes { after } } } }"""
    assert ada not in str(xrm.as_role("admin").post(query, id=notice["id"]).json())


def test_an_erasure_that_was_asked_for_after_it_was_done_is_told_once(xrm: Xrm, ada: str):  # noqa: F811
    agent, dsb = xrm.as_role("dsgvo_agent"), xrm.as_role("dsb")
    request = opened(agent, "erasure")
    known(agent, request, ada)
    made = done(dsb, PLAN, entity="data_subject", record=_subject(xrm))
    done(dsb, RUN, run=made["run"], planHash=made["planHash"])

    done(dsb, DECIDE, request=request, decision="granted", erasureRun=made["run"])

    [notice] = notices(agent)
    assert (notice["request"], notice["erasureRun"]) == ({"id": request}, {"id": made["run"]})


def test_of_what_was_asked_for_is_one_named(xrm: Xrm, ada: str):  # noqa: F811
    agent = xrm.as_role("dsgvo_agent")
    restriction = restricted(xrm, ada)

    assert "one of them" in refused(agent, SEND)
    assert "one of them" in refused(agent, SEND, restriction=restriction, request=restriction)
    assert "no such record" in refused(agent, SEND, erasureRun=restriction)


def test_a_person_who_asks_for_access_reads_who_was_told(xrm: Xrm, ada: str):  # noqa: F811
    agent = xrm.as_role("dsgvo_agent")
    restriction = restricted(xrm, ada)
    [notice] = notices(agent)
    done(agent, TELL, notice=notice["id"], via="phone")
    lifted(xrm, restriction)

    request = opened(agent, "access")
    known(agent, request, ada)
    told = json.loads(done(agent, ACCESS, request=request)["content"])["art15"]["notices"]

    assert [(each["recipient"], each["became"], each["status"]) for each in told] == [
        ("Carrier", "restriction", "told"),
        ("Carrier", "lifting", "due"),
    ]


def _subject(xrm: Xrm) -> str:
    [one] = xrm.as_role("dsb").query("{ dataSubjects { nodes { id } } }")["dataSubjects"]["nodes"]
    return str(one["id"])
