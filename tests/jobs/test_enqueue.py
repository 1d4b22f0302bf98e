"""Jobs come into the queue with the transaction that wants them, once for each key."""

import datetime as dt
import json
import threading
from typing import Any

import pytest
from sqlalchemy import Connection, text

from tests.jobs.conftest import Clock
from tests.jobs.kit import NAMES, Queue
from xrm_core.errors import Busy
from xrm_core.jobs import by_hand, queue
from xrm_core.jobs.enqueue import enqueue
from xrm_core.jobs.job import JobInvalid, State
from xrm_core.jobs.sealed_keys import destroy_many_keys
from xrm_core.storage.engines import Database


@pytest.fixture
def jobs(queue_database: Database) -> Queue:
    return Queue(queue_database)


def test_a_job_is_there_with_its_transaction_or_not_at_all(jobs: Queue) -> None:
    def fails(connection: Connection) -> None:
        lost = enqueue(connection, "work")
        assert by_hand.job(connection, lost) is not None
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        jobs.write(fails)
    assert jobs.claim() is None
    kept = jobs.add(payload={"customer": "1", "ü": [1, None]}, owner="0198c0de-0000-7000-8000-000000000001")
    found = jobs.job(kept)
    assert (found.state, found.payload, found.attempts) == (State.PENDING, {"customer": "1", "ü": [1, None]}, 0)
    assert found.owner == "0198c0de-0000-7000-8000-000000000001"


def test_a_second_job_of_a_key_is_the_pending_one(jobs: Queue) -> None:
    first = jobs.add(payload={"n": 1}, key="k")
    assert jobs.add(payload={"n": 2}, key="k", priority=9) == first
    assert jobs.add(key="other") != first
    assert jobs.add() != jobs.add()
    assert (jobs.job(first).payload, jobs.job(first).priority) == ({"n": 1}, 0)


def test_the_pending_job_of_a_key_is_replaced_where_that_is_asked(jobs: Queue) -> None:
    first = jobs.add(payload={"n": 1}, key="k", delay=dt.timedelta(hours=1))
    assert jobs.add(payload={"n": 2}, key="k", priority=9, max_attempts=2, replace=True) == first
    found = jobs.taken().job
    assert (found.id, found.payload, found.priority, found.max_attempts) == (first, {"n": 2}, 9, 2)


def test_while_one_of_a_key_runs_the_next_waits_for_its_end(jobs: Queue) -> None:
    first = jobs.add(key="k")
    run = jobs.taken()
    second = jobs.add(key="k")
    assert second != first
    assert jobs.claim() is None
    with jobs.database.read() as connection:
        assert not queue.has_due(connection, NAMES)
    assert jobs.write(queue.finish, run, None)
    assert jobs.taken().job.id == second


def test_a_pending_job_starts_only_after_the_transaction_that_wants_it_too(jobs: Queue) -> None:
    if jobs.database.is_sqlite:
        pytest.skip("one writer at a time")
    jobs.add(key="k")
    with jobs.database.begin() as connection:
        enqueue(connection, "work", key="k")
        assert jobs.claim() is None
    assert jobs.claim() is not None


def test_two_transactions_with_one_key_make_one_job(jobs: Queue) -> None:
    ready, found = threading.Barrier(4), []

    def add() -> None:
        ready.wait(10)
        found.append(jobs.add(key="k"))

    threads = [threading.Thread(target=add, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(found) == 4
    assert len(set(found)) == 1


def test_keys_are_those_of_a_plugin(jobs: Queue) -> None:
    names = "fleet.remind", "fleet.retire", "sales.remind", "remind"
    first, same, other, core = (jobs.add(name, key="k") for name in names)
    assert same == first
    assert len({first, other, core}) == 3


def test_when_a_job_is_due(jobs: Queue, time: Clock) -> None:
    noon = time.moment
    later = jobs.add(due=noon + dt.timedelta(hours=1))
    berlin = jobs.add(due=dt.datetime.fromisoformat("2026-03-02T14:30:00+01:00"))
    delayed = jobs.add(delay=dt.timedelta(hours=2))
    assert jobs.claim() is None
    for hours, expected in ((1, later), (1.5, berlin), (2, delayed)):
        time.moment = noon + dt.timedelta(hours=hours)
        assert jobs.taken().job.id == expected
        assert jobs.claim() is None


@pytest.mark.parametrize(
    "given",
    [
        {"name": "Work"},
        {"name": "a.b.c"},
        {"name": "w; DROP TABLE xrm_job"},
        {"payload": {"at": dt.datetime(2026, 1, 1)}},
        {"payload": {"n": float("nan")}},
        {"payload": {"text": "x" * 65_536}},
        {"payload": {"text": "\0"}},
        {"payload": {"text": "\ud800"}},
        {"key": ""},
        {"key": "k" * 201},
        {"priority": 101},
        {"max_attempts": 0},
        {"due": dt.datetime(2026, 1, 1)},
        {"delay": dt.timedelta.max},
    ],
    ids=lambda given: str(given)[:30],
)
def test_what_cannot_be_kept_is_refused(jobs: Queue, given: dict[str, Any]) -> None:
    with pytest.raises(JobInvalid):
        jobs.add(**given)
    with jobs.database.read() as connection:
        assert by_hand.jobs(connection, limit=1) == []


def test_who_waits_for_a_key_too_long_is_told_so(jobs: Queue) -> None:
    if jobs.database.is_sqlite:
        pytest.skip("one writer at a time")

    def second(connection: Connection) -> None:
        connection.exec_driver_sql("SET LOCAL lock_timeout = 50")
        enqueue(connection, "work", key="k")

    with jobs.database.begin() as first:
        enqueue(first, "work", key="k")
        with pytest.raises(Busy):
            jobs.write(second)


def test_keys_are_destroyed_by_as_many_jobs_as_have_room_for_them(jobs: Queue) -> None:
    long, short = [f"log:{number:04}-{'ä' * 40}" for number in range(9)], None
    keys = [(f"0198c0de-0000-7000-8000-{number:012}", long if number % 2 else short) for number in range(1_300)]

    jobs.write(lambda connection: destroy_many_keys(connection, keys))

    with jobs.database.read() as connection:
        rows = connection.execute(text("SELECT payload FROM xrm_job WHERE name = 'destroy_keys' ORDER BY id")).scalars()
        payloads = [each if isinstance(each, str) else json.dumps(each) for each in rows]
    said = [each for payload in payloads for each in json.loads(payload)["keys"]]
    assert said == [[subject, classes] for subject, classes in keys]
    assert 1 < len(payloads) < 20
