"""What workers do, done now and in this thread: jobs that are due, schedules whose time has come, after-hooks."""

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from sqlalchemy import Connection

from xrm_core.changes import reading
from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.reading import LoggedChange
from xrm_core.changes.sealing import seal_all
from xrm_core.events import cursors, waiting
from xrm_core.events.consumer import Consumer, Note, Patience
from xrm_core.events.listeners import listeners
from xrm_core.events.run import AT_A_TIME
from xrm_core.events.run_together import run_of
from xrm_core.jobs import by_hand, queue, running, schedules
from xrm_core.jobs.job import Job
from xrm_core.jobs.place import Place
from xrm_core.jobs.registry import JobHandler
from xrm_core.plugins import Plugins
from xrm_core.records.door import Records
from xrm_core.records.log_values import close
from xrm_core.server.assembly import Platform
from xrm_core.server.blueprints import asking_of
from xrm_core.server.workers import job_registry
from xrm_core.server.workflow_files import workflow_engine
from xrm_core.storage.applied import applied_fingerprint
from xrm_core.storage.engines import Database

_MOST_ROUNDS = 1_000
_WORKER = "test"


@dataclass(frozen=True)
class Failure:
    """A function of a plugin that has raised ``error``; ``of`` says which."""

    of: str
    error: Exception


@dataclass
class Work:
    """What was done: ``jobs`` as they ended, how many ``events`` were delivered to after-hooks, and what has failed."""

    jobs: list[Job] = field(default_factory=list)
    events: int = 0
    failures: list[Failure] = field(default_factory=list)

    def job(self, name: str) -> Job:
        """The one job of a name that was done.

        Raises:
            AssertionError: there was none, or several.
        """
        found = [each for each in self.jobs if each.name == name]
        done = ", ".join(each.name for each in self.jobs) or "none"
        if len(found) != 1:
            raise AssertionError(f"{len(found)} jobs {name} were done, not one. Done: {done}.")
        return found[0]


class _KnownPlace(Place):
    """A place of which the model is known: what was made for it is used as long as no other one is applied.

    Args:
        known: gives the door of that model.
    """

    def __init__(self, database: Database, plugins: Plugins, known: Callable[[], Records], **more: Any) -> None:
        super().__init__("", database, plugins, **more)
        self._known = known

    def records(self) -> Records:
        """See there."""
        if self._records is None:
            with self.database.read() as connection:
                applied = applied_fingerprint(connection)
            known = self._known()
            if known.model.fingerprint == applied:
                self._records = known
        return super().records()


class Worker:
    """Of one app.

    Args:
        platform: the app's.
        known: gives the door for records that the app has.
    """

    def __init__(self, platform: Platform, known: Callable[[], Records]) -> None:
        settings, plugins = platform.settings, platform.plugins
        along, asking = settings.max_deletion, partial(asking_of, settings)
        self._place = _KnownPlace(platform.database, plugins, known, most_along=along, asking=asking)
        self._registry = job_registry(settings, plugins)
        self._keys = ChainKeys(settings.secret_key)
        self._lease_seconds = float(settings.job_lease_seconds)
        self._listeners = [*listeners(plugins), *workflow_engine(settings, plugins).readers]

    def work(self, *, fails: bool) -> Work:
        """Do all that is due, and what comes of it.

        Args:
            fails: whether a failure is expected; else it is an AssertionError, with what was raised as its cause.
        """
        done = Work()
        self._until_nothing_is_left(lambda: any([self._fire(), self._do_jobs(done), self._read(done)]))
        return self._checked(done, fails=fails)

    def tell(self) -> None:
        """Call after-hooks alone, until they have heard of all; schedules and jobs wait for :meth:`work`."""
        done = Work()
        self._until_nothing_is_left(lambda: self._read(done))
        self._checked(done, fails=False)

    def _until_nothing_is_left(self, round_: Callable[[], bool]) -> None:
        for _ in range(_MOST_ROUNDS):
            if not round_():
                return
        raise AssertionError(f"After {_MOST_ROUNDS} rounds there is still something to do: each leads to the next.")

    def _checked(self, done: Work, *, fails: bool) -> Work:
        if done.failures and not fails:
            first = done.failures[0]
            told = "".join(traceback.format_exception_only(first.error)).strip()
            raise AssertionError(f"{first.of} has failed: {told}") from first.error
        if fails and not done.failures:
            raise AssertionError("Nothing has failed.")
        return done

    def _fire(self) -> bool:
        database = self._place.database
        with database.read() as connection:
            come = schedules.waiting(connection, self._registry.schedules)
        if not come:
            return False
        with database.begin() as connection:
            fired = [schedules.fire(connection, each) for each in come]
        return any(fired)

    def _do_jobs(self, done: Work) -> bool:
        """All that are due, one after the other: a night has twenty, and to look for events after each takes longer."""
        before = len(done.jobs)
        self._until_nothing_is_left(lambda: self._do_job(done))
        return len(done.jobs) > before

    def _do_job(self, done: Work) -> bool:
        database = self._place.database
        with database.begin() as connection:
            claimed = queue.claim(connection, list(self._registry.handlers), _WORKER)
        if claimed is None:
            return False
        handler = self._registry.handlers[claimed.job.name]
        watched = replace(handler, run=partial(_run, handler, done.failures))
        running.run(self._place, claimed, watched, self._lease_seconds, lambda: False)
        with database.read() as connection:
            ended = by_hand.job(connection, claimed.job.id)
        done.jobs.append(ended or claimed.job)
        return True

    def _read(self, done: Work) -> bool:
        self.begin()
        database, before = self._place.database, done.events
        seal_all(database, self._keys)
        close(database, self._place.records())
        for each in self._who_reads():
            with database.begin() as connection:
                lease = cursors.claim(connection, each.name, _WORKER)
            if lease is not None:
                run_of(self._place, _Watched(each, done), lease, 0, lambda: False).work()
        return done.events > before

    def _who_reads(self) -> list[Consumer]:
        """Listeners for which something is there. What is for nobody is passed by, as workers do."""
        database, names = self._place.database, [each.name for each in self._listeners]
        while True:
            with database.read() as connection:
                known = cursors.cursors(connection, names)
                again = waiting.readers_due(connection, names)
                due = [each for each in self._listeners if known[each.name].due]
                entries = {
                    at: reading.after(connection, at, AT_A_TIME) for at in {known[each.name].position for each in due}
                }
            of = {each.name: entries[known[each.name].position] for each in due}
            wanted = [each for each in due if each.name in again or any(map(each.wants, of[each.name]))]
            passed = {
                each.name: (known[each.name].position, of[each.name][-1].position or 0)
                for each in due
                if each not in wanted and of[each.name]
            }
            if passed:
                with database.begin() as connection:
                    cursors.pass_by(connection, passed)
            if all(len(of[name]) < AT_A_TIME for name in passed):
                return wanted

    def begin(self) -> None:
        """Let plugins hear of what comes from now on, unless they do already."""
        names = [each.name for each in self._listeners]
        with self._place.database.read() as connection:
            known = cursors.cursors(connection, names)
        missing = [name for name in names if name not in known]
        if missing:
            with self._place.database.begin() as connection:
                cursors.begin(connection, missing)


def _run(handler: JobHandler, failures: list[Failure], context: Any, payload: Mapping[str, Any]) -> Any:
    try:
        return handler.run(context, payload)
    except Exception as error:
        failures.append(Failure(f"The job {handler.name}", error))
        raise


@dataclass(frozen=True)
class _Watched:
    """A consumer of which it is told what it is given, and what it raises."""

    consumer: Consumer
    done: Work

    @property
    def name(self) -> str:
        return self.consumer.name

    @property
    def patience(self) -> Patience:
        return self.consumer.patience

    def wants(self, entry: LoggedChange) -> bool:
        return self.consumer.wants(entry)

    def deliver(self, place: Place, entry: LoggedChange, attempt: int) -> Note:
        note = self._telling(entry, partial(self.consumer.deliver, place, entry, attempt))

        def told(connection: Connection) -> None:
            self._telling(entry, partial(note, connection))
            self.done.events += 1

        return told

    def _telling(self, entry: LoggedChange, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except Exception as error:
            of = f"The after-hook of {self.name.removeprefix('plugin:')} for {entry.operation} of {entry.entity}"
            self.done.failures.append(Failure(of, error))
            raise
