"""Jobs are done in their order, by one worker each; what becomes of those that fail, are cancelled, or lose theirs."""

import datetime as dt
import threading
from collections import Counter

import pytest

from tests.jobs.conftest import Clock
from tests.jobs.kit import Queue
from xrm_core.jobs import by_hand, queue
from xrm_core.jobs.backoff import LONGEST, wait_after
from xrm_core.jobs.job import Failure, JobConflict, State
from xrm_core.jobs.stale import Watch
from xrm_core.storage.engines import Database

SECOND = dt.timedelta(seconds=1)
OOPS = Failure("KeyError")


@pytest.fixture
def jobs(queue_database: Database) -> Queue:
    return Queue(queue_database)


def test_the_highest_priority_goes_first_then_the_oldest(jobs: Queue, time: Clock) -> None:
    added = {}
    for name, priority, seconds in (("a", 0, 2), ("b", 0, 1), ("c", 5, 3), ("d", -5, 0), ("e", 0, 1)):
        added[jobs.add(priority=priority, due=time.moment + seconds * SECOND)] = name
    jobs.add("unknown", priority=100)
    time.forward(seconds=10)
    assert [added[jobs.taken().job.id] for _ in added] == ["c", "b", "e", "a", "d"]
    assert jobs.claim() is None


def test_many_workers_do_each_job_once(jobs: Queue) -> None:
    added = [jobs.add() for _ in range(40)]
    done: list[str] = []

    def work(name: str) -> None:
        while (run := jobs.claim(worker=name)) is not None:
            done.append(run.job.id)
            assert jobs.write(queue.finish, run, {"by": name})

    threads = [threading.Thread(target=work, args=(f"w{n}",), daemon=True) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    # PostgreSQL's SKIP LOCKED may leave a worker with nothing for a moment; what is left is done by whoever comes
    work("last")
    assert Counter(done) == Counter(added)
    assert {jobs.job(each).state for each in added} == {State.DONE}


def test_of_who_takes_a_job_and_who_cancels_it_at_once_one_is_first(jobs: Queue) -> None:
    added = [jobs.add() for _ in range(20)]
    done: list[str] = []
    told: dict[str, State] = {}
    both = threading.Barrier(2)

    def work() -> None:
        both.wait(10)
        while (run := jobs.claim()) is not None:
            jobs.write(queue.finish, run, None)
            done.append(run.job.id)

    def cancel() -> None:
        both.wait(10)
        told.update((each, jobs.write(by_hand.cancel, each).state) for each in reversed(added))

    threads = [threading.Thread(target=each, daemon=True) for each in (work, cancel)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    before = {each for each, state in told.items() if state is State.CANCELLED}
    left = {each for each in added if jobs.job(each).state is State.PENDING}  # passed over while it was looked at
    assert left == set()
    assert set(done) == set(added) - before
    assert {jobs.job(each).state for each in before} <= {State.CANCELLED}
    assert {jobs.job(each).state for each in done} <= {State.DONE}


def test_a_job_that_is_done_keeps_its_result(jobs: Queue, time: Clock) -> None:
    id_ = jobs.add()
    run = jobs.taken()
    assert (run.job.state, run.job.attempts, run.job.worker) == (State.RUNNING, 1, "w")
    assert jobs.write(queue.beat, run, (40, "nearly")) is False
    assert (jobs.job(id_).progress, jobs.job(id_).message) == (40, "nearly")
    time.forward(seconds=7)
    assert jobs.write(queue.finish, run, {"sent": 3})
    found = jobs.job(id_)
    assert (found.state, found.progress, found.result, found.error) == (State.DONE, 100, {"sent": 3}, None)
    assert (found.started_at, found.finished_at) == ("2026-03-02T12:00:00+00:00", "2026-03-02T12:00:07+00:00")


def test_a_job_that_fails_waits_and_is_dead_in_the_end(jobs: Queue, time: Clock) -> None:
    id_ = jobs.add()
    assert jobs.write(queue.fail, jobs.taken(), OOPS, 10 * SECOND)
    assert jobs.claim() is None
    found = jobs.job(id_)
    assert (found.state, found.attempts, found.error) == (State.PENDING, 1, {"code": "KeyError"})
    time.forward(seconds=10)
    assert jobs.write(queue.fail, jobs.taken(), Failure("FAILED", "No answer."), None)
    found = jobs.job(id_)
    assert (found.state, found.attempts) == (State.DEAD, 2)
    assert found.error == {"code": "FAILED", "message": "No answer."}
    assert found.finished_at is not None
    assert jobs.claim() is None
    # tried again by hand, with all attempts
    tried = jobs.write(by_hand.retry, id_)
    assert (tried.state, tried.attempts, tried.finished_at) == (State.PENDING, 0, None)
    assert jobs.taken().job.id == id_


def test_a_poisoned_job_does_not_hold_up_the_others(jobs: Queue) -> None:
    bad, good = jobs.add(priority=9), jobs.add()
    assert jobs.write(queue.fail, jobs.taken(), OOPS, 10 * SECOND)
    assert jobs.taken().job.id == good
    assert jobs.job(bad).state is State.PENDING


def test_waits_grow_and_differ() -> None:
    assert [wait_after(n, 10, 1).total_seconds() for n in (1, 2, 3, 4)] == [10, 20, 40, 80]
    assert wait_after(1, 10, 0).total_seconds() == 5
    assert wait_after(60, 10, 1) == wait_after(10**6, 10, 1) == LONGEST
    assert len({wait_after(3, 10) for _ in range(20)}) > 10


def test_a_run_that_was_taken_away_can_say_nothing_more(jobs: Queue) -> None:
    id_ = jobs.add()
    lost = jobs.taken()
    assert jobs.write(queue.take_away, id_, lost.lease, 1, {"work": 5}) is State.PENDING
    mine = jobs.taken()
    assert mine.lease != lost.lease
    assert jobs.write(queue.beat, lost) is None
    assert not jobs.write(queue.finish, lost, {"by": "lost"})
    assert not jobs.write(queue.fail, lost, OOPS, None)
    assert not jobs.write(queue.stop, lost)
    assert not jobs.write(queue.give_back, lost)
    with jobs.database.read() as connection:
        assert queue.look(connection, lost) is None
        assert queue.look(connection, mine) is False
    assert jobs.write(queue.finish, mine, {"by": "mine"})
    assert jobs.job(id_).result == {"by": "mine"}


def test_a_run_that_lives_after_all_is_not_taken_away(jobs: Queue) -> None:
    id_ = jobs.add()
    run = jobs.taken()
    jobs.write(queue.beat, run)
    assert jobs.write(queue.take_away, id_, run.lease, 1, {"work": 5}) is None
    assert jobs.write(queue.finish, run, None)


def test_a_job_that_kills_its_workers_is_dead_after_its_attempts(jobs: Queue) -> None:
    id_ = jobs.add()
    found = []
    for _ in range(3):
        run = jobs.taken()
        found.append(jobs.write(queue.take_away, id_, run.lease, run.job.attempts, {"work": 3}))
    assert found == [State.PENDING, State.PENDING, State.DEAD]
    assert jobs.job(id_).error == {"code": "WORKER_LOST"}


def test_a_job_that_is_given_back_is_begun_as_if_it_had_not_been(jobs: Queue) -> None:
    id_ = jobs.add()
    assert jobs.write(queue.give_back, jobs.taken())
    run = jobs.taken()
    assert (run.job.id, run.job.attempts) == (id_, 1)


def test_cancelling(jobs: Queue) -> None:
    pending, other = jobs.add(), jobs.add()
    assert jobs.write(by_hand.cancel, pending).state is State.CANCELLED
    run = jobs.taken()
    assert run.job.id == other
    assert jobs.write(by_hand.cancel, other).state is State.RUNNING
    assert jobs.write(queue.beat, run) is True
    assert jobs.write(queue.stop, run)
    assert jobs.job(other).state is State.CANCELLED
    # what has finished stays as it is
    assert jobs.write(by_hand.cancel, other).state is State.CANCELLED
    assert jobs.write(by_hand.cancel, "0198c0de-0000-7000-8000-000000000001") is None
    assert jobs.claim() is None


@pytest.mark.parametrize("end", ["fail", "give back"])
def test_a_job_that_was_cancelled_at_the_last_moment_does_not_wait_again(jobs: Queue, end: str) -> None:
    id_ = jobs.add()
    run = jobs.taken()
    jobs.write(by_hand.cancel, id_)
    assert jobs.write(queue.fail, run, OOPS, SECOND) if end == "fail" else jobs.write(queue.give_back, run)
    assert jobs.job(id_).state is State.CANCELLED


def test_a_cancelled_job_whose_worker_is_lost_is_not_begun_again(jobs: Queue) -> None:
    id_ = jobs.add()
    run = jobs.taken()
    jobs.write(by_hand.cancel, id_)
    assert jobs.write(queue.take_away, id_, run.lease, 1, {"work": 5}) is State.CANCELLED
    assert jobs.claim() is None


def test_retry_is_for_what_is_dead_or_cancelled(jobs: Queue) -> None:
    id_ = jobs.add()
    for state in ("pending", "running", "done"):
        with pytest.raises(JobConflict, match=f"is {state}"):
            jobs.write(by_hand.retry, id_)
        if state == "pending":
            run = jobs.taken()
        if state == "running":
            jobs.write(queue.finish, run, None)
    assert jobs.write(by_hand.retry, "0198c0de-0000-7000-8000-000000000001") is None


@pytest.mark.parametrize("end", ["fail", "give back", "take away"])
def test_of_two_jobs_of_a_key_one_waits(jobs: Queue, end: str) -> None:
    first = jobs.add(key="k")
    run = jobs.taken()
    second = jobs.add(key="k")
    if end == "fail":
        assert jobs.write(queue.fail, run, OOPS, SECOND)
    elif end == "give back":
        assert jobs.write(queue.give_back, run)
    else:
        jobs.write(queue.take_away, first, run.lease, 1, {"work": 5})
    assert (jobs.job(first).state, jobs.job(first).error) == (State.CANCELLED, {"code": "SUPERSEDED"})
    with pytest.raises(JobConflict, match="same key"):
        jobs.write(by_hand.retry, first)
    assert jobs.taken().job.id == second


def test_old_finished_jobs_go(jobs: Queue, time: Clock) -> None:
    ids = [jobs.add() for _ in range(3)]
    jobs.write(queue.finish, jobs.taken(), None)
    jobs.write(queue.fail, jobs.taken(), OOPS, None)
    time.forward(days=29)
    assert jobs.write(by_hand.remove_finished, 30, 10) == 0
    time.forward(days=2)
    assert jobs.write(by_hand.remove_finished, 30, 1) == 1
    assert jobs.write(by_hand.remove_finished, 30, 10) == 1
    with jobs.database.read() as connection:
        assert [each.id for each in by_hand.jobs(connection, limit=9)] == [ids[2]]
        assert by_hand.counts(connection)[State.PENDING] == 1


def test_a_run_is_dead_that_does_not_count_on() -> None:
    moment = [0.0]
    watch = Watch(30, lambda: moment[0])
    runs = {("a", "x"): 1, ("b", "y"): 1}

    def look(at: float) -> list[tuple[str, str, int]]:
        moment[0] = at
        return watch.stale(runs)

    assert look(0) == []
    assert look(20) == []
    runs["a", "x"] = 2
    assert look(29) == []
    assert look(40) == [("b", "y", 1)]
    runs["b", "z"] = runs.pop(("b", "y"))  # another run of the same job
    assert look(58) == []
    assert look(60) == [("a", "x", 2)]
    # who stood still knows nothing of the others
    assert look(1000) == []
    assert look(1029) == []
    assert len(look(1030)) == 2
