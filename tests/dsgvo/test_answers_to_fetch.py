"""Answers that a person, or another controller, fetches by a link: once, sealed until then, gone with the person."""

import io
import json
import zipfile
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from jsonschema import Draft202012Validator

from tests.docs.pages import REPOSITORY
from tests.dsgvo.conftest import KEY
from tests.dsgvo.test_erasures_of_duplicates import RUN, decided
from tests.dsgvo.test_requests import ADA, DECIDE, done, known, opened, refused
from tests.dsgvo.test_restrictions import OPEN as RESTRICT
from tests.dsgvo.test_sealed import DEBTOR
from xrm_core.testing import Setup, Xrm

RELEASE = "mutation ($i: DsgvoAnswerReleaseInput!) { dsgvoAnswerRelease(input: $i) { package link expiresOn digest } }"
ACCESS = "mutation ($i: DsgvoAccessInput!) { dsgvoAccess(input: $i) { content digest } }"
PACKAGE = "query ($id: ID!) { answerPackage(id: $id) { sealed tokenHash fetchedAt } }"
SCHEMA = REPOSITORY / "plugins" / "dsgvo" / "xrm_dsgvo" / "access" / "portable.schema.json"


GUEST = {
    "x-entity": "guest",
    "type": "object",
    "x-dsgvo": DEBTOR["x-dsgvo"],
    "properties": {
        "name": {
            "type": "string",
            "maxLength": 40,
            "x-dsgvo": {"category": "user.name", "origin": "provided", "erase": {"strategy": "null"}},
        },
        "pass": {
            "x-type": "file",
            "x-dsgvo": {"category": "user.financial", "origin": "provided", "erase": {"strategy": "delete_file"}},
        },
    },
}
"""A person of whom there is a file."""


@pytest.fixture(scope="module")
def xrm_setup() -> Setup:
    environment = {**KEY, "XRM_DSGVO_PUBLIC_URL": "https://crm.example.com"}
    return Setup(plugins=["dsgvo"], environment=environment, files={"guest": GUEST})


@pytest.fixture
def ada(xrm: Xrm) -> str:
    return str(xrm.create("contact", {"first_name": "Ada", "last_name": "Weißenberg", "email": ADA}))


def granted(xrm: Xrm, ada: str, kind: str = "access") -> str:
    request = opened(xrm.as_role("dsgvo_agent"), kind)
    known(xrm.as_role("dsgvo_agent"), request, ada)
    done(xrm.as_role("dsb"), DECIDE, request=request, decision="granted")
    return request


def released(xrm: Xrm, request: str, **more: Any) -> tuple[str, dict[str, Any]]:
    """Where it is fetched, and what was told."""
    made = done(xrm.as_role("dsgvo_agent"), RELEASE, request=request, **more)
    assert made["link"].startswith("https://crm.example.com/plugins/dsgvo/answer/")
    return urlsplit(made["link"]).path, made


def package(xrm: Xrm, id_: str) -> dict[str, Any]:
    return dict(xrm.as_role("admin").query(PACKAGE, id=id_)["answerPackage"])


def test_an_answer_is_fetched_once(xrm: Xrm, ada: str):
    agent, request = xrm.as_role("dsgvo_agent"), granted(xrm, ada)
    made = done(agent, ACCESS, request=request)

    path, told = released(xrm, request)

    # it lies there sealed, and its link is known to nobody else
    assert told["digest"] == made["digest"]
    kept = package(xrm, told["package"])
    assert "Weißenberg" not in kept["sealed"]
    assert path.rpartition("/")[2] not in json.dumps(kept)
    agent.refused("query ($id: ID!) { answerPackage(id: $id) { sealed } }", "BAD_QUERY", id=told["package"])
    # looking at the page does nothing, however often
    for _ in range(2):
        page = xrm.http.get(path, headers={"Accept-Language": "en"})
        assert (page.status_code, "It can be fetched once." in page.text) == (200, True)
    # who presses the button gets all of it
    answer = xrm.http.post(path, headers={"Accept-Language": "en"})
    assert answer.headers["cache-control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert {"answer.html", "answer.json", "answer.pdf"} <= set(packed.namelist())
        assert json.loads(packed.read("answer.json")) == json.loads(made["content"])
        assert "Weißenberg" in packed.read("answer.html").decode()
    # and nobody does any more
    for again in (xrm.http.get(path), xrm.http.post(path)):
        assert (again.status_code, "Weißenberg" in again.text) == (404, False)
    assert [package(xrm, told["package"])[each] for each in ("sealed", "tokenHash")] == [None, None]
    assert "destroy_keys" in {each.name for each in xrm.work().jobs}
    # a further one can be laid down
    assert xrm.http.get(released(xrm, request)[0]).status_code == 200


def test_what_nobody_fetches_goes_and_what_is_not_decided_is_not_there(xrm: Xrm, ada: str):
    agent = xrm.as_role("dsgvo_agent")
    waiting = opened(agent, "access")
    known(agent, waiting, ada)
    refused(agent, RELEASE, request=waiting)
    request = granted(xrm, ada)
    refused(agent, RELEASE, request=request, days=31)
    path, told = released(xrm, request, days=3)

    xrm.work()
    xrm.clock.advance(days=4)
    late = xrm.http.get(path).status_code
    xrm.work()

    assert late == 404
    assert package(xrm, told["package"])["sealed"] is None


def test_it_goes_with_the_person(xrm: Xrm, ada: str):
    path, _ = released(xrm, granted(xrm, ada))
    plan = decided(xrm.as_role("dsgvo_agent"), ada)

    xrm.as_role("dsb").query(RUN, i={"run": plan["run"], "planHash": plan["planHash"]})

    assert xrm.http.post(path).status_code == 404


def test_another_controller_fetches_what_is_portable_and_the_person_is_told(xrm: Xrm, ada: str):
    agent = xrm.as_role("dsgvo_agent")
    other = xrm.create("processor", key="other", name="Other Ltd", role="controller", country="DE")
    access = granted(xrm, ada)
    refused(agent, RELEASE, request=access, processor=other)
    path, _ = released(xrm, granted(xrm, ada, "portability"), processor=other)

    answer = xrm.http.post(path, headers={"Accept": "application/json"})

    taken = answer.json()
    Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(taken)
    [contact] = [each for each in taken["data"] if each["entity"] == "contact"]
    assert contact["fields"]["email"] == ADA
    gone = json.loads(done(agent, ACCESS, request=access)["content"])["art15"]["disclosures"]
    assert [(each["recipient"], each["entity"]) for each in gone] == [("Other Ltd", "contact")]


@pytest.mark.parametrize("kind", ["access", "portability"])
def test_files_of_restricted_data_are_in_what_is_fetched_and_others_are_linked(xrm: Xrm, kind: str):
    # given two files of a person, of whom one record is restricted
    admin, dsb = xrm.as_role("admin"), xrm.as_role("dsb")
    headers = {"Content-Type": "text/plain"}
    made = "mutation ($n: String, $f: ID) { createGuest(input: {name: $n, passId: $f}) { id } }"
    guests = []
    for name in ("Ada", "Bo"):
        path = f"/files?name=../{name} Pass.txt"
        file = admin.request("POST", path, content=f"Pass von {name}".encode(), headers=headers).json()["id"]
        guests.append(admin.query(made, n=name, f=file)["createGuest"]["id"])
    request = opened(xrm.as_role("dsgvo_agent"), kind)
    known(xrm.as_role("dsgvo_agent"), request, guests[0], entity="guest")
    other = opened(xrm.as_role("dsgvo_agent"), kind)
    known(xrm.as_role("dsgvo_agent"), other, guests[1], entity="guest")
    for each in (request, other):
        done(dsb, DECIDE, request=each, decision="granted")
    person = {"entity": "guest", "record": guests[0]}
    done(dsb, RESTRICT, person=person, ground="accuracy", because="The pass is contested.")

    # when
    fetched = []
    for each in (request, other):
        path, _ = released(xrm, each)
        fetched.append(zipfile.ZipFile(io.BytesIO(xrm.http.post(path, headers={"Accept-Language": "en"}).content)))

    # then
    [name] = [each for each in fetched[0].namelist() if each.startswith("files/")]
    assert fetched[0].read(name) == b"Pass von Ada"
    assert name.count("/") == 1
    assert f'href="{quote(name)}"' in fetched[0].read("files.html").decode()
    assert not [each for each in fetched[1].namelist() if each.startswith("files/")]
    assert "https://crm.example.com/files/" in fetched[1].read("files.html").decode()
