"""What a job's function is given, may do, and what becomes of the job by how it ends."""

import datetime as dt
import sqlite3
import time
from typing import Any

import pytest
from psycopg.errors import DeadlockDetected
from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from tests.jobs.worlds import JobWorld
from xrm_core.errors import Busy, NotFound
from xrm_core.jobs import by_hand, heart, queue
from xrm_core.jobs.context import JobContext, JobFailed
from xrm_core.jobs.job import Job, State
from xrm_core.storage.job_tables import JOB
from xrm_core.storage.system import MODEL

SECRET = "Eva Muster, IBAN DE02120300000000202051"


def customers(jobs: JobWorld) -> set[str]:
    """Names of all customers."""
    table = jobs.world.records.tables["customer"]
    with jobs.database.read() as connection:
        return set(connection.scalars(table.select().with_only_columns(table.c.name)))


def create(job: JobContext, name: str) -> None:
    """A customer, in a transaction of its own."""
    with job.transaction() as connection:
        job.records.create(connection, job.caller, "customer", {"name": name})


def test_what_a_function_is_given(jobs: JobWorld) -> None:
    seen: dict[str, Any] = {}
    owner = jobs.world.users["anna"]
    moment = "2026-03-02T02:30:00+00:00"
    id_ = jobs.add(payload={"n": 1}, owner=owner)
    with jobs.database.begin() as connection:
        connection.execute(update(JOB).values(scheduled_for=moment))

    def handle(job: JobContext, payload: Any) -> dict[str, Any]:
        with job.read() as connection:
            seen["stored"] = by_hand.job(connection, job.id)
        create(job, "Given")
        seen.update(tenant=job.tenant, attempt=job.attempt, owner=job.owner, at=job.scheduled_for, payload=payload)
        return {"made": 1}

    found = jobs.do(handle)
    assert (found.id, found.state, found.result, found.progress) == (id_, State.DONE, {"made": 1}, 100)
    assert seen.pop("stored").state is State.RUNNING
    assert seen == {
        "tenant": "",
        "attempt": 1,
        "owner": owner,
        "at": dt.datetime.fromisoformat(moment),
        "payload": {"n": 1},
    }
    table = jobs.world.records.tables["customer"]
    with jobs.database.read() as connection:
        author = connection.scalar(table.select().with_only_columns(table.c.created_by).where(table.c.name == "Given"))
    assert author == owner


def test_a_job_that_a_person_interrupts_is_given_back_and_has_lost_no_attempt(jobs: JobWorld) -> None:
    id_ = jobs.add()

    def handle(_job: JobContext, _payload: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        jobs.do(handle)
    with jobs.database.read() as connection:
        found = by_hand.job(connection, id_)
    assert found is not None
    assert (found.state, found.attempts, found.error) == (State.PENDING, 0, None)


@pytest.mark.parametrize(
    ("error", "code", "kept"),
    [
        (KeyError(SECRET), "KeyError", None),
        (NotFound(SECRET), "NOT_FOUND", None),
        (SystemExit(SECRET), "SystemExit", None),
        (JobFailed("The mail server does not answer."), "FAILED", "The mail server does not answer."),
    ],
    ids=["any", "of the platform", "an end", "of a handler"],
)
def test_a_function_that_raises_is_an_attempt_that_failed(
    jobs: JobWorld, error: BaseException, code: str, kept: str | None
) -> None:
    def handle(job: JobContext, _payload: Any) -> None:
        with job.transaction() as connection:
            job.records.create(connection, job.caller, "customer", {"name": "Half"})
            raise error

    with capture_logs() as logs:
        first = jobs.do(handle, attempts=2, retry_seconds=0.000_001)
        assert (first.state, first.attempts, first.error) == (
            State.PENDING,
            1,
            {"code": code} | ({"message": kept} if kept else {}),
        )
        second = jobs.do(handle, attempts=2, retry_seconds=0.000_001)
    assert (second.id, second.state, second.attempts) == (first.id, State.DEAD, 2)
    assert "Half" not in customers(jobs)
    assert [each["event"] for each in logs] == ["job_attempt_failed", "job_attempt_failed", "job_dead"]
    assert SECRET not in str(second) + str([{**each, "exc_info": None} for each in logs])


def test_a_function_says_that_no_other_attempt_helps(jobs: JobWorld) -> None:
    def handle(job: JobContext, _payload: Any) -> None:
        raise JobFailed("x" * 600, retry=False)

    found = jobs.do(handle)
    assert (found.state, found.attempts, found.error) == (State.DEAD, 1, {"code": "FAILED", "message": "x" * 500})


@pytest.mark.parametrize("result", ["text", ["list"], {"n": float("inf")}, {"at": dt.UTC}, {"x": "y" * 20_000}])
def test_a_result_that_cannot_be_kept(jobs: JobWorld, result: Any) -> None:
    found = jobs.do(lambda _job, _payload: result)
    assert (found.state, found.error) == (State.DEAD, {"code": "RESULT_INVALID"})


def test_a_job_has_its_own_number_of_attempts(jobs: JobWorld) -> None:
    found = jobs.do(lambda _job, _payload: {}["nothing"], max_attempts=1)
    assert found.state is State.DEAD


def test_a_job_that_is_finished_with_its_work_is_done_once(jobs: JobWorld) -> None:
    def handle(job: JobContext, _payload: Any) -> None:
        with job.transaction() as connection:
            job.records.create(connection, job.caller, "customer", {"name": "Once"})
            job.finish(connection, {"made": 1})
        raise KeyError("after the end")

    found = jobs.do(handle)
    assert (found.state, found.result) == (State.DONE, {"made": 1})
    assert "Once" in customers(jobs)


def test_what_was_finished_in_a_transaction_that_fails_is_not_finished(jobs: JobWorld) -> None:
    def handle(job: JobContext, _payload: Any) -> None:
        with job.transaction() as connection:
            job.records.create(connection, job.caller, "customer", {"name": "Never"})
            job.finish(connection)
            raise KeyError("before the end")

    assert jobs.do(handle).state is State.PENDING
    assert "Never" not in customers(jobs)


def test_a_cancelled_job_stops_at_its_next_check(jobs: JobWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heart, "_TICK_SECONDS", 0.01)
    reached: list[str] = []

    def handle(job: JobContext, _payload: Any) -> None:
        create(job, "Before")
        jobs.write(by_hand.cancel, job.id)
        while not job.cancelled:
            wait()
        reached.append("told")
        create(job, "After")

    found = jobs.do(handle)
    assert (found.state, reached) == (State.CANCELLED, ["told"])
    assert "Before" in customers(jobs)
    assert "After" not in customers(jobs)


def test_a_cancelled_job_that_fails_is_not_tried_again(jobs: JobWorld) -> None:
    def handle(job: JobContext, _payload: Any) -> None:
        jobs.write(by_hand.cancel, job.id)
        with job.transaction():
            pass
        raise KeyError

    assert jobs.do(handle).state is State.CANCELLED


def test_who_has_lost_a_job_writes_nothing_more(jobs: JobWorld) -> None:
    def handle(job: JobContext, _payload: Any) -> None:
        def lose() -> None:
            [((id_, lease), beat)] = jobs.write(queue.running, ["work"]).items()
            assert jobs.write(queue.take_away, id_, lease, beat, {"work": 5}) is State.PENDING

        if jobs.database.is_sqlite:
            lose()  # nobody can while a transaction is under way
        with job.transaction() as connection:
            job.records.create(connection, job.caller, "customer", {"name": "Ghost"})
            if not jobs.database.is_sqlite:
                lose()

    with capture_logs() as logs:
        found = jobs.do(handle)
    assert (found.state, found.attempts) == (State.PENDING, 1)
    assert "Ghost" not in customers(jobs)
    assert "job_lost" in [each["event"] for each in logs]


def test_a_job_is_given_back_where_the_worker_can_wait_no_longer(jobs: JobWorld) -> None:
    ending: list[bool] = []

    def handle(job: JobContext, _payload: Any) -> None:
        job.check()
        ending.append(True)
        job.check()

    found = jobs.do(handle, ending=lambda: bool(ending))
    assert (found.state, found.attempts, found.error) == (State.PENDING, 0, None)


def test_a_job_that_meets_another_model_is_begun_anew(jobs: JobWorld) -> None:
    def change(fingerprint: str) -> None:
        with jobs.database.begin() as connection:
            connection.execute(update(MODEL).values(fingerprint=fingerprint))

    now = jobs.world.model.fingerprint

    def handle(job: JobContext, _payload: Any) -> None:
        change("another")
        create(job, "Stale")

    try:
        found = jobs.do(handle)
    finally:
        change(now)
    assert (found.state, found.attempts, found.error) == (State.PENDING, 0, None)
    assert "Stale" not in customers(jobs)


def test_progress_is_shown_while_the_job_runs(jobs: JobWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heart, "_TICK_SECONDS", 0.01)
    seen: list[Job] = []

    def handle(job: JobContext, _payload: Any) -> None:
        for percent in (12.4, 250):
            job.progress(percent, f"at {percent}")
            while jobs.job(job.id).message != f"at {percent}":
                wait()
            seen.append(jobs.job(job.id))
        with job.transaction():
            job.progress(-1)
        seen.append(jobs.job(job.id))

    jobs.do(handle)
    assert [(each.progress, each.message) for each in seen] == [(12, "at 12.4"), (100, "at 250"), (0, None)]


def test_a_transaction_that_met_a_deadlock_is_done_again(jobs: JobWorld) -> None:
    tries: list[int] = []

    def fails(times: int) -> Any:
        def work(connection: Any) -> str:
            tries.append(1)
            connection.execute(update(JOB).values(message=f"try {len(tries)}"))
            if len(tries) <= times:
                raise OperationalError("", {}, DeadlockDetected())
            return "done"

        return work

    def handle(job: JobContext, _payload: Any) -> dict[str, Any]:
        return {"answer": job.transact(fails(3))}

    assert jobs.do(handle).result == {"answer": "done"}
    assert len(tries) == 4
    # no more than three times, and not if it has another reason
    tries.clear()
    held: list[int] = []

    def locked(_connection: Any) -> None:
        held.append(1)
        raise OperationalError("", {}, sqlite3.OperationalError("database is locked"))

    def always(job: JobContext, _payload: Any) -> None:
        with pytest.raises(Busy):
            job.transact(fails(9))
        assert len(tries) == 4
        with pytest.raises(Busy):
            job.transact(locked)
        assert len(held) == 1
        raise JobFailed("Enough.", retry=False)

    found = jobs.do(always)
    assert found.error == {"code": "FAILED", "message": "Enough."}


def wait() -> None:
    """A moment; a test ends by its own limit."""
    time.sleep(0.01)
