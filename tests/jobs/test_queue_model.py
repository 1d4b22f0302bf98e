"""The queue against a model of it in a few lines of Python, by whatever is done with it in whatever order."""

import datetime as dt
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import delete

from tests.jobs.kit import NAMES, Queue
from xrm_core.jobs import by_hand, clock, queue
from xrm_core.jobs.job import FINISHED, Failure, JobConflict, State
from xrm_core.jobs.queue import Claimed
from xrm_core.storage.engines import Database
from xrm_core.storage.job_tables import JOB
from xrm_core.storage.system_upgrade import upgrade_system

SECOND = dt.timedelta(seconds=1)
ATTEMPTS = 3


@dataclass
class Modelled:
    """A job as it should be."""

    number: int
    key: str | None
    priority: int
    due: int
    state: State = State.PENDING
    attempts: int = 0
    cancel: bool = False
    lease: str | None = None


@dataclass
class Runs:
    """Runs under way, and those that were taken away."""

    living: dict[str, Claimed] = field(default_factory=dict)
    lost: list[Claimed] = field(default_factory=list)


def machine(jobs: Queue, monkeypatch: pytest.MonkeyPatch) -> type[RuleBasedStateMachine]:
    """A state machine on a queue."""
    begin = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)

    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            with jobs.database.begin() as connection:
                connection.execute(delete(JOB))
            self.now = 0
            self.model: dict[str, Modelled] = {}
            self.runs = Runs()
            monkeypatch.setattr(clock, "now", lambda _connection: begin + self.now * SECOND)

        def pending(self, key: str | None) -> list[str]:
            return [id_ for id_, job in self.model.items() if job.key == key and job.state is State.PENDING]

        @rule(key=st.sampled_from([None, None, "a", "b"]), priority=st.integers(-1, 1), delay=st.integers(0, 3))
        def enqueue(self, key: str | None, priority: int, delay: int) -> None:
            id_ = jobs.add(key=key, priority=priority, delay=delay * SECOND)
            if key is not None and self.pending(key):
                assert [id_] == self.pending(key)
            else:
                assert id_ not in self.model
                self.model[id_] = Modelled(len(self.model), key, priority, self.now + delay)

        @rule(key=st.sampled_from(["a", "b"]), priority=st.integers(-1, 1), delay=st.integers(0, 3))
        def replace(self, key: str, priority: int, delay: int) -> None:
            id_ = jobs.add(key=key, priority=priority, delay=delay * SECOND, replace=True)
            before = self.model.get(id_)
            number = len(self.model) if before is None else before.number
            assert self.pending(key) in ([], [id_])
            self.model[id_] = Modelled(number, key, priority, self.now + delay)

        @rule(seconds=st.integers(-3, 5))
        def time_passes(self, seconds: int) -> None:
            self.now += seconds

        @rule()
        def claim(self) -> None:
            busy = {job.key for job in self.model.values() if job.state is State.RUNNING and job.key}
            due = [
                (-job.priority, job.due, job.number, id_)
                for id_, job in self.model.items()
                if job.state is State.PENDING and job.due <= self.now and job.key not in busy
            ]
            with jobs.database.read() as connection:
                assert queue.has_due(connection, NAMES) is bool(due)
            run = jobs.claim()
            assert (run.job.id if run else None) == (min(due)[-1] if due else None)
            if run is not None:
                job = self.model[run.job.id]
                job.state, job.lease, job.attempts = State.RUNNING, run.lease, job.attempts + 1
                assert run.job.attempts == job.attempts
                self.runs.living[run.job.id] = run

        def ended(self, data: Any) -> tuple[Claimed, Modelled]:
            id_ = data.draw(st.sampled_from(sorted(self.runs.living)))
            self.model[id_].lease = None
            return self.runs.living.pop(id_), self.model[id_]

        def again(self, job: Modelled, due: int) -> None:
            if job.cancel or (job.key is not None and self.pending(job.key)):
                job.state = State.CANCELLED
            else:
                job.state, job.due = State.PENDING, due

        @precondition(lambda self: self.runs.living)
        @rule(data=st.data())
        def beat(self, data: Any) -> None:
            id_ = data.draw(st.sampled_from(sorted(self.runs.living)))
            assert jobs.write(queue.beat, self.runs.living[id_]) is self.model[id_].cancel

        @precondition(lambda self: self.runs.living)
        @rule(data=st.data())
        def finish(self, data: Any) -> None:
            run, job = self.ended(data)
            assert jobs.write(queue.finish, run, None)
            job.state = State.DONE

        @precondition(lambda self: self.runs.living)
        @rule(data=st.data(), wait=st.integers(0, 3))
        def fail(self, data: Any, wait: int) -> None:
            run, job = self.ended(data)
            last = job.attempts >= ATTEMPTS
            assert jobs.write(queue.fail, run, Failure("KeyError"), None if last else wait * SECOND)
            if last:
                job.state = State.DEAD
            else:
                self.again(job, self.now + wait)

        @precondition(lambda self: self.runs.living)
        @rule(data=st.data())
        def give_back(self, data: Any) -> None:
            run, job = self.ended(data)
            assert jobs.write(queue.give_back, run)
            self.again(job, self.now)
            if job.state is State.PENDING:
                job.attempts -= 1

        @precondition(lambda self: self.runs.living)
        @rule(data=st.data())
        def kill(self, data: Any) -> None:
            with jobs.database.read() as connection:
                beats = queue.running(connection, NAMES)
            run, job = self.ended(data)
            beat = beats[run.job.id, run.lease]
            jobs.write(queue.take_away, run.job.id, run.lease, beat, dict.fromkeys(NAMES, ATTEMPTS))
            self.runs.lost.append(run)
            if job.cancel:
                job.state = State.CANCELLED
            elif job.attempts >= ATTEMPTS:
                job.state = State.DEAD
            else:
                self.again(job, self.now)

        @precondition(lambda self: self.model)
        @rule(data=st.data())
        def cancel(self, data: Any) -> None:
            id_ = data.draw(st.sampled_from(sorted(self.model)))
            jobs.write(by_hand.cancel, id_)
            job = self.model[id_]
            if job.state is State.PENDING:
                job.state = State.CANCELLED
            elif job.state is State.RUNNING:
                job.cancel = True

        @precondition(lambda self: self.model)
        @rule(data=st.data())
        def retry(self, data: Any) -> None:
            id_ = data.draw(st.sampled_from(sorted(self.model)))
            job = self.model[id_]
            if job.state not in (State.DEAD, State.CANCELLED) or (job.key and self.pending(job.key)):
                with pytest.raises(JobConflict):
                    jobs.write(by_hand.retry, id_)
                return
            jobs.write(by_hand.retry, id_)
            job.state, job.due, job.attempts, job.cancel = State.PENDING, self.now, 0, False

        @precondition(lambda self: self.runs.lost)
        @rule(data=st.data())
        def a_ghost_says_something(self, data: Any) -> None:
            run = data.draw(st.sampled_from(self.runs.lost))
            assert not jobs.write(queue.finish, run, {"ghost": True})
            assert jobs.write(queue.beat, run) is None
            assert not jobs.write(queue.fail, run, Failure("KeyError"), SECOND)

        @invariant()
        def all_are_as_they_should_be(self) -> None:
            with jobs.database.read() as connection:
                rows = {str(row.id): row for row in connection.execute(JOB.select())}
            assert rows.keys() == self.model.keys()
            for id_, job in self.model.items():
                row = rows[id_]
                found = (State(row.state), row.attempts, row.lease and str(row.lease), bool(row.cancel))
                assert found == (job.state, job.attempts, job.lease, job.cancel)
                assert (row.finished_at is not None) is (job.state in FINISHED)
                assert "ghost" not in str(row.result)

    return Machine


@pytest.fixture(params=["sqlite", "postgresql"])
def jobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Queue]:
    url = f"sqlite:///{tmp_path / 'model.db'}"
    with closing(Database(request.getfixturevalue("postgres_url") if request.param != "sqlite" else url)) as database:
        upgrade_system(database)
        yield Queue(database)


def test_the_queue_is_as_its_model(jobs: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = settings(
        max_examples=8 if jobs.database.is_sqlite else 5,
        stateful_step_count=30,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],  # the slow one shrinks what it finds
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine(jobs, monkeypatch), settings=chosen)


@pytest.mark.slow
def test_the_queue_is_as_its_model_for_long(jobs: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = settings(max_examples=300, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(machine(jobs, monkeypatch), settings=chosen)
