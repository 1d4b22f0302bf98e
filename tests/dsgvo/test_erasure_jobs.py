"""Large erasures: the person is gone at once, the rest goes part by part, whatever dies meanwhile (I8)."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from xrm_dsgvo.due.dates import due_of
from xrm_dsgvo.erasure import commands, parts, pieces

from tests.dsgvo.canaries import Person, tokens_in
from tests.dsgvo.test_erasures import HOLD, OPEN, READ, RELEASE, RUN, World
from tests.dsgvo.test_erasures import xrm_setup as xrm_setup  # the same world
from xrm_core.api import CommandContext, JobContext, Refuse
from xrm_core.metadata import json_text
from xrm_core.testing import Xrm

PLAN = """query ($run: String!) { dsgvoErasurePlan(run: $run) { status percent backupClearOn
  failures { step code entity record } steps { name count } kept { datenart } } }"""
APPROVE = "mutation ($i: DsgvoErasureApproveInput!) { dsgvoErasureApprove(input: $i) { status } }"
RESUME = "mutation ($run: String!) { dsgvoErasureResume(input: {run: $run}) { status } }"
JOBS = '{ backgroundJobs(where: {name: "dsgvo.erase"}, first: 5) { nodes { id state error { code message } } } }'
DONE = {"complete", "complete_with_retention"}


@pytest.fixture
def world(xrm: Xrm, monkeypatch: pytest.MonkeyPatch) -> World:
    """One in which each erasure is a large one."""
    settings = vars(xrm.platform.plugins.settings_of("dsgvo"))
    monkeypatch.setitem(settings, "erasure_at_once", 0)
    monkeypatch.setitem(settings, "erasure_batch", 10)
    return World(xrm, xrm.as_role("admin"), *xrm.begun)


@dataclass
class Kills:
    """The worker is killed in each part of an erasure: just before its commit, and the next time just after it."""

    on: bool = True
    seals: int = 0

    def at(self, job: JobContext, *, sealing: bool) -> None:
        if self.on and job._run.job.name == "dsgvo.erase":
            self.seals += sealing
            if self.seals % 2 == sealing:
                raise KeyboardInterrupt


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch) -> Kills:
    found, seal, committed = Kills(), JobContext._seal, JobContext._committed

    def before(self: JobContext, connection: Any) -> None:
        found.at(self, sealing=True)
        seal(self, connection)

    def after(self: JobContext) -> None:
        committed(self)
        found.at(self, sealing=False)

    monkeypatch.setattr(JobContext, "_seal", before)
    monkeypatch.setattr(JobContext, "_committed", after)
    return found


def standing(world: World, run: str) -> dict[str, Any]:
    return dict(world.xrm.as_role("auditor").query(PLAN, run=run)["dsgvoErasurePlan"])


def name_of(world: World) -> Any:
    document = "query ($id: ID!) { contact(id: $id) { firstName lastName email } }"
    return world.admin.query(document, id=world.a.records["contact"])["contact"]


@pytest.mark.invariant("I1", "I4", "I8")
def test_a_worker_that_is_killed_at_every_step_ends_where_one_does_that_is_not(world: World, kills: Kills) -> None:
    # given a text that is about others, too
    text = f"Call A: {world.a.tokens['contact', 'mobile']}, or B."
    world.update("activity", world.a.records["activity"], {"subject": text})
    others = tokens_in(world.dump(), [world.b])
    opened = world.decided(world.a)
    planned = {each["entity"] for each in opened["records"]}

    # when it is begun, then the person is out of reach, before any worker has done anything
    begun = world.run(opened)
    assert (begun["status"], begun["backupClearOn"]) == ("running", None)
    gone = name_of(world)
    assert not tokens_in(str(gone).encode(), [world.a])
    assert standing(world, opened["run"])["percent"] == 0

    # and they stay so, whenever a worker dies
    shown = []
    while kills.on:
        with pytest.raises(KeyboardInterrupt):
            world.xrm.work()
        assert name_of(world) == gone
        now = standing(world, opened["run"])
        shown.append(now["percent"])
        kills.on = now["status"] == "running"
    assert len(set(shown)) * 2 == len(shown)  # each part was killed twice, and was done by the second
    assert len(shown) > 10
    world.xrm.work()

    # then all is done that an erasure at once does, and no more
    done = standing(world, opened["run"])
    assert done["status"] in DONE
    assert (done["percent"], done["failures"]) == (100, [])
    assert done["backupClearOn"] is not None
    dump = world.dump()
    blackened = {
        (each["entity"], f["name"])
        for each in opened["records"]
        for f in each["fields"]
        if f["strategy"] == "redact_text"
    }
    assert {(entity, name) for _, entity, name in tokens_in(dump, [world.a]) if entity in planned} <= blackened
    assert tokens_in(dump, [world.b]) == others
    read = world.admin.query("query ($id: ID!) { activity(id: $id) { subject } }", id=world.a.records["activity"])
    assert read["activity"]["subject"] == "Call A: ███, or B."
    again = world.open(world.a)
    assert {f["decision"] for each in again["records"] for f in each["fields"]} <= {"erase", "keep", "review"}


@pytest.mark.invariant("I20")
def test_a_hold_that_comes_meanwhile_stops_it_and_it_goes_on_after(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = world.decided(world.a)
    world.run(opened)
    activity = next(each for each in opened["records"] if each["entity"] == "activity")
    given = {"matter": "AZ 12/26", "basis": "Art. 17(3)(e) DSGVO", "entity": "activity", "record": activity["record"]}
    hold = world.admin.query(HOLD, i=given)["dsgvoHoldSet"]["hold"]
    world.close_log()
    before = tokens_in(world.dump(), [world.a])

    # when a worker comes
    world.xrm.work(fails=True)

    # then nothing more has gone, and it says why
    failed = standing(world, opened["run"])
    assert failed["status"] == "failed"
    assert [each["code"] for each in failed["failures"]] == ["LEGAL_HOLD"]
    assert tokens_in(world.dump(), [world.a]) == before

    platform = world.xrm.platform
    settings = platform.plugins.settings_of("dsgvo")
    command = CommandContext(platform.records, platform.database, "", settings, "dsgvo erasures")
    capsys.readouterr()
    commands.erasures(command, status="failed")
    told = capsys.readouterr().out.splitlines()
    assert [told[0].split()[:4], told[1]] == [[opened["run"], "failed", "0", "%"], "    fields: LEGAL_HOLD"]

    # when the hold is released, and who may lets it go on
    world.admin.query(RELEASE, h=hold)
    dsb = world.xrm.as_role("dsb")
    world.xrm.as_role("dsgvo_agent").refused(RESUME, "BAD_QUERY", run=opened["run"])
    assert dsb.query(RESUME, run=opened["run"])["dsgvoErasureResume"]["status"] == "running"
    world.xrm.work()
    done = standing(world, opened["run"])
    assert (done["status"] in DONE, done["failures"]) == (True, [])
    dsb.refused(RESUME, "REFUSED_BY_PLUGIN", run=opened["run"])


def test_what_refuses_keeps_no_other_and_is_named_and_is_done_once_it_does_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = world.decided(world.a)
    activity = world.a.records["activity"]
    world.update("activity", activity, {"subject": f"{world.a.tokens['contact', 'mobile']} called."})
    opened, do = world.decided(world.a), parts._DO["fields"]

    def refusing(work: Any) -> int:
        if any(each.id == activity for each in work.plan.records):
            raise Refuse("It is sealed.")
        return do(work)

    monkeypatch.setitem(parts._DO, "fields", refusing)
    world.run(opened)
    job = world.xrm.work(fails=True).job("dsgvo.erase")

    # then the others are done, and former values are kept as long as this text needs them
    assert (job.state, job.error and job.error["code"]) == ("dead", "FAILED")
    failed = standing(world, opened["run"])
    refused = {"step": "fields", "code": "REFUSED_BY_PLUGIN", "entity": "activity", "record": activity}
    assert (failed["status"], failed["failures"]) == ("failed", [refused])
    counts = {each["name"]: each["count"] for each in failed["steps"]}
    assert counts["fields"] > 0 == counts["history"]

    # when it does not refuse any more
    monkeypatch.setitem(parts._DO, "fields", do)
    world.xrm.as_role("dsb").query(RESUME, run=opened["run"])
    world.xrm.work()
    assert standing(world, opened["run"])["status"] in DONE
    read = world.admin.query("query ($id: ID!) { activity(id: $id) { subject } }", id=activity)
    assert read["activity"]["subject"] == "███ called."


def test_one_that_is_cancelled_goes_on_when_it_is_told_to_and_what_has_come_meanwhile_goes_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a run whose job is cancelled before it has begun
    opened = world.decided(world.a)
    world.run(opened)
    [waiting] = world.admin.query(JOBS)["backgroundJobs"]["nodes"]
    world.admin.query("mutation ($id: ID!) { cancelBackgroundJob(id: $id) { state } }", id=waiting["id"])
    world.xrm.work()
    assert standing(world, opened["run"])["status"] == "running"

    # and one that is cancelled while it runs says so
    committed = JobContext._committed

    def cancelling(self: JobContext) -> None:
        committed(self)
        self._heart.cancelled = True

    dsb = world.xrm.as_role("dsb")
    with monkeypatch.context() as patch:
        patch.setattr(JobContext, "_committed", cancelling)
        dsb.query(RESUME, run=opened["run"])
        world.xrm.work()
    failed = standing(world, opened["run"])
    assert (failed["status"], [each["code"] for each in failed["failures"]]) == ("failed", ["CANCELLED"])
    assert 0 < failed["percent"] < 100
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    due = due_of(lambda document, given: dict(dsb.query(document, **given)), tomorrow, datetime.now(UTC))
    assert [(each.what, each.record) for each in due] == [("erasure", opened["run"])]

    # when the person comes back to the record, and it goes on
    world.update("contact", world.a.records["contact"], {"email": "back@vogel.example"})
    dsb.query(RESUME, run=opened["run"])
    world.xrm.work()

    # then that goes, too
    done = standing(world, opened["run"])
    assert (done["status"] in DONE, done["failures"]) == (True, [])
    assert b"back@vogel.example" not in world.dump()


def test_whoever_has_opened_a_plan_approves_it_not_and_runs_it_once_somebody_else_has(world: World) -> None:
    opened = world.decided(world.a)
    given = {"run": opened["run"], "planHash": opened["planHash"]}
    assert world.admin.refused(APPROVE, "REFUSED_BY_PLUGIN", i=given).details["field"] == "run"
    dsb = world.xrm.as_role("dsb")
    assert dsb.refused(APPROVE, "REFUSED_BY_PLUGIN", i={**given, "planHash": "0" * 64}).details["field"] == "planHash"
    answer = world.xrm.as_role("dsgvo_agent").post(APPROVE, i=given).json()
    assert {each["extensions"]["code"] for each in answer["errors"]} == {"BAD_QUERY"}

    assert dsb.query(APPROVE, i=given)["dsgvoErasureApprove"]["status"] == "approved"
    assert standing(world, opened["run"])["status"] == "approved"
    dsb.refused(APPROVE, "REFUSED_BY_PLUGIN", i=given)
    assert world.admin.query(RUN, i=given)["dsgvoErasureRun"]["status"] == "running"
    world.admin.refused(RUN, "REFUSED_BY_PLUGIN", i=given)


def test_where_a_setting_wants_it_even_the_smallest_plan_is_run_by_somebody_else(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = vars(world.xrm.platform.plugins.settings_of("dsgvo"))
    alone = world.xrm.create("contact", first_name="Eva", last_name="Einzeln", email="eva@einzeln.example")
    dsb, admin = world.xrm.as_role("dsb"), world.admin
    opened = admin.query(OPEN, i={"entity": "contact", "record": alone})["dsgvoErasureOpen"]
    given = {"run": opened["run"], "planHash": opened["planHash"]}
    assert len(opened["records"]) < settings["erasure_alone"]

    with monkeypatch.context() as patch:
        patch.setitem(settings, "erasure_alone", 0)
        assert admin.refused(RUN, "REFUSED_BY_PLUGIN", i=given).details["field"] == "run"
        assert dsb.query(APPROVE, i=given)["dsgvoErasureApprove"]["status"] == "approved"
    assert admin.query(RUN, i=given)["dsgvoErasureRun"]["status"] == "running"


def test_a_plan_that_is_longer_than_a_field_is_kept_in_parts_until_it_is_done_and_then_by_kinds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given somebody with so many records that their plan is longer than a field of JSON
    monkeypatch.setitem(vars(world.xrm.platform.plugins.settings_of("dsgvo")), "erasure_batch", 1_000)
    monkeypatch.setattr(pieces, "_SIZE", 500)
    monkeypatch.setattr(json_text, "MAX_JSON_BYTES", most := 8_000)
    contact, many = world.xrm.create("contact", first_name="Kim", last_name="Kern"), 25
    for number in range(many):
        world.xrm.create("activity", {"subject": f"Call {number}", "kind": "call", "contact": contact})
    who = Person("C", {"contact": contact}, {})
    texts = [{"entity": "activity", "field": "subject", "erase": True}]

    # when they are erased by it
    opened = world.open(who, texts)
    assert len(json.dumps(opened)) > most
    before = parts_of(world, opened["run"])
    world.run(opened)
    world.xrm.work()

    # then it is done, and what is kept of the plan is short and has no ids
    assert standing(world, opened["run"])["status"] in DONE
    read = world.admin.query(READ, run=opened["run"])["dsgvoErasurePlan"]["records"]
    assert [(each["entity"], each["record"]) for each in read].count(("activity", None)) < many
    assert before > parts_of(world, opened["run"]) >= 1


def parts_of(world: World, run: str) -> int:
    with world.xrm.database.read() as connection:
        return len(connection.execute(text("SELECT id FROM erasure_plan_part WHERE run_id = :run"), {"run": run}).all())
