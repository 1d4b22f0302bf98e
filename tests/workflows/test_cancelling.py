"""Who cancels a run while a step of it is done: either the run goes no further, or it was over before."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from sqlalchemy import text

from xrm_core.api import Action, ActionContext, Record, Refuse, hookimpl
from xrm_core.testing import Setup, Xrm
from xrm_core.workflows import runs
from xrm_core.workflows.runs import Run, RunState

TEXT = {"type": "string"}
FILES: Mapping[str, Any] = {
    "user": {"x-entity": "user", "type": "object", "properties": {"email": {**TEXT, "format": "email"}}},
    "deal": {"x-entity": "deal", "type": "object", "properties": {"name": TEXT, "last": TEXT}},
}


def workflow(name: str, *steps: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "x-workflow": name,
        "system": True,
        "on": {"entity": "deal", "change": ["create"]},
        "where": {"name": {"eq": name}},
        "steps": steps,
    }


MEANWHILE: list[Callable[[], None]] = []
"""What happens while the action is done."""


class Flow:
    """Has an action in which something else happens, and one that refuses after that."""

    @hookimpl
    def register_actions(self) -> list[Action]:
        return [Action("flow.act", act, "deal"), Action("flow.fail", fail, "deal")]


def act(context: ActionContext, deal: Record) -> None:
    context.records.update(context.connection, context.system, "deal", deal["id"], {"last": "acted"})
    MEANWHILE[0]()


def fail(context: ActionContext, deal: Record) -> None:
    MEANWHILE[0]()
    raise Refuse("No.")


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    files = [
        workflow("first", {"action": "flow.act"}, {"update": {"last": "went on"}}),
        workflow("last", {"action": "flow.act"}),
        workflow("failing", {"action": "flow.fail"}),
    ]
    return Setup({"flow": Flow()}, pack=None, files=FILES, workflows={each["x-workflow"]: each for each in files})


class Canceller:
    """Cancels the run of a workflow from another thread, where it has to wait for the step under way."""

    def __init__(self, xrm: Xrm, name: str) -> None:
        self.cancelled: list[Run | None] = []
        self._xrm, self._name = xrm, name
        self._thread = threading.Thread(target=self._cancel, daemon=True)

    def __call__(self) -> None:
        """Begin; on PostgreSQL wait until it waits."""
        if self._thread.ident is not None:
            return
        self._thread.start()
        until = time.monotonic() + 10
        while not self._waits() and time.monotonic() < until:
            time.sleep(0.005)

    def answer(self) -> Run | None:
        self._thread.join(30)
        return self.cancelled[0]

    def _waits(self) -> bool:
        if self._xrm.database.is_sqlite:
            return True  # where nobody can write beside a step at all
        with self._xrm.database.read() as connection:
            return bool(connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))

    def _cancel(self) -> None:
        with self._xrm.database.read() as connection:
            [run] = runs.runs(connection, workflow=self._name)
        with self._xrm.database.begin() as connection:
            self.cancelled.append(runs.cancel(connection, run.id))


@pytest.fixture
def cancelling(xrm: Xrm) -> Iterator[Callable[[str], Canceller]]:
    """Makes somebody who cancels the run of a workflow while its first step is done; a deal is its record."""

    def begin(name: str) -> Canceller:
        xrm.work()
        canceller = Canceller(xrm, name)
        MEANWHILE[:] = [canceller]
        xrm.create("deal", name=name)
        return canceller

    yield begin
    MEANWHILE.clear()


def run_of(xrm: Xrm, name: str) -> tuple[RunState, str | None]:
    with xrm.database.read() as connection:
        [run] = runs.runs(connection, workflow=name)
    return run.state, run.error


def last(xrm: Xrm) -> Any:
    with xrm.database.read() as connection:
        return connection.exec_driver_sql("SELECT last FROM deal").scalar()


def test_the_step_under_way_is_done_and_the_next_is_not(xrm: Xrm, cancelling: Callable[[str], Canceller]) -> None:
    canceller = cancelling("first")

    xrm.work()

    if canceller.answer() is None:  # the run was quicker, which it can be on SQLite alone: nobody there waits in turn
        assert xrm.database.is_sqlite
        assert (run_of(xrm, "first"), last(xrm)) == ((RunState.DONE, None), "went on")
    else:
        assert (run_of(xrm, "first"), last(xrm)) == ((RunState.DEAD, runs.CANCELLED), "acted")


def test_a_run_whose_last_step_is_under_way_is_over_before(xrm: Xrm, cancelling: Callable[[str], Canceller]) -> None:
    canceller = cancelling("last")

    xrm.work()

    assert canceller.answer() is None
    assert (run_of(xrm, "last"), last(xrm)) == ((RunState.DONE, None), "acted")


def test_a_step_that_fails_meanwhile_is_not_tried_again(xrm: Xrm, cancelling: Callable[[str], Canceller]) -> None:
    canceller = cancelling("failing")

    xrm.work()

    assert canceller.answer() is not None
    assert run_of(xrm, "failing") == (RunState.DEAD, runs.CANCELLED)
    xrm.clock.advance(minutes=10)
    xrm.work()
    assert run_of(xrm, "failing") == (RunState.DEAD, runs.CANCELLED)


def test_a_failure_that_is_noted_after_it_was_cancelled_changes_nothing(
    xrm: Xrm, cancelling: Callable[[str], Canceller]
) -> None:
    cancelling("failing")
    MEANWHILE[:] = [lambda: None]
    xrm.work()
    with xrm.database.begin() as connection:
        [run] = runs.runs(connection, workflow="failing")
        assert run.state is RunState.READY
        runs.cancel(connection, run.id)

        for final in (False, True):
            assert not runs.fail(connection, run, "LATE", final=final)

    assert run_of(xrm, "failing") == (RunState.DEAD, runs.CANCELLED)
