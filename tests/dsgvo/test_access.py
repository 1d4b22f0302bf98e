"""Answers to requests for access (Article 15): complete, without others, the same in all forms (I10)."""

import html as html_of
import json
import re
from base64 import b64decode
from dataclasses import dataclass
from typing import Any

import pytest

from tests.dsgvo.canaries import Canaries, Person, tokens_in
from tests.dsgvo.conftest import KEY
from tests.dsgvo.test_canaries import ALSO, OWN
from tests.dsgvo.test_requests import ANSWER, DECIDE, REFUSED, done, known, opened, refused
from xrm_core import naming
from xrm_core.testing import Client, Setup, Xrm

ACCESS = """mutation ($i: DsgvoAccessInput!) { dsgvoAccess(input: $i) {
  content digest found toReview { entity record field text } leftOut { code store entity field count } } }"""
REVIEW = "mutation ($i: DsgvoRequestReviewInput!) { dsgvoRequestReview(input: $i) { status } }"
OTHERS = (*OWN, "legal_hold", "retention_event", "erasure_run")


def begin(xrm: Xrm) -> tuple[Person, Person, Person]:
    canaries = Canaries(xrm, but=OTHERS)
    first = canaries.fill("A")
    return first, canaries.fill("B"), canaries.fill("C", same=first)


SETUP = Setup(
    plugins=["dsgvo"], pack="association", environment=KEY, begin=begin, settings={"secret_key": "0123456789abcdef" * 3}
)
"""Made once for all files that use it."""


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return SETUP


@dataclass
class World:
    """A has asked, C is a duplicate of A, B is somebody else."""

    xrm: Xrm
    agent: Client
    a: Person
    b: Person
    c: Person

    def asked(self, kind: str = "access", **more: Any) -> str:
        """A request of A that is worked on."""
        request = opened(self.agent, kind, **more)
        known(self.agent, request, self.a.records["contact"])
        return request

    def access(self, request: str, **more: Any) -> dict[str, Any]:
        return done(self.agent, ACCESS, request=request, **more)

    def review(self, request: str, *, show: bool = True, blacken: tuple[str, ...] = ()) -> None:
        """All texts that are to be reviewed."""
        found = self.access(request)["toReview"]
        texts = [{**{name: each[name] for name in ("entity", "record", "field")}, "show": show} for each in found]
        done(self.agent, REVIEW, request=request, texts=texts, blacken=list(blacken))

    def update(self, entity: str, id_: str, **values: Any) -> None:
        kind = naming.pascal(entity)
        document = f"mutation ($id: ID!, $v: Update{kind}Input!) {{ update{kind}(id: $id, input: $v) {{ id }} }}"
        self.xrm.as_role("admin").query(document, id=id_, v=values)


@pytest.fixture
def world(xrm: Xrm) -> World:
    return World(xrm, xrm.as_role("dsgvo_agent"), *xrm.begun)


@pytest.mark.invariant("I10")
def test_all_that_is_theirs_is_told_or_said_to_be_left_out_and_nothing_of_others(world: World):
    # given an activity of A that B shares, with a text that names B in many ways, and somebody whom nobody knows
    a, b, activity = world.a, world.b, world.a.records["activity"]
    names = [b.tokens["contact", name] for name in ("first_name", "last_name", "email", "mobile")]
    own, number = a.tokens["contact", "email"], b.tokens["contact", "mobile"].removeprefix("+4930")
    text = f"{own} met {', '.join(names).upper()}, (030) {number}, x@strange.example and Fremdling."
    world.update("activity", activity, subject=text, regarding={"contactId": b.records["contact"]})
    request = world.asked()

    # then a text that may name others is not told before somebody has looked at it
    first = world.access(request)
    assert text in {each["text"] for each in first["toReview"]}
    assert text.split(",")[0] not in first["content"]
    world.review(request, blacken=("Fremdling",))
    made = world.access(request)
    assert made["toReview"] == []
    content = json.loads(made["content"])

    # and everything of A and of their duplicate is told, or said to be left out
    records = {(each["entity"], each["id"]) for each in content["data"]}
    told = {entity for entity, _ in records}
    assert told >= {"contact", "member", "donation", "fee", "activity", "event_registration"}
    assert ("contact", world.c.records["contact"]) in records
    left_out = {(each["entity"], each["field"]) for each in made["leftOut"]}
    page = world.access(request, form="html", language="en")["content"]
    for person in (a, world.c):
        mine = {
            place: token for place, token in person.tokens.items() if (place[0], person.records[place[0]]) in records
        }
        assert len(mine) > 20
        there = {(entity, name) for _, entity, name in tokens_in(made["content"].encode(), [person])}
        for place, token in mine.items():
            if place in there:
                assert html_of.escape(token) in page, place
            else:
                assert place in left_out, place
    # and nothing of B, of whom the text goes on without what names them
    assert tokens_in(made["content"].encode(), [b]) == set()
    assert tokens_in(page.encode(), [b]) == set()
    [told_text] = [
        f for each in content["data"] if each["id"] == activity for f in each["fields"] if f["name"] == "subject"
    ]
    assert told_text["value"] == f"{own} met ███, ███, ███, ███, ███, ███ and ███."
    assert ("BLACKENED", "activity", "subject") in {(e["code"], e["entity"], e["field"]) for e in made["leftOut"]}


def test_what_article_15_wants_is_said_of_each_field(world: World):
    request = world.asked()
    world.review(request)

    content = json.loads(world.access(request)["content"])

    art15, data = content["art15"], content["data"]
    activities = {each["key"]: each for each in art15["activities"]}
    assert {"vertrieb.kundenpflege", "verein.mitglieder", "verein.spenden"} <= activities.keys()
    assert "marketing.bewertung" not in activities  # nothing is processed for it
    told = {field["category"] for each in data for field in each["fields"]}
    assert {one["key"] for each in activities.values() for one in each["categories"]} == told
    email = next(f for each in data if each["entity"] == "contact" for f in each["fields"] if f["name"] == "email")
    assert (email["origin"], email["basis"], email["categoryLabel"]["en"]) == (
        "provided",
        ["a", "b", "f"],
        "E-mail address",
    )
    donation = next(each for each in data if each["entity"] == "donation")
    assert donation["retention"]["legalRef"]
    searched = {each["entity"]: each["found"] for each in content["manifest"]["searched"]}
    assert searched["contact"] == 2
    assert searched["competitor"] == 0
    reasons = {each["code"] for each in content["manifest"]["leftOut"]}
    assert {"BDSG34_BACKUP", "BDSG34_LOG", "OTHER_FILES", "FILE_APART"} <= reasons


def test_former_values_the_trash_and_messages_are_told(world: World):
    contact = world.a.records["contact"]
    world.update("contact", contact, jobTitle="Former position")
    world.update("contact", contact, jobTitle="Present position")
    told = world.xrm.create("activity", {"kind": "call", "subject": "Gone", "contact": contact})
    world.xrm.as_role("admin").query("mutation ($id: ID!) { deleteActivity(id: $id) { id } }", id=told)
    before = world.asked("rectification")
    world.xrm.work()  # from now on the schedule counts, and the officer is reminded of the request before
    world.xrm.clock.advance(hours=1)
    world.xrm.work()
    request = world.asked()
    world.review(request)

    with world.xrm.statements() as asked:
        content = json.loads(world.access(request)["content"])

    # the trash and the vault are asked what they have (the archive apart), then for what there is: the activity, and
    # whether it is gone for good
    asked = [each for each in asked if "xrm_change" not in each]
    assert len([each for each in asked if "xrm_trash" in each]) == 3
    assert len([each for each in asked if "xrm_vault" in each]) == 4
    by_id = {each["id"]: each for each in content["data"]}
    position = [each["value"] for each in by_id[contact]["history"] if each["name"] == "job_title"]
    assert position[0] == "Former position"
    assert {f["name"]: f["value"] for f in by_id[contact]["fields"]}["job_title"] == "Present position"
    assert by_id[told]["deleted"]
    assert [f["value"] for f in by_id[told]["fields"]] == ["Gone"]
    assert {f["name"]: f["text"]["en"] for f in by_id[told]["about"]}["kind"] == "Call"
    assert [(each["kind"], each["state"]) for each in by_id[before]["messages"]] == [("dsgvo.reminder", "sent")]
    assert request not in by_id
    stores = {each["store"]: each["found"] for each in content["manifest"]["stores"]}
    assert stores["trash"] == 1
    assert stores["change_log"] >= 2


def test_texts_about_others_that_name_the_person_are_found_and_shown_after_a_review(world: World):
    # given a note at B that names A by an address, and one that names nobody
    a, b = world.a.tokens, world.b.tokens
    text = f"{b['contact', 'first_name']} knows {a['contact', 'email'].upper()} from {b['contact', 'email']}."
    world.update("contact", world.b.records["contact"], notes=text)
    request = world.asked()

    found = [each for each in world.access(request)["toReview"] if each["record"] == world.b.records["contact"]]
    without = world.access(request, searchTexts=False)
    world.review(request)
    made = world.access(request)

    assert [(each["field"], each["text"]) for each in found] == [("notes", text)]
    assert world.b.records["contact"] not in {each["record"] for each in without["toReview"]}
    assert "OTHER_TEXTS" in {each["code"] for each in without["leftOut"]}
    content = json.loads(made["content"])
    [told] = content["mentions"]
    assert told["value"] == f"███ knows {a['contact', 'email'].upper()} from ███."
    assert world.b.records["contact"] not in {each["id"] for each in content["data"]}
    assert tokens_in(made["content"].encode(), [world.b]) == set()


def test_who_is_not_known_is_told_so(world: World):
    request = opened(world.agent, "access", name="Nobody Nowhere", address="nobody@nowhere.example")
    done(
        world.agent,
        "mutation ($i: DsgvoRequestIdentifyInput!) { dsgvoRequestIdentify(input: $i) { status } }",
        request=request,
        grade="known_facts",
    )

    made = world.access(request, form="html", language="de")

    assert made["found"] is False
    assert "Außer Ihrer Anfrage und dieser Antwort verarbeiten wir keine Daten über Sie." in made["content"]
    assert "Nobody Nowhere" in made["content"]
    assert "E-Mail" not in made["content"]


def test_an_address_that_is_known_is_no_proof_of_who_has_asked(world: World):
    # given somebody who gives the address of A, and an agent who has checked nothing
    request = opened(world.agent, "access", address=world.a.tokens["contact", "email"])
    identify = "mutation ($i: DsgvoRequestIdentifyInput!) { dsgvoRequestIdentify(input: $i) { status } }"
    done(world.agent, identify, request=request, grade="known_facts")

    assert "say who has asked" in refused(world.agent, ACCESS, request=request)


def test_an_answer_goes_out_once_all_is_reviewed_and_leaves_no_copy(world: World):
    dsb = world.xrm.as_role("dsb")
    request, other = world.asked(), world.asked("erasure")
    assert "another" in refused(world.agent, ACCESS, request=other)
    done(dsb, DECIDE, request=request, decision="granted")
    assert "not made" in refused(world.agent, ANSWER, request=request, via="letter")
    first = world.access(request)
    assert first["toReview"]
    assert "not made" in refused(world.agent, ANSWER, request=request, via="letter")
    refused(world.agent, REVIEW, request=request, blacken=["x"])

    # when the texts are kept back
    world.review(request, show=False)
    made = world.access(request)

    # then that is said, and the answer goes out
    place = first["toReview"][0]
    assert ("ART15_4", place["entity"], place["field"]) in {
        (e["code"], e["entity"], e["field"]) for e in made["leftOut"]
    }
    assert world.access(request, form="html")["digest"] == made["digest"]
    assert done(world.agent, ANSWER, request=request, via="letter")["status"] == "answered"
    refused(world.agent, ACCESS, request=request)
    # and what is kept of it has no content
    query = "query ($id: ID!) { dataSubjectRequest(id: $id) { manifest answerDigest } }"
    kept = world.agent.query(query, id=request)["dataSubjectRequest"]
    assert kept["answerDigest"] == made["digest"]
    assert tokens_in(json.dumps(kept).encode(), [world.a, world.b, world.c]) == set()


def test_only_who_works_on_requests_gets_answers(world: World):
    request = world.asked()

    for role in ("auditor", "membership_office"):
        assert "data" not in world.xrm.as_role(role).post(ACCESS, i={"request": request}).json()
    world.xrm.as_role("dsb").query(ACCESS, i={"request": request})
    world.agent.refused(ACCESS, REFUSED, i={"request": world.a.records["contact"]})


def test_an_answer_is_a_document_too(world: World):
    request = world.asked()
    world.review(request)

    made = world.access(request, form="pdf")

    content = b64decode(made["content"])
    assert content.startswith(b"%PDF-")
    pages = re.search(rb"/Type/Pages/Count (\d+)", content)
    assert pages is not None
    assert int(pages[1]) > 2


@pytest.mark.slow
@pytest.mark.parametrize("plugins", [("sales",), ()], ids=["sales", "machine_builder"])
def test_other_packs_are_told_as_wholly(xrm_with: Any, plugins: tuple[str, ...]):
    pack = "core" if plugins else "machine_builder"
    xrm: Xrm = xrm_with(Setup(plugins=["dsgvo", *plugins], pack=pack, environment=KEY))
    if plugins:
        xrm.as_role("admin").query("mutation { salesInstallDefaults }")
        xrm.create("tax_rate", country="DE", category="standard", percent=19, valid_from="2007-01-01")
    canaries = Canaries(xrm, but=OTHERS, also=ALSO if plugins else {})
    first, other = canaries.fill("A"), canaries.fill("B")
    world = World(xrm, xrm.as_role("dsgvo_agent"), first, other, canaries.fill("C", same=first))
    request = world.asked()
    world.review(request)

    made = world.access(request)

    records = {(each["entity"], each["id"]) for each in json.loads(made["content"])["data"]}
    left_out = {(each["entity"], each["field"]) for each in made["leftOut"]}
    assert tokens_in(made["content"].encode(), [other]) == set()
    for person in (first, world.c):
        told = {(entity, name) for _, entity, name in tokens_in(made["content"].encode(), [person])}
        mine = {place for place in person.tokens if (place[0], person.records[place[0]]) in records}
        assert len(mine) >= 20
        assert mine - told - left_out == set()


def test_files_go_along_by_links_for_who_makes_the_answer(world: World):
    request = world.asked()
    path = f"/plugins/dsgvo/answers/{request}/files"
    # before the review nothing of what may name others is there
    assert {each["field"] for each in world.agent.request("GET", path).json()} == {"receipt"}
    world.review(request)

    found = world.agent.request("GET", path).json()

    mine = world.a.records["member"]
    [one] = [each for each in found if (each["entity"], each["record"]) == ("member", mine)]
    assert one["field"] == "application_form"
    # the agent may read no members, and whoever has the link reads the file and no other
    content = world.xrm.http.get(one["url"]).content
    assert tokens_in(content, [world.a, world.b]) == {("A", "member", "application_form")}
    other = world.b.records["member"]
    assert other not in {each["record"] for each in found}
    theirs = world.xrm.as_role("admin").query(
        "query ($id: ID!) { member(id: $id) { applicationForm { id } } }", id=other
    )["member"]["applicationForm"]["id"]
    assert world.xrm.http.get(one["url"].replace(one["id"], theirs)).status_code == 403
    # and nobody else gets the links
    for client in (world.xrm.as_role("auditor"), world.xrm.as_role("membership_office")):
        assert client.request("GET", path).status_code == 422
    assert world.agent.request("GET", f"/plugins/dsgvo/answers/{mine}/files").status_code == 422
    assert world.agent.request("GET", "/plugins/dsgvo/answers/x/files").status_code == 422
    assert world.xrm.http.get(path).status_code == 401


def test_log_and_outbox_are_not_asked_for_each_record(world: World):
    contact = world.a.records["contact"]

    def asked() -> tuple[int, int]:
        request = world.asked()
        with world.xrm.statements() as said:
            data = json.loads(world.access(request)["content"])["data"]
        return len(data), sum(1 for each in said if "xrm_change" in each or "xrm_message" in each)

    records, before = asked()
    for number in range(30):
        world.xrm.create("activity", subject=f"Call {number}", kind="call", contact=contact)
    more, after = asked()
    assert more >= records + 30
    assert after - before < 10
