"""Workers in threads: each job once, turns for tenants, a quiet end, and what dead workers leave behind."""

import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.jobs.worlds import JobWorld, at_work
from xrm_core.jobs import clock, heart, queue, schedules, worker
from xrm_core.jobs.context import JobContext
from xrm_core.jobs.dying import JobDied
from xrm_core.jobs.job import State
from xrm_core.jobs.place import Place
from xrm_core.jobs.registry import JobHandler, Registry, Schedule
from xrm_core.jobs.worker import Pace, Worker, do_one
from xrm_core.plugins import Plugins
from xrm_core.storage.engines import Database

QUICK = Pace(concurrency=2, poll_seconds=0.02)


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def states(jobs: JobWorld, ids: list[str]) -> Counter[State]:
    return Counter(jobs.job(each).state for each in ids)


def test_two_workers_do_each_job_once(jobs: JobWorld) -> None:
    ids = [jobs.add(payload={"n": n}) for n in range(30)]
    done: list[int] = []
    with (
        at_work(jobs.worker(lambda _job, payload: done.append(payload["n"]), QUICK)),
        at_work(jobs.worker(lambda _job, payload: done.append(payload["n"]), QUICK)),
    ):
        until(lambda: states(jobs, ids)[State.DONE] == 30)
    assert sorted(done) == list(range(30))


def test_no_more_run_at_a_time_than_shall(jobs: JobWorld) -> None:
    ids = [jobs.add() for _ in range(6)]
    now: list[int] = []
    most: list[int] = []

    def handle(_job: JobContext, _payload: Any) -> None:
        now.append(1)
        most.append(len(now))
        time.sleep(0.05)
        now.pop()

    with at_work(jobs.worker(handle, QUICK)):
        until(lambda: states(jobs, ids)[State.DONE] == 6)
    assert max(most) == 2


def test_a_worker_leaves_what_it_does_not_know(jobs: JobWorld) -> None:
    strange, known = jobs.add("fleet.inspect", priority=9), jobs.add()
    with at_work(jobs.worker(lambda _job, _payload: None, QUICK)):
        until(lambda: jobs.job(known).state is State.DONE)
    assert jobs.job(strange).state is State.PENDING


def test_a_worker_that_is_told_to_stop_lets_jobs_end(jobs: JobWorld) -> None:
    first, second = jobs.add(), jobs.add()
    begun, go = threading.Event(), threading.Event()

    def handle(job: JobContext, _payload: Any) -> None:
        begun.set()
        assert go.wait(20)
        job.check()

    made = jobs.worker(handle, Pace(1, 0.02))
    with at_work(made) as thread:
        assert begun.wait(20)
        stopping = threading.Thread(target=made.stop, args=(20,), daemon=True)
        stopping.start()
        thread.join(20)
        assert not thread.is_alive()
        go.set()
        stopping.join(20)
        assert states(jobs, [first, second]) == Counter({State.DONE: 1, State.PENDING: 1})


def test_what_does_not_end_in_time_is_given_back(jobs: JobWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_AFTERWARDS_SECONDS", 0.3)
    polite, stubborn = jobs.add(payload={"checks": True}), jobs.add(payload={"checks": False})
    go, wrote = threading.Event(), []

    def handle(job: JobContext, payload: Any) -> None:
        while payload["checks"] or not go.wait(0.01):
            if payload["checks"]:
                job.check()
                time.sleep(0.01)
        try:
            with job.transaction():
                wrote.append(1)
        finally:
            wrote.append(0)

    made = jobs.worker(handle, QUICK)
    with at_work(made):
        until(lambda: states(jobs, [polite, stubborn])[State.RUNNING] == 2)
        assert not made.stop(0.1)
        for each in (polite, stubborn):
            assert (jobs.job(each).state, jobs.job(each).attempts) == (State.PENDING, 0)
        go.set()
        until(lambda: bool(wrote))
        assert wrote == [0]


def test_a_job_whose_worker_has_died_is_done_by_another(jobs: JobWorld) -> None:
    id_ = jobs.add()
    lost = jobs.taken()  # and never heard of again
    with capture_logs() as logs, at_work(jobs.worker(lambda _job, _payload: None, Pace(1, 0.02, 0.3))):
        until(lambda: jobs.job(id_).state is State.DONE)
    assert jobs.job(id_).attempts == 2
    assert not jobs.write(queue.finish, lost, None)
    assert "worker_lost" in [each["event"] for each in logs]


@pytest.mark.parametrize("fails", [False, True])
def test_the_kind_of_a_job_is_told_that_its_last_worker_has_died(jobs: JobWorld, fails: bool) -> None:
    told: list[Any] = []

    def dead(job: JobDied, payload: Any) -> None:
        told.append((job.tenant, job.code, payload))
        if fails:
            raise RuntimeError

    id_ = jobs.add(payload={"n": 1})
    jobs.taken()
    handler = JobHandler("work", lambda _job, _payload: None, attempts=1, dead=dead)
    with at_work(Worker(Registry({"work": handler}, {}), lambda: [jobs.place], Pace(1, 0.02, 0.3))):
        until(lambda: jobs.job(id_).state is State.DEAD)
    assert told == [("", "WORKER_LOST", {"n": 1})]


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_clock_that_is_set_meanwhile_neither_keeps_nor_takes_a_lease(
    jobs: JobWorld, hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = dt.timedelta()
    monkeypatch.setattr(clock, "now", lambda _connection: dt.datetime.now(dt.UTC) + ahead)
    monkeypatch.setattr(heart, "_TICK_SECONDS", 0.01)
    lost = jobs.add()
    jobs.taken()  # and never heard of again
    runs: list[tuple[str, int]] = []

    def handle(job: JobContext, payload: Any) -> None:
        nonlocal ahead
        runs.append((job.id, job.attempt))
        if payload == {"long": True}:
            ahead = dt.timedelta(hours=hours)
            time.sleep(0.9)
            job.check()

    pace = Pace(2, 0.02, 0.4)
    with at_work(jobs.worker(handle, pace)), at_work(jobs.worker(handle, pace)):
        long = jobs.add(payload={"long": True})
        until(lambda: states(jobs, [lost, long])[State.DONE] == 2)
    assert sorted(runs) == sorted([(lost, 2), (long, 1)])


def test_a_job_that_takes_longer_than_a_lease_is_done_once(jobs: JobWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heart, "_TICK_SECONDS", 0.01)
    id_ = jobs.add()
    runs: list[int] = []

    def handle(job: JobContext, _payload: Any) -> None:
        runs.append(job.attempt)
        time.sleep(0.9)
        job.check()

    pace = Pace(1, 0.02, 0.4)
    with at_work(jobs.worker(handle, pace)), at_work(jobs.worker(handle, pace)):
        until(lambda: jobs.job(id_).state is State.DONE)
    assert runs == [1]


def test_a_worker_fires_schedules(jobs: JobWorld) -> None:
    done: list[Any] = []
    registry = Registry(
        {"work": JobHandler("work", lambda job, _payload: done.append(job.scheduled_for))},
        {"work.often": Schedule("work.often", "work", "* * * * *", "UTC")},
    )
    with at_work(Worker(registry, lambda: [jobs.place], QUICK)):
        until(lambda: bool(_next_at(jobs)))
        with jobs.database.begin() as connection:
            connection.exec_driver_sql("UPDATE xrm_schedule SET next_at = '2026-01-01T00:00:00+00:00'")
        until(lambda: bool(done))


def _next_at(jobs: JobWorld) -> Any:
    with jobs.database.read() as connection:
        return connection.exec_driver_sql("SELECT next_at FROM xrm_schedule").scalar()


def test_tenants_take_turns_and_one_that_is_gone_holds_up_nobody(jobs: JobWorld) -> None:
    gone = Place("gone", Database("postgresql://nobody@127.0.0.1:1/none?connect_timeout=2"), Plugins())
    ids = [jobs.add() for _ in range(3)]
    registry = Registry({"work": JobHandler("work", lambda _job, _payload: None)}, {})
    with capture_logs() as logs, at_work(Worker(registry, lambda: [gone, jobs.place], QUICK)):
        until(lambda: states(jobs, ids)[State.DONE] == 3)
    gone.close()
    assert [each["reason"] for each in logs if each["event"] == "jobs_not_read"] == ["DATABASE_UNAVAILABLE"]


def test_one_job_is_done_here(jobs: JobWorld) -> None:
    first, second = jobs.add(), jobs.add()
    registry = Registry({"work": JobHandler("work", lambda _job, _payload: {"here": True})}, {})
    do_one(jobs.database, Plugins(), registry, second, "", QUICK)
    assert (jobs.job(first).state, jobs.job(second).result) == (State.PENDING, {"here": True})
    do_one(jobs.database, Plugins(), registry, second, "", QUICK)
    assert jobs.job(second).attempts == 1


def test_a_worker_that_is_busy_still_fires_schedules_and_sees_dead_workers(jobs: JobWorld) -> None:
    lost = jobs.add("other")
    jobs.taken()  # and never heard of again
    fired: list[Any] = []
    handlers = {
        "work": JobHandler("work", lambda _job, _payload: time.sleep(0.005)),
        "other": JobHandler("other", lambda _job, _payload: None),
        "timed": JobHandler("timed", lambda job, _payload: fired.append(job.scheduled_for)),
    }
    schedule = Schedule("work.often", "timed", "* * * * *", "UTC")
    jobs.write(schedules.fire, schedule)
    with jobs.database.begin() as connection:
        connection.exec_driver_sql("UPDATE xrm_schedule SET next_at = '2026-01-01T00:00:00+00:00'")
    ids = [jobs.add() for _ in range(200)]
    registry = Registry(handlers, {schedule.name: schedule})
    with at_work(Worker(registry, lambda: [jobs.place], Pace(2, 0.1, 0.4))):
        until(lambda: bool(fired) and jobs.job(lost).state is State.DONE, 60)
        assert fired
        until(lambda: states(jobs, ids)[State.DONE] == 200, 60)


def test_a_worker_with_many_tenants_looks_less_often() -> None:
    assert Pace(poll_seconds=1).pause(0.01) == 1
    assert Pace(poll_seconds=1).pause(0.5) == 2
    # but often enough to see which workers are dead
    assert Pace(poll_seconds=1, lease_seconds=30).pause(20) == 10
