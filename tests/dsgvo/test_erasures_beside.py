"""Queue, outbox and what else the platform keeps beside records do not name a person who is erased (I1)."""

import datetime as dt
import json
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.dsgvo.test_erasure_jobs import DONE, RESUME, standing
from tests.dsgvo.test_erasures import RUN, World
from tests.dsgvo.test_erasures import xrm_setup as xrm_setup  # the same world
from tests.plugins.test_in_system import planted
from xrm_core.storage.system import METADATA
from xrm_core.testing import Xrm

JOB = METADATA.tables["xrm_job"]


class Bound:
    """What :func:`planted` writes with."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection


@pytest.fixture
def world(xrm: Xrm) -> World:
    return World(xrm, xrm.as_role("admin"), *xrm.begun)


@pytest.fixture
def in_parts(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    settings = vars(world.xrm.platform.plugins.settings_of("dsgvo"))
    monkeypatch.setitem(settings, "erasure_at_once", 0)
    return world


def mail_of(world: World, who: Any) -> str:
    return str(who.tokens["contact", "email"])


def plant(world: World, table: str, /, **values: Any) -> str:
    with world.xrm.database.begin() as connection:
        return planted(Bound(connection), table, **values)


def fill(world: World, mail: str) -> None:
    """What may go, as plugins and outages may have left it."""
    said = json.dumps({"to": mail.upper(), "note": f"<{mail}>"})
    plant(world, "xrm_job", name="test.sent", state="done", payload=said, result=said)
    plant(world, "xrm_job", name="test.sent", state="dead", error=json.dumps({"code": "X", "message": mail}))
    plant(world, "xrm_message", kind="test.news", state="sent", payload=said)
    plant(world, "xrm_message", kind="test.news", state="queued", payload=said, key=f"news {mail}")
    plant(world, "xrm_webhook_delivery", error=f"550 no such user {mail}")
    plant(world, "xrm_share", reason=f"{mail} has asked for it", entity="contact", grantee="role:sales", level="read")
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)  # no server has sent or removed it
    plant(world, "xrm_notice", email=mail, due_at=later)
    plant(world, "xrm_upload", name=f"{mail}.csv", expires_at=later)


@pytest.mark.invariant("I1", "I4")
def test_at_the_end_nothing_beside_the_records_names_the_person_and_others_are_named_as_before(world: World) -> None:
    # given the same of two persons in each place
    mine, theirs = mail_of(world, world.a), mail_of(world, world.b)
    fill(world, theirs)
    before = world.dump().lower().count(theirs.lower().encode())
    fill(world, mine)

    done = world.run(world.decided(world.a))

    assert done["status"] in DONE
    assert {each["name"]: each["count"] for each in done["steps"]}["system"] >= 8
    dump = world.dump().lower()
    assert mine.lower().encode() not in dump
    assert dump.count(theirs.lower().encode()) == before


@pytest.mark.invariant("I1")
def test_a_job_that_is_still_to_run_is_named_and_nothing_is_erased_before(world: World) -> None:
    mail = mail_of(world, world.a)
    job = plant(world, "xrm_job", name="test.send", state="pending", payload=json.dumps({"to": mail}))
    opened = world.decided(world.a)
    given = {"run": opened["run"], "planHash": opened["planHash"]}

    error = world.xrm.as_role("dsb").refused(RUN, "REFUSED_BY_PLUGIN", i=given)

    assert f"xrm_job.payload {job}" in error.message
    assert mail not in error.message
    assert mail.encode() in world.dump()
    # and once it is over it goes
    with world.xrm.database.begin() as connection:
        connection.execute(update(JOB).where(JOB.c.id == job).values(state="cancelled"))
    assert world.run(opened)["status"] in DONE
    assert mail.encode() not in world.dump()


@pytest.mark.invariant("I1")
def test_a_large_one_says_where_it_is_left_and_goes_on_when_it_is_not(in_parts: World) -> None:
    world, mail = in_parts, mail_of(in_parts, in_parts.a)
    opened = world.decided(world.a)
    fill(world, mail)
    job = plant(
        world,
        "xrm_job",
        name="test.send",
        state="pending",
        payload=json.dumps({"to": mail}),
        due_at=dt.datetime.now(dt.UTC) + dt.timedelta(days=1),
    )
    assert world.run(opened)["status"] == "running"

    world.xrm.work(fails=True)

    failed = standing(world, opened["run"])
    place = {"step": "system", "code": "STILL_IN_SYSTEM", "entity": "xrm_job.payload", "record": job}
    assert (failed["status"], failed["failures"]) == ("failed", [place])
    counts = {each["name"]: each["count"] for each in failed["steps"]}
    assert counts["fields"] > 0 == counts["history"]  # the log still says by what it is looked for

    with world.xrm.database.begin() as connection:
        connection.execute(update(JOB).where(JOB.c.id == job).values(state="cancelled"))
    world.xrm.as_role("dsb").query(RESUME, run=opened["run"])
    world.xrm.work()
    done = standing(world, opened["run"])
    assert (done["status"] in DONE, done["failures"]) == (True, [])
    assert mail.lower().encode() not in world.dump().lower()


def test_what_others_are_known_by_too_is_not_looked_for(world: World) -> None:
    mail = mail_of(world, world.a)
    world.update("contact", world.b.records["contact"], {"email": mail})
    job = plant(world, "xrm_job", name="test.send", state="pending", payload=json.dumps({"to": mail}))

    not_theirs = [{"entity": "contact", "record": world.b.records["contact"]}]
    reviewed = [
        {"entity": each["entity"], "record": each["record"], "field": f["name"], "erase": True}
        for each in world.open(world.a, notTheirs=not_theirs)["records"]
        for f in each["fields"]
        if f["decision"] == "review"
    ]
    done = world.run(world.open(world.a, reviewed, notTheirs=not_theirs))

    assert done["status"] in DONE
    with world.xrm.database.read() as connection:
        assert connection.scalar(select(JOB.c.state).where(JOB.c.id == job)) == "pending"
