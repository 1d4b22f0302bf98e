"""``xrm jobs`` and ``xrm worker``."""

import json
import os
import signal
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import REPOSITORY, Server, Xrm
from tests.jobs.test_worker import until
from tests.nursed import COMMAND_LINE, Nursed
from xrm_core.jobs import by_hand, queue
from xrm_core.jobs.enqueue import enqueue
from xrm_core.jobs.job import Failure
from xrm_core.storage.engines import Database

NOBODY = "0198c0de-0000-7000-8000-000000000001"


@pytest.fixture
def jobs(applied: Path) -> dict[str, str]:
    """A job in each state, by state; all but one are of a plugin that is not installed."""
    found = {}
    with closing(Database("sqlite:///xrm-data/xrm.db")) as database, database.begin() as connection:
        for state in ("dead", "done", "running", "cancelled", "pending"):
            name = "job_retention" if state == "pending" else "fleet.inspect"
            found[state] = enqueue(connection, name, {"secret": "IBAN"}, owner=NOBODY if state == "done" else None)
            if state in ("dead", "done", "running"):
                run = queue.claim(connection, ["fleet.inspect"], "w:1")
                assert run is not None
                if state == "dead":
                    queue.fail(connection, run, Failure("FAILED", "No answer."), None)
                if state == "done":
                    queue.finish(connection, run, {"inspected": 3})
        connection.exec_driver_sql("UPDATE xrm_job SET state = 'cancelled' WHERE id = ?", (found["cancelled"],))
    return found


def listed(xrm: Xrm, *words: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in xrm("jobs", "list", "--json", *words).out.splitlines()]


def test_jobs_are_listed_and_counted(jobs: dict[str, str], xrm: Xrm) -> None:
    assert [each["state"] for each in listed(xrm)] == ["pending", "cancelled", "running", "done", "dead"]
    assert [each["id"] for each in listed(xrm, "--state", "dead")] == [jobs["dead"]]
    assert [each["id"] for each in listed(xrm, "--name", "job_retention")] == [jobs["pending"]]
    assert len(listed(xrm, "--limit", "2")) == 2
    said = xrm("jobs", "list").out
    assert said.splitlines()[-1] == "1 pending, 1 running, 1 done, 1 dead, 1 cancelled"
    assert "IBAN" not in said
    xrm("jobs", "list", "--state", "lost").failed("SETTINGS_INVALID")


def test_a_job_is_shown(jobs: dict[str, str], xrm: Xrm) -> None:
    done = json.loads(xrm("jobs", "show", jobs["done"], "--json").out)
    assert done["result"] == {"inspected": 3}
    assert (done["owner"], done["worker"], done["attempts"]) == (NOBODY, "w:1", 1)
    said = xrm("jobs", "show", jobs["dead"])
    assert said.code == 0
    assert '"No answer."' in said.out
    assert "IBAN" not in said.out
    for strange in (NOBODY, "7"):
        xrm("jobs", "show", strange).failed("NOT_FOUND")


def test_the_end_of_a_job_is_waited_for(jobs: dict[str, str], xrm: Xrm) -> None:
    assert xrm("jobs", "show", jobs["done"], "--follow").code == 0
    assert xrm("jobs", "show", jobs["dead"], "--follow").code == 1


def test_cancel_and_retry(jobs: dict[str, str], xrm: Xrm) -> None:
    assert xrm("jobs", "cancel", jobs["pending"]).out == "It is cancelled.\n"
    assert xrm("jobs", "cancel", jobs["running"]).out == "It runs, and was told to stop.\n"
    assert xrm("jobs", "cancel", jobs["done"]).out == "It is done.\n"
    assert xrm("jobs", "retry", jobs["dead"]).out == "It is pending; a worker does it.\n"
    assert {each["id"] for each in listed(xrm, "--state", "pending")} == {jobs["dead"]}
    xrm("jobs", "retry", jobs["done"]).failed("JOB_CONFLICT")
    for command in ("cancel", "retry"):
        xrm("jobs", command, NOBODY).failed("NOT_FOUND")


def test_a_job_is_run(jobs: dict[str, str], xrm: Xrm) -> None:
    id_ = xrm("jobs", "run", "job_retention").out.strip()
    assert json.loads(xrm("jobs", "show", id_, "--json").out)["state"] == "pending"
    with closing(Database("sqlite:///xrm-data/xrm.db")) as database, database.begin() as connection:
        connection.exec_driver_sql("UPDATE xrm_job SET finished_at = '2026-01-01T00:00:00+00:00' WHERE state = 'done'")
    done = xrm("jobs", "run", "job_retention", "--here")
    assert done.code == 0
    assert '{"removed": 1, "schedules": 0}' in done.out
    assert listed(xrm, "--state", "done")[0]["id"] == done.out.split()[0]
    xrm("jobs", "show", jobs["done"]).failed("NOT_FOUND")


def test_what_cannot_be_run(applied: Path, xrm: Xrm) -> None:
    assert "Jobs are: destroy_keys, job_retention" in xrm("jobs", "run", "fleet.inspect").failed("SETTINGS_INVALID")
    for payload in ("", "[]", "{", "7"):
        xrm("jobs", "run", "job_retention", "--payload", payload).failed("SETTINGS_INVALID")
    assert listed(xrm) == []


def test_a_worker_is_a_process_that_ends_when_it_is_told_to(jobs: dict[str, str], xrm: Xrm, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XRM_")}
    with Nursed(COMMAND_LINE, ["worker"], cwd=tmp_path, env=environment) as process:
        try:
            assert "is working" in process.stdout.readline()
            assert xrm("jobs", "show", jobs["pending"], "--follow").code == 0
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
    # what it does not know is left
    assert listed(xrm, "--state", "running")[0]["id"] == jobs["running"]


PLUGIN = """
import time
from pathlib import Path
from xrm_core.api import JobHandler, hookimpl

def run(job, payload):
    Path(payload["begun"]).touch()
    until = time.monotonic() + payload["seconds"]
    while time.monotonic() < until:
        job.check()
        time.sleep(0.02)

@hookimpl
def register_jobs():
    return [JobHandler("slow.run", run)]
"""


def test_a_server_that_ends_lets_jobs_end_or_gives_them_back(applied: Path, tmp_path: Path) -> None:
    # given a server with a plugin, and two jobs under way
    site = tmp_path / "site"
    info = site / "slow-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: slow\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[xrm.plugins]\nslow = xrm_slow\n")
    (site / "xrm_slow.py").write_text(PLUGIN)
    (tmp_path / "xrm-data").rename(tmp_path / "data")
    begun = [tmp_path / "short", tmp_path / "long"]
    with closing(Database(f"sqlite:///{tmp_path / 'data' / 'xrm.db'}")) as database:
        with database.begin() as connection:
            ids = [
                enqueue(connection, "slow.run", {"begun": str(file), "seconds": seconds})
                for file, seconds in zip(begun, (1, 60), strict=True)
            ]
        paths = os.pathsep.join((str(site), str(REPOSITORY)))
        server = Server(tmp_path, "--schemas", applied, PYTHONPATH=paths, XRM_GRACE_SECONDS="1.5")
        try:
            until(lambda: all(file.exists() for file in begun))
            # when it is told to end
            assert server.process.poll() is None
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(20) == 0
            # then one was done, and the other one was given back
            with database.read() as connection:
                short, long = (by_hand.job(connection, id_) for id_ in ids)
            assert short is not None
            assert short.state == "done"
            assert long is not None
            assert (long.state, long.attempts) == ("pending", 0)
            assert "job_given_back" in server.errors()
        finally:
            server.stop(signal.SIGKILL)


def test_a_worker_needs_a_database(tmp_path: Path, xrm: Xrm) -> None:
    xrm("worker").failed("MODEL_OUT_OF_DATE")
    with closing(Database("sqlite:///empty.db")) as database:
        database.check()
    assert "has no model yet" in xrm("worker", "--database", "sqlite:///empty.db").failed("MODEL_OUT_OF_DATE")
