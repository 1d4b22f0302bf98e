"""Each tick of a schedule becomes one job, whoever looks, however long nobody did, and whatever clocks do (R-034,
R-049)."""

import datetime as dt
import threading

import pytest

from tests.jobs.conftest import Clock
from tests.jobs.kit import Queue
from xrm_core.jobs import by_hand, queue, schedules
from xrm_core.jobs.job import Job, State
from xrm_core.jobs.registry import Schedule
from xrm_core.storage.engines import Database

HOURLY = Schedule("work.hourly", "work", "0 * * * *", "UTC", {"n": 1})


@pytest.fixture
def jobs(queue_database: Database, time: Clock) -> Queue:
    found = Queue(queue_database)
    look(found)  # known from 12:00 on
    return found


def look(jobs: Queue, schedule: Schedule = HOURLY) -> list[str]:
    """What a worker does with schedules each time it looks; answers the ids of jobs."""
    with jobs.database.read() as connection:
        waiting = schedules.waiting(connection, {schedule.name: schedule})
    fired = [jobs.write(schedules.fire, each) for each in waiting]
    return [each for each in fired if each is not None]


def made(jobs: Queue) -> list[Job]:
    """All jobs, the oldest first."""
    with jobs.database.read() as connection:
        return by_hand.jobs(connection, limit=99)[::-1]


def ticks(jobs: Queue) -> list[str]:
    return [str(each.scheduled_for)[11:16] for each in made(jobs)]


def do_all(jobs: Queue) -> None:
    while (run := jobs.claim()) is not None:
        jobs.write(queue.finish, run, None)


def test_a_schedule_fires_at_its_ticks(jobs: Queue, time: Clock) -> None:
    time.set("2026-03-02T12:59:59+00:00")
    assert look(jobs) == []
    time.forward(seconds=1)
    assert len(look(jobs)) == 1
    assert look(jobs) == []
    [job] = made(jobs)
    assert (job.name, job.payload, job.scheduled_for) == ("work", {"n": 1}, "2026-03-02T13:00:00+00:00")
    do_all(jobs)
    time.forward(hours=1)
    look(jobs)
    assert ticks(jobs) == ["13:00", "14:00"]


def test_two_workers_fire_a_tick_once(jobs: Queue, time: Clock) -> None:
    time.set("2026-03-02T13:00:00+00:00")
    ready, fired = threading.Barrier(4), []

    def work() -> None:
        ready.wait(10)
        fired.append(jobs.write(schedules.fire, HOURLY))

    threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(each is not None for each in fired) == [False, False, False, True]
    assert len(made(jobs)) == 1


def test_ticks_that_were_missed_are_made_up_for_once(jobs: Queue, time: Clock) -> None:
    time.set("2026-03-02T15:30:00+00:00")
    assert len(look(jobs)) == 1
    assert ticks(jobs) == ["15:00"]
    do_all(jobs)
    time.set("2026-03-02T16:00:00+00:00")
    look(jobs)
    assert ticks(jobs) == ["15:00", "16:00"]


def test_jobs_that_take_longer_than_to_the_next_tick_do_not_pile_up(jobs: Queue, time: Clock) -> None:
    time.set("2026-03-02T13:00:00+00:00")
    look(jobs)
    run = jobs.taken()
    for hour in (14, 15, 16):
        time.set(f"2026-03-02T{hour}:00:00+00:00")
        look(jobs)
    assert [job.state for job in made(jobs)] == [State.RUNNING, State.PENDING]
    assert ticks(jobs) == ["13:00", "16:00"]
    assert jobs.claim() is None
    jobs.write(queue.finish, run, None)
    assert jobs.taken().job.scheduled_for == "2026-03-02T16:00:00+00:00"


def test_a_clock_that_is_set_back_fires_no_tick_again(jobs: Queue, time: Clock) -> None:
    time.set("2026-03-02T13:00:05+00:00")
    look(jobs)
    do_all(jobs)
    time.forward(seconds=-60)
    look(jobs)
    time.forward(seconds=60)
    look(jobs)
    time.forward(hours=-3)
    for _ in range(4):
        look(jobs)
        time.forward(hours=1)
    look(jobs)
    assert ticks(jobs) == ["13:00", "14:00"]


def test_a_schedule_survives_a_clock_that_was_a_year_ahead(jobs: Queue, time: Clock) -> None:
    time.set("2027-03-02T13:30:00+00:00")
    look(jobs)
    do_all(jobs)
    time.set("2026-03-02T13:30:00+00:00")
    look(jobs)
    time.set("2026-03-02T14:00:00+00:00")
    look(jobs)
    assert [job.scheduled_for for job in made(jobs)] == ["2027-03-02T13:00:00+00:00", "2026-03-02T14:00:00+00:00"]


def test_a_changed_schedule_counts_from_now(jobs: Queue, time: Clock) -> None:
    other = Schedule(HOURLY.name, "work", "45 12 * * *", "UTC")
    time.set("2026-03-02T13:10:00+00:00")
    assert look(jobs, other) == []
    time.set("2026-03-02T14:00:00+00:00")
    assert look(jobs, other) == []
    time.set("2026-03-03T12:45:00+00:00")
    assert len(look(jobs, other)) == 1


def test_a_schedule_on_the_days_on_which_clocks_change(queue_database: Database, time: Clock) -> None:
    jobs, nightly = Queue(queue_database), Schedule("work.nightly", "work", "30 2 * * *", "Europe/Berlin")
    time.set("2026-03-28T12:00:00+00:00")
    look(jobs, nightly)
    for day in ("2026-03-29", "2026-10-25"):
        for minute in range(0, 300, 10):
            time.moment = dt.datetime.fromisoformat(f"{day}T00:00:00+00:00") + dt.timedelta(minutes=minute)
            look(jobs, nightly)
            do_all(jobs)
    # the second begins with one job for all days between
    assert [str(job.scheduled_for)[:16] for job in made(jobs)] == [
        "2026-03-29T01:00",
        "2026-10-24T00:30",
        "2026-10-25T00:30",
    ]


def test_a_schedule_that_nobody_knows_any_more_is_forgotten(jobs: Queue, time: Clock) -> None:
    time.forward(days=30)
    assert jobs.write(schedules.forget_old, 30) == 0
    time.forward(hours=2)
    assert jobs.write(schedules.forget_old, 30) == 1
    # if it comes back, it is a new one
    assert look(jobs) == []
    time.forward(hours=1)
    assert len(look(jobs)) == 1
