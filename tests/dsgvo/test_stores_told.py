"""What stores of plugins have of somebody is found, told in answers (I10, I11) and put away (I17), or it is said that
they do not answer.
"""

import datetime as dt
import json
from typing import Any

import pytest
import xrm_dsgvo

from tests.dsgvo.capturing import NAME, SAYS, News
from tests.dsgvo.conftest import KEY
from tests.dsgvo.test_access import ACCESS
from tests.dsgvo.test_erasures import OPEN as PLAN
from tests.dsgvo.test_erasures import RUN
from tests.dsgvo.test_requests import ANSWER, IDENTIFY, done, known, opened, refused
from tests.dsgvo.test_restrictions import ANNOUNCE, LIFT, OPEN
from xrm_core.testing import Client, Setup, Xrm

GRAPH = """query ($i: String!) { dsgvoSubjectGraph(entity: "contact", record: $i) {
  records { entity } stores { store found code } } }"""
PORTABLE = """mutation ($i: DsgvoPortableInput!) { dsgvoPortable(input: $i) {
  content leftOut { code store entity field } } }"""
REVIEW = "mutation ($i: DsgvoRequestReviewInput!) { dsgvoRequestReview(input: $i) { status } }"
ADDRESS = "eva@einzeln.example"
NEWS = News(seconds=0.5)


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return Setup(
        plugins={"dsgvo": xrm_dsgvo, "news": NEWS}, environment=KEY, settings={"secret_key": "0123456789abcdef" * 3}
    )


@pytest.fixture
def news() -> News:
    NEWS.clear()
    NEWS.put("1", ADDRESS, opened=["2026-01-02"], score=3, note="Asks of Bo, bo@example.com.", secret="x")
    NEWS.put("2", "bo@example.com")
    return NEWS


@pytest.fixture
def agent(xrm: Xrm) -> Client:
    return xrm.as_role("dsgvo_agent")


@pytest.fixture
def eva(xrm: Xrm) -> str:
    return xrm.create("contact", first_name="Eva", last_name="Einzeln", email=ADDRESS)


def asked(agent: Client, contact: str, kind: str = "access") -> str:
    request = opened(agent, kind)
    known(agent, request, contact)
    return request


def unknown(agent: Client, address: str) -> str:
    """A request of somebody of whom there is no record."""
    request = opened(agent, "access", name="Nobody Nowhere", address=address)
    done(agent, IDENTIFY, request=request, grade="known_facts")
    return request


def access(agent: Client, request: str, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    made = done(agent, ACCESS, request=request, **more)
    return made, json.loads(made["content"]) if not more.get("form") else {}


def left_out(made: dict[str, Any]) -> set[tuple[str, str]]:
    return {(each["code"], each["field"]) for each in made["leftOut"] if each["store"] == NAME}


@pytest.mark.invariant("I10")
def test_an_answer_has_what_stores_have_with_what_for_and_to_whom_and_nothing_of_others(
    agent: Client, eva: str, news: News
) -> None:
    request = asked(agent, eva)

    made, answer = access(agent, request)

    # then the item is told like a record
    [told] = [each for each in answer["data"] if each["entity"] == NAME]
    values = {each["name"]: each["value"] for each in told["fields"]}
    assert values == {"email": ADDRESS, "opened": ["2026-01-02"], "score": 3}
    assert told["label"] == {"en": "Readers of the news", "de": "Leser der Neuigkeiten"}
    assert {each["basis"][0] for each in told["fields"]} <= {"a", "f"}
    activity = next(each for each in answer["art15"]["activities"] if each["key"] == SAYS["activities"][0])
    assert {each["key"] for each in activity["recipients"]} >= {"mail_provider"}
    assert {"entity": NAME, "field": "score"}.items() <= answer["art15"]["automatedDecisions"][0].items()
    # a text that may name others waits for somebody, and what it has not said what it is keeps the answer here
    assert [(each["record"], each["field"]) for each in made["toReview"] if each["entity"] == NAME] == [("1", "note")]
    assert left_out(made) == {("REVIEW", "note"), ("NOT_SAID", "secret")}
    assert {"store": NAME, "found": 1, "labels": told["label"]} in answer["manifest"]["stores"]
    refused(agent, ANSWER, request=request, via="Letter")

    # when that is mended, and the text was looked at
    del news.readers["1"].values["secret"]
    text = {"entity": NAME, "record": "1", "field": "note", "show": True}
    done(agent, REVIEW, request=request, texts=[text])
    made, answer = access(agent, request)
    [told] = [each for each in answer["data"] if each["entity"] == NAME]
    assert {"name": "note", "value": "Asks of Bo, ███."}.items() <= told["fields"][-1].items()
    assert (left_out(made), answer["manifest"]["open"]) == ({("BLACKENED", "note")}, 0)
    assert "bo@example.com" not in made["content"]
    page = access(agent, request, form="html")[0]["content"]
    for each in ("Leser der Neuigkeiten", ADDRESS, "2026-01-02", "Asks of Bo", "Anschrift"):
        assert each in page


@pytest.mark.invariant("I11")
def test_what_was_provided_by_consent_is_taken_along(agent: Client, eva: str, news: News) -> None:
    made = done(agent, PORTABLE, request=asked(agent, eva, "portability"))

    [taken] = [each for each in json.loads(made["content"])["data"] if each["entity"] == NAME]
    assert (taken["record"], taken["fields"]) == ("1", {"email": ADDRESS, "opened": ["2026-01-02"]})
    assert left_out(made) >= {("NOT_PROVIDED", "score"), ("NOT_PROVIDED", "note")}


@pytest.mark.parametrize(
    ("fault", "code"), [(lambda: 1 / 0, "STORE_FAILED"), (lambda: [{"id": "1"}], "STORE_ANSWER_INVALID")]
)
def test_a_store_that_does_not_answer_keeps_the_answer_from_going_out(
    xrm: Xrm, agent: Client, eva: str, news: News, fault: Any, code: str
) -> None:
    news.faults |= {"export": fault, "discover": fault}
    request = asked(agent, eva)

    made, answer = access(agent, request)

    assert left_out(made) == {("NOT_SEARCHED", "")}
    assert answer["manifest"]["open"] == 1
    refused(agent, ANSWER, request=request, via="Letter")
    found = agent.query(GRAPH, i=eva)["dsgvoSubjectGraph"]
    assert found["stores"] == [{"store": NAME, "found": 0, "code": code}]
    assert "contact" in {each["entity"] for each in found["records"]}
    news.faults.clear()
    assert agent.query(GRAPH, i=eva)["dsgvoSubjectGraph"]["stores"] == [{"store": NAME, "found": 1, "code": ""}]


def test_who_is_known_to_a_store_alone_is_not_told_that_there_is_nothing(agent: Client, news: News) -> None:
    request = unknown(agent, ADDRESS.upper())
    assert "dsgvoRequestIdentify" in refused(agent, ACCESS, request=request)

    # of whom no store knows anything it is told so
    _, answer = access(agent, unknown(agent, "nobody@example.com"))
    assert answer["found"] is False


def put_away(xrm: Xrm, restriction: str) -> dict[str, Any]:
    document = "query ($id: ID!) { restriction(id: $id) { stores } }"
    found = xrm.as_role("auditor").query(document, id=restriction)["restriction"]["stores"]
    return dict((found or {}).get(NAME, {}))


@pytest.mark.invariant("I17", "I18")
def test_what_is_restricted_is_put_away_in_stores_too_until_it_is_lifted(xrm: Xrm, eva: str, news: News) -> None:
    dsb = xrm.as_role("dsb")
    person = {"entity": "contact", "record": eva}
    standing = done(dsb, OPEN, person=person, ground="accuracy", because="The address is contested.")
    id_ = standing["restriction"]
    assert not news.readers["1"].put_away

    # when a worker comes, and the store does not answer, then that is told, and it is asked again
    news.faults["restrict"] = lambda: None
    xrm.work(fails=True)
    assert put_away(xrm, id_) == {"status": "failed", "items": 0, "code": "STORE_ANSWER_INVALID"}
    news.faults.clear()
    xrm.clock.set(xrm.clock.now() + dt.timedelta(minutes=5))
    xrm.work()

    # then it is put away there, though its record lies in the vault, and nothing of anybody else is
    assert put_away(xrm, id_) == {"status": "restricted", "items": 1, "code": ""}
    assert {id_: each.put_away for id_, each in news.readers.items()} == {"1": True, "2": False}

    # and it is back once that is lifted
    done(dsb, ANNOUNCE, restriction=id_, via="letter")
    done(dsb, LIFT, restriction=id_, because="It is right.")
    xrm.work()
    assert put_away(xrm, id_) == {"status": "lifted", "items": 1, "code": ""}
    assert not news.readers["1"].put_away


def test_a_restriction_that_a_store_hears_of_late_does_not_outlive_its_end(xrm: Xrm, eva: str, news: News) -> None:
    # given a restriction of which a store has not heard before it is lifted
    dsb = xrm.as_role("dsb")
    person = {"entity": "contact", "record": eva}
    id_ = done(dsb, OPEN, person=person, ground="claims", because="They need them.")["restriction"]
    done(dsb, ANNOUNCE, restriction=id_, via="letter")
    done(dsb, LIFT, restriction=id_, because="They do not any more.")

    xrm.work()

    assert {question for question, _ in news.asked} == {"lift"}
    assert not news.readers["1"].put_away


def test_who_is_restricted_is_erased_in_stores_too(xrm: Xrm, eva: str, news: News) -> None:
    # given somebody whose data lie in the vault
    dsb, person = xrm.as_role("dsb"), {"entity": "contact", "record": eva}
    done(dsb, OPEN, person=person, ground="unlawful", because="They were bought.")
    xrm.work()

    # when they are erased, then it is known in stores by what, though no table has it
    opened_ = done(dsb, PLAN, **person, trigger="request")
    assert done(dsb, RUN, run=opened_["run"], planHash=opened_["planHash"])["status"] == "running"
    assert xrm.get("contact", eva)["email"] != ADDRESS
    xrm.work()

    assert set(news.readers) == {"2"}
    found = dsb.query(
        "query ($run: String!) { dsgvoErasurePlan(run: $run) { stores { erased code } } }", run=opened_["run"]
    )
    assert found["dsgvoErasurePlan"]["stores"] == [{"erased": 1, "code": ""}]


@pytest.mark.invariant("I26")
def test_the_record_of_processing_activities_has_what_stores_keep_and_for_whom(xrm: Xrm, news: News) -> None:
    found = xrm.as_role("dsb").query("query { dsgvoArt30(format: json) { content } }")["dsgvoArt30"]["content"]

    [activity] = [each for each in json.loads(found)["activities"] if each["key"] == SAYS["activities"][0]]
    assert NAME in activity["entities"]
    assert {"user.contact.email", "user.content.private"} <= {each["key"] for each in activity["categories"]}
    assert "mail_provider" in {each["key"] for each in activity["recipients"]}
