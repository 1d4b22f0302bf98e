"""What a person takes along (Article 20): a part of what access tells, of a form that is written down (I11)."""

import csv
import io
import json
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from xrm_dsgvo.privacy import privacy_of

from tests.dsgvo.canaries import tokens_in
from tests.dsgvo.test_access import SETUP, World
from tests.dsgvo.test_requests import ANSWER, DECIDE, done, refused
from xrm_core.testing import Setup, Xrm

PORTABLE = """mutation ($i: DsgvoPortableInput!) { dsgvoPortable(input: $i) {
  content digest found toReview { entity record field } leftOut { code entity field } } }"""
REVIEW = "mutation ($i: DsgvoRequestReviewInput!) { dsgvoRequestReview(input: $i) { status } }"


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return SETUP


@pytest.fixture
def world(xrm: Xrm) -> World:
    return World(xrm, xrm.as_role("dsgvo_agent"), *xrm.begun)


def reviewed(world: World, request: str) -> dict[str, Any]:
    texts = [{**each, "show": True} for each in done(world.agent, PORTABLE, request=request)["toReview"]]
    done(world.agent, REVIEW, request=request, texts=texts)
    return done(world.agent, PORTABLE, request=request)


@pytest.mark.invariant("I11")
def test_what_was_provided_is_taken_along_and_is_a_part_of_access(world: World):
    request, access = world.asked("portability"), world.asked(name="Ada Asker")
    world.update("contact", world.a.records["contact"], jobTitle="Present position")
    world.review(access)

    made = reviewed(world, request)

    content = json.loads(made["content"])
    schema = json.loads((files("xrm_dsgvo.access") / "portable.schema.json").read_text("utf-8"))
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(content)
    # it has what they have given, by consent or contract, and of all records of theirs
    by_id = {each["record"]: each["fields"] for each in content["data"]}
    own, again = (person.tokens["contact", "last_name"] for person in (world.a, world.c))
    assert by_id[world.a.records["contact"]]["last_name"] == own
    assert by_id[world.c.records["contact"]]["last_name"] == again
    # and nothing that access does not tell
    told = json.loads(world.access(access)["content"])["data"]
    everything = {(each["entity"], each["id"], f["name"]): f["value"] for each in told for f in each["fields"]}
    privacy = privacy_of(world.xrm.platform.model)
    for each in content["data"]:
        for name, value in each["fields"].items():
            assert everything[each["entity"], each["record"], name] == value
            said = privacy[each["entity"]].fields[name]
            # nothing that was reckoned, comes from others, or that colleagues have noted
            assert said.origin in ("provided", "observed")
            assert said.origin == "provided" or not said.free_text
    assert tokens_in(made["content"].encode(), [world.b]) == set()
    codes = {(each["code"], each["entity"], each["field"]) for each in made["leftOut"]}
    assert ("NOT_PROVIDED", "contact", "notes") in codes
    # what only the law wants is no data to take along
    assert "data_subject_request" not in {each["entity"] for each in content["data"]}
    assert "data_subject_request" in {entity for code, entity, _ in codes if code == "NO_BASIS"}


def test_the_table_has_the_same_values(world: World):
    request = world.asked("portability")
    made = reviewed(world, request)

    table = done(world.agent, PORTABLE, request=request, form="csv")

    assert table["digest"] == made["digest"]
    lines = list(csv.DictReader(io.StringIO(table["content"], newline="")))
    content = json.loads(made["content"])
    assert [(each["entity"], each["record"], each["field"]) for each in lines] == [
        (each["entity"], each["record"], name) for each in content["data"] for name in each["fields"]
    ]
    mine = {each["field"]: each["value"] for each in lines if each["record"] == world.a.records["contact"]}
    assert mine["email"] == world.a.tokens["contact", "email"]


def test_it_goes_out_once_it_is_made_for_a_request_of_its_kind(world: World):
    dsb = world.xrm.as_role("dsb")
    request, access = world.asked("portability"), world.asked()

    refused(world.agent, PORTABLE, request=access)
    done(dsb, DECIDE, request=request, decision="granted")
    refused(world.agent, ANSWER, request=request, via="portal")
    reviewed(world, request)
    assert done(world.agent, ANSWER, request=request, via="portal")["status"] == "answered"
