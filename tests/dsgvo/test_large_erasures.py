"""Very large erasures: planned, and looked at again, by a job; what comes in meanwhile is put apart (I8)."""

from typing import Any

import pytest
from sqlalchemy import text

from tests.dsgvo.canaries import Person, tokens_in
from tests.dsgvo.test_erasure_jobs import DONE, RESUME, RUN, Kills, name_of, standing
from tests.dsgvo.test_erasure_jobs import kills as kills
from tests.dsgvo.test_erasures import World
from tests.dsgvo.test_erasures import xrm_setup as xrm_setup  # the same world
from xrm_core.api import Refuse
from xrm_core.testing import Xrm

OPEN = """mutation ($i: DsgvoErasureOpenInput!) { dsgvoErasureOpen(input: $i) {
  run status planHash records { entity } candidates { record } } }"""
READ = """query ($run: String!) { dsgvoErasurePlan(run: $run) { status planHash needsReview plannedOn
  records { entity record action fields { name decision strategy } } candidates { entity record code }
  failures { step code } steps { name count } } }"""
RESTRICTIONS = "{ restrictions { nodes { id ground status reviewOn } } }"
WAITING = '{ backgroundJobs(where: {name: "dsgvo.erasure_plan", state: PENDING}, first: 5) { nodes { id } } }'
CONTACTS = "{ contacts(first: 200) { nodes { id email } } }"


@pytest.fixture
def world(xrm: Xrm, monkeypatch: pytest.MonkeyPatch) -> World:
    """One in which each erasure is a very large one."""
    settings = vars(xrm.platform.plugins.settings_of("dsgvo"))
    monkeypatch.setitem(settings, "erasure_at_once", 0)
    monkeypatch.setitem(settings, "erasure_planned_at_once", 0)
    monkeypatch.setitem(settings, "erasure_batch", 10)
    return World(xrm, xrm.as_role("admin"), *xrm.begun)


def read(world: World, run: str) -> dict[str, Any]:
    return dict(world.xrm.as_role("dsb").query(READ, run=run)["dsgvoErasurePlan"])


def page(world: World, run: str, first: int, skip: int) -> dict[str, Any]:
    document = READ.replace("$run: String!", "$run: String!, $first: Int, $skip: Int!").replace(
        "(run: $run) {", "(run: $run, first: $first, skip: $skip) { total"
    )
    found = world.xrm.as_role("dsb").query(document, run=run, first=first, skip=skip)["dsgvoErasurePlan"]
    return dict(found)


def planned(world: World, person: Person) -> dict[str, Any]:
    """The plan of a person, made by a job, in which all texts that are to be reviewed go."""
    given: dict[str, Any] = {"entity": "contact", "record": person.records["contact"]}
    first = world.admin.query(OPEN, i=given)["dsgvoErasureOpen"]
    assert (first["status"], first["planHash"], first["records"]) == ("planning", None, [])
    world.xrm.work()
    given["reviewed"] = [
        {"entity": record["entity"], "record": record["record"], "field": each["name"], "erase": True}
        for record in read(world, first["run"])["records"]
        for each in record["fields"]
        if each["decision"] == "review"
    ]
    opened = world.admin.query(OPEN, i=given)["dsgvoErasureOpen"]
    before = read(world, opened["run"])
    assert (before["status"], before["planHash"], before["plannedOn"], before["records"]) == (
        "planning",
        None,
        None,
        [],
    )
    world.xrm.work()
    return {"run": opened["run"], **read(world, opened["run"])}


def run(world: World, plan: dict[str, Any]) -> str:
    given = {"run": plan["run"], "planHash": plan["planHash"]}
    return str(world.xrm.as_role("dsb").query(RUN, i=given)["dsgvoErasureRun"]["status"])


@pytest.mark.invariant("I1", "I4", "I8")
def test_a_plan_that_a_job_makes_and_looks_at_again_does_what_one_at_once_does(world: World, kills: Kills) -> None:
    # given a plan that a job has made
    kills.on = False
    others = tokens_in(world.dump(), [world.b])
    plan = planned(world, world.a)
    assert (plan["status"], plan["needsReview"]) == ("planned", False)
    parts = [page(world, plan["run"], 3, skip) for skip in range(0, len(plan["records"]), 3)]
    assert [each for part in parts for each in part["records"]] == plan["records"]
    assert {(part["total"], part["needsReview"]) for part in parts} == {(len(plan["records"]), False)}
    entities = {each["entity"] for each in plan["records"]}
    assert entities >= {"contact", "member", "donation", "activity"}

    # when it is run, then all is there until a worker comes
    there = name_of(world)
    assert run(world, plan) == "running"
    assert name_of(world) == there
    assert standing(world, plan["run"])["percent"] == 0

    # and a worker that is killed at every step ends where one does that is not
    kills.on = True
    while kills.on:
        with pytest.raises(KeyboardInterrupt):
            world.xrm.work()
        kills.on = standing(world, plan["run"])["status"] == "running"
    world.xrm.work()
    done = standing(world, plan["run"])
    assert (done["status"] in DONE, done["failures"], done["percent"]) == (True, [], 100)
    dump = world.dump()
    kept = {
        (each["entity"], f["name"])
        for each in plan["records"]
        for f in each["fields"]
        if f["decision"] == "keep" or f["strategy"] == "redact_text"
    }
    assert {(entity, name) for _, entity, name in tokens_in(dump, [world.a]) if entity in entities} <= kept
    assert tokens_in(dump, [world.b]) == others
    with world.xrm.database.read() as connection:
        kinds = connection.execute(text("SELECT kind FROM erasure_plan_part WHERE run_id = :run"), {"run": plan["run"]})
        assert {kind for (kind,) in kinds} == {"plan"}


def test_what_has_changed_since_it_was_approved_is_not_erased_and_it_can_be_opened_anew(world: World) -> None:
    plan = planned(world, world.a)
    assert run(world, plan) == "running"
    # when something comes to the person before a worker does
    world.xrm.create("activity", {"subject": "One more", "kind": "call", "contact": world.a.records["contact"]})
    before = tokens_in(world.dump(), [world.a])
    world.xrm.work()

    # then nothing has gone, the plan stands as it was, and says why
    stands = read(world, plan["run"])
    assert (stands["status"], stands["failures"]) == ("planned", [{"step": "plan", "code": "PLAN_CHANGED"}])
    assert tokens_in(world.dump(), [world.a]) == before
    again = planned(world, world.a)
    assert len(again["records"]) == len(plan["records"]) + 1
    run(world, again)
    world.xrm.work()
    assert standing(world, again["run"])["status"] in DONE


def test_what_cannot_be_planned_says_why_and_is_planned_once_it_can(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"entity": "contact", "record": world.a.records["contact"]}
    opened = world.admin.query(OPEN, i=given)["dsgvoErasureOpen"]
    with monkeypatch.context() as patch:
        patch.setattr("xrm_dsgvo.erasure.large.require_erasable", refusing)
        world.xrm.work()
    failed = read(world, opened["run"])
    assert (failed["status"], failed["failures"]) == ("failed", [{"step": "plan", "code": "REFUSED_BY_PLUGIN"}])

    # and so is one whose job was cancelled
    dsb = world.xrm.as_role("dsb")
    assert dsb.query(RESUME, run=opened["run"])["dsgvoErasureResume"]["status"] == "planning"
    [waiting] = world.admin.query(WAITING)["backgroundJobs"]["nodes"]
    world.admin.query("mutation ($id: ID!) { cancelBackgroundJob(id: $id) { state } }", id=waiting["id"])
    world.xrm.work()
    assert read(world, opened["run"])["status"] == "planning"
    assert dsb.query(RESUME, run=opened["run"])["dsgvoErasureResume"]["status"] == "planning"
    world.xrm.work()
    assert read(world, opened["run"])["status"] == "planned"


def refusing(*_: Any) -> None:
    raise Refuse("The person wants these data kept.")


def test_a_small_one_is_planned_at_once_or_by_a_job_as_one_likes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(world.xrm.platform.plugins.settings_of("dsgvo")), "erasure_planned_at_once", 2_000)
    given = {"entity": "contact", "record": world.a.records["contact"]}
    assert world.admin.query(OPEN, i=given)["dsgvoErasureOpen"]["status"] == "planned"
    assert world.admin.query(OPEN, i={**given, "byJob": True})["dsgvoErasureOpen"]["status"] == "planning"


@pytest.mark.invariant("I1")
def test_who_comes_in_while_they_are_erased_is_put_apart_until_somebody_decides(
    world: World, kills: Kills, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given an erasure that is under way: the person's address is gone from their record
    kills.on = False
    contact = world.a.records["contact"]
    world.update("contact", contact, {"first_name": "Ada", "last_name": "Kern", "email": "Ada.Kern@kern.example"})
    plan = planned(world, world.a)
    run(world, plan)
    kills.on = True
    while "Ada" in str(name_of(world)):
        with pytest.raises(KeyboardInterrupt):
            world.xrm.work()

    # when a list is imported on which they are, and somebody of the same address with another name
    kills.on = False
    again = world.xrm.create("contact", first_name="A.", last_name="Kern", email="ada.kern@kern.example")
    child = world.xrm.create("contact", first_name="Mia", last_name="Kern", email="ada.kern@kern.example")
    world.xrm.work()

    # then the run is done, and whoever has come is out of reach, for somebody to decide on today
    done = standing(world, plan["run"])
    assert (done["status"] in DONE, done["failures"]) == (True, [])
    assert {each["name"]: each["count"] for each in done["steps"]}["apart"] == 1
    there = {each["id"] for each in world.admin.query(CONTACTS)["contacts"]["nodes"]}
    assert child in there
    assert again not in there
    [restriction] = world.admin.query(RESTRICTIONS)["restrictions"]["nodes"]
    assert (restriction["ground"], restriction["status"]) == ("arrived", "active")
    due = world.admin.query("{ dsgvoDue { what record } }")["dsgvoDue"]
    assert {"what": "restriction_review", "record": restriction["id"]} in due

    # and what the person was known by is nowhere any more but there
    assert b"Ada.Kern@kern.example" not in world.dump()

    # when they are erased as well
    monkeypatch.undo()
    opened = world.open(Person("C", {"contact": again}, {}))
    assert world.run(opened)["status"] in DONE
    assert world.admin.query(RESTRICTIONS)["restrictions"]["nodes"][0]["status"] == "lifted"


def test_who_was_told_as_maybe_the_same_person_is_not_put_apart(world: World, kills: Kills) -> None:
    # given somebody of the same address and another name, whom the plan tells as a candidate
    kills.on = False
    ada = {"first_name": "Ada", "last_name": "Kern", "email": "k@kern.example"}
    world.update("contact", world.a.records["contact"], ada)
    aunt = world.xrm.create("contact", first_name="Ida", last_name="Kern", email="k@kern.example")
    plan = planned(world, world.a)
    assert aunt in {each["record"] for each in plan["candidates"]}
    run(world, plan)
    kills.on = True
    while "Ada" in str(name_of(world)):
        with pytest.raises(KeyboardInterrupt):
            world.xrm.work()

    # when their name becomes one that might be the person's
    kills.on = False
    world.update("contact", aunt, {"first_name": "A."})
    world.xrm.work()

    # then they are there still
    done = standing(world, plan["run"])
    assert {each["name"]: each["count"] for each in done["steps"]}["apart"] == 0
    assert aunt in {each["id"] for each in world.admin.query(CONTACTS)["contacts"]["nodes"]}
