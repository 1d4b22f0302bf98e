"""A worker: looks at its tenants in turn, fires schedules, takes jobs that are due and does some at a time."""

import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from xrm_core.errors import XrmError
from xrm_core.jobs import by_hand, dying, queue, running, schedules
from xrm_core.jobs.job import State
from xrm_core.jobs.place import TIMEOUT, MakesAsks, Place
from xrm_core.jobs.queue import Claimed
from xrm_core.jobs.registry import Registry
from xrm_core.jobs.stale import Watch
from xrm_core.plugins import Plugins
from xrm_core.sealed.key_store import KeyStore
from xrm_core.storage.contents import Stores
from xrm_core.storage.engines import Database

_LATER_SECONDS = 5.0
"""So long a tenant whose database does not answer is not asked again."""

_SHARE = 4
"""So many times as long as a round takes is the pause after it, at least."""

_AFTERWARDS_SECONDS = 2.0
"""How long runs that were told to end may take to note it."""

_log = structlog.get_logger(__name__)


@dataclass
class _Known:
    """What a worker knows of a tenant."""

    watch: Watch
    later: float = 0.0
    trouble: str = ""
    busy_until: float = 0.0
    """Until then it is taken for granted that there is something to do, as there was just now."""


@dataclass(frozen=True)
class Pace:
    """How a worker works: jobs at a time, seconds between looks, and seconds of a lease."""

    concurrency: int = 2
    poll_seconds: float = 1.0
    lease_seconds: float = 30.0

    def pause(self, took: float) -> float:
        """Seconds after a round that took so long: one with hundreds of tenants leaves the others most of the time."""
        return max(self.poll_seconds, min(took * _SHARE, self.lease_seconds / 3))


class Beside(Protocol):
    """What a worker does in its tenants beside jobs."""

    wake: Callable[[], None]
    """Set by the worker: to be called when there may be more to do."""

    def visit(self, place: Place) -> bool:
        """Look at a tenant; answers whether anything was begun. Called by the worker's thread; raises nothing."""

    def take_no_more(self) -> None:
        """Begin to stop."""

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""

    def stop(self, seconds: float) -> bool:
        """Wait for what is under way, and give the rest up; answers whether all has ended."""


class Worker:
    """Works until it is told to stop.

    Args:
        registry: what it can do.
        places: its tenants; asked before each round, and may close those that it does not name any more.
        pace: how much at a time, and how often.
        beside: what it does besides.
    """

    def __init__(
        self,
        registry: Registry,
        places: Callable[[], Sequence[Place]],
        pace: Pace | None = None,
        beside: Beside | None = None,
    ) -> None:
        self.name = worker_name()
        self._registry = registry
        self._places = places
        self._pace = pace or Pace()
        self._known: dict[Place, _Known] = {}
        self._runs: dict[threading.Thread, tuple[Place, Claimed]] = {}
        self._ended: deque[threading.Thread] = deque()
        self._first = 0
        self._stopping = threading.Event()
        self._told_at = 0.0
        self._ending = threading.Event()
        self._awake = threading.Event()
        self._rounds_at = time.monotonic()
        self._beside = beside
        if beside is not None:
            beside.wake = self.wake

    def run(self) -> None:
        """Work until :meth:`stop`, then until the last run has ended or was told to."""
        while not self._stopping.is_set():
            began = self._rounds_at = time.monotonic()
            try:
                taken = self.round()
            except Exception as error:
                _log.error("worker_round_failed", kind=type(error).__name__, exc_info=error)
                taken = False
            if not taken:
                self._awake.wait(self._pace.pause(time.monotonic() - began))
                self._awake.clear()

    def take_no_more(self) -> None:
        """Begin to stop: jobs under way go on, others are left to other workers."""
        if not self._stopping.is_set():
            self._told_at = time.monotonic()
            self._stopping.set()
            self._awake.set()
            if self._beside is not None:
                self._beside.take_no_more()

    @property
    def under_way(self) -> int:
        """Jobs that it does at this moment."""
        return sum(thread.is_alive() for thread in list(self._runs))

    @property
    def round_age(self) -> float:
        """Seconds since it last began to look at its tenants."""
        return time.monotonic() - self._rounds_at

    @property
    def stopping(self) -> bool:
        """Whether it takes no more."""
        return self._stopping.is_set()

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return self._no_job and (self._beside is None or self._beside.idle)

    @property
    def _no_job(self) -> bool:
        return not any(thread.is_alive() for thread in list(self._runs))

    def stop(self, grace_seconds: float) -> bool:
        """Take no more jobs, and wait for those under way; what has not ended by then is given back.

        Args:
            grace_seconds: how long to wait, from the moment of :meth:`take_no_more`, if that was before.

        Returns:
            Whether all threads have ended.
        """
        self.take_no_more()
        until = self._told_at + grace_seconds
        self._wait(until - time.monotonic())
        self._ending.set()
        read = self._beside is None or self._beside.stop(max(until - time.monotonic(), _AFTERWARDS_SECONDS / 2))
        if self._wait(_AFTERWARDS_SECONDS):
            return read
        for thread, (place, claimed) in list(self._runs.items()):
            if thread.is_alive():  # whatever its function does now, it can write nothing more
                self._give_back(place, claimed)
        return False

    def wake(self) -> None:
        """Something may be due: look at once."""
        self._awake.set()

    def round(self) -> bool:
        """Look at each tenant once and take one job at most of each; answers whether any was taken."""
        self._forget_ended()
        places = list(self._places())
        self._known = {place: self._known.get(place) or self._new() for place in places}
        # Who came first the last time comes last now, so that a busy tenant does not take every thread.
        self._first = (self._first + 1) % max(1, len(places))
        taken = False
        for place in places[self._first :] + places[: self._first]:
            if self._stopping.is_set():
                break
            known = self._known[place]
            if time.monotonic() < known.later:
                continue
            try:
                taken = self._visit(place, known) or taken
                known.trouble = ""
            except Exception as error:
                self._trouble(place, known, error)
            if self._beside is not None:
                taken = self._beside.visit(place) or taken
            place.rest()
        return taken

    def _new(self) -> _Known:
        return _Known(Watch(self._pace.lease_seconds))

    def _visit(self, place: Place, known: _Known) -> bool:
        free = len(self._runs) < self._pace.concurrency
        names = list(self._registry.handlers)
        if time.monotonic() < known.busy_until:
            return free and self._take(place, known, names)
        with place.database.read(TIMEOUT) as connection:
            waiting = schedules.waiting(connection, self._registry.schedules)
            stale = known.watch.stale(queue.running(connection, names))
            due = free and queue.has_due(connection, names)
        for schedule in waiting:
            with place.database.begin(TIMEOUT) as connection:
                fired = schedules.fire(connection, schedule)
            due = due or (free and fired is not None)
        for id_, lease, beat in stale:
            with place.database.begin(TIMEOUT) as connection:
                state = queue.take_away(connection, id_, lease, beat, self._registry.attempts)
                if state is State.DEAD and (job := by_hand.job(connection, id_)) is not None:
                    dying.tell(place, self._registry.handlers[job.name], connection, job, queue.WORKER_LOST.code)
            if state is not None:
                _log.warning("worker_lost", tenant=place.name, job=id_, state=state.value)
        if not due:
            return False
        known.busy_until = time.monotonic() + self._pace.poll_seconds
        return self._take(place, known, names)

    def _take(self, place: Place, known: _Known, names: list[str]) -> bool:
        with place.database.begin(TIMEOUT) as connection:
            claimed = queue.claim(connection, names, self.name)
        if claimed is None:
            known.busy_until = 0.0
            return False
        self._start(place, claimed)
        return True

    def _start(self, place: Place, claimed: Claimed) -> None:
        handler = self._registry.handlers[claimed.job.name]

        def work() -> None:
            try:
                running.run(place, claimed, handler, self._pace.lease_seconds, self._ending.is_set)
            finally:
                self._ended.append(thread)
                self._awake.set()

        thread = threading.Thread(target=work, name=f"xrm-job-{claimed.job.id[-6:]}", daemon=True)
        self._runs[thread] = place, claimed
        place.busy += 1
        thread.start()

    def _forget_ended(self) -> None:
        while self._ended:
            place, _ = self._runs.pop(self._ended.popleft())
            place.busy -= 1

    def _wait(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        for thread in list(self._runs):
            thread.join(max(0.0, until - time.monotonic()))
        return self._no_job

    def _give_back(self, place: Place, claimed: Claimed) -> None:
        try:
            with place.database.begin(_AFTERWARDS_SECONDS) as connection:
                queue.give_back(connection, claimed)
            _log.info("job_given_back", tenant=place.name, job=claimed.job.id)
        except Exception as error:
            _log.warning("job_not_given_back", tenant=place.name, job=claimed.job.id, kind=type(error).__name__)

    def _trouble(self, place: Place, known: _Known, error: Exception) -> None:
        known.later = time.monotonic() + _LATER_SECONDS
        reason = error.code if isinstance(error, XrmError) else type(error).__name__
        if known.trouble != reason:
            _log.warning("jobs_not_read", tenant=place.name, reason=reason)
        known.trouble = reason


def do_one(
    database: Database,
    plugins: Plugins,
    registry: Registry,
    id_: str,
    tenant: str,
    pace: Pace,
    asking: MakesAsks | None = None,
    key_store: KeyStore | None = None,
    stores: Stores | None = None,
) -> None:
    """Do one job, whenever it is due, in this thread; nothing if somebody else has taken it already."""
    place = Place(tenant, database, plugins, asking=asking, key_store=key_store, stores=stores)
    with database.begin(TIMEOUT) as connection:
        claimed = queue.claim(connection, list(registry.handlers), worker_name(), id_)
    if claimed is not None:
        handler = registry.handlers[claimed.job.name]
        running.run(place, claimed, handler, pace.lease_seconds, threading.Event().is_set)


def worker_name() -> str:
    """What a worker of this process is called, for people."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}"
