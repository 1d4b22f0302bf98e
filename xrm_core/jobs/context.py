"""What the function of a job is given besides its payload."""

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection

from xrm_core.jobs import queue
from xrm_core.jobs.clock import moment
from xrm_core.jobs.heart import Heart
from xrm_core.jobs.place import Place
from xrm_core.jobs.queue import Claimed
from xrm_core.permissions.caller import System
from xrm_core.plugins import Plugins
from xrm_core.records.asking import asks_of
from xrm_core.records.context import Context
from xrm_core.records.door import Records
from xrm_core.storage.applied import require_model
from xrm_core.storage.retrying import in_transaction

MAX_MESSAGE = 500
MAX_RESULT = 16 * 1024
"""Bytes of a result as JSON."""

Result = TypeVar("Result")


class JobFailed(Exception):
    """Raised by a job's function: this attempt has failed, for a reason that may be shown to whoever sees the job.

    Args:
        reason: one sentence without secrets and personal data, 500 characters at most.
        retry: False: the job is dead at once, for another attempt would fail, too.
    """

    def __init__(self, reason: str, *, retry: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason[:MAX_MESSAGE].replace("\0", "\N{REPLACEMENT CHARACTER}")
        self.retry = retry


class JobInterrupted(BaseException):
    """Ends the function of a job that shall not go on. No ``Exception``, so that nobody takes it for a failure."""


class ResultInvalid(Exception):
    """What a job's function has returned is no JSON object, or too large."""


class JobContext:
    """One run of a job, as its function sees it. Of one thread.

    Args:
        place: the tenant.
        run: which.
        records: the door for records.
        heart: shows that it goes on.
        ending: whether the worker can wait no longer.
    """

    def __init__(
        self,
        place: Place,
        run: Claimed,
        records: Records,
        heart: Heart,
        ending: Callable[[], bool],
        *,
        forgets: bool = False,
    ) -> None:
        self._place, self._forgets = place, forgets
        self._run = run
        self._heart = heart
        self._ending = ending
        self.records = records
        """The door for records: ``create``, ``update``, ``delete`` …, each with a connection and a caller."""
        self.caller: System = System(records.full_access, f"job {run.job.name}", actor=run.job.owner)
        """The platform itself, which may do everything; the owner of the job is named as the author."""
        self.settings = records.plugins.settings_of(run.job.name.partition(".")[0])
        """Of the plugin: an object of the dataclass that it has registered; None: it has none."""
        self._finishing = False
        self.finished = False
        """Whether the transaction of :meth:`finish` is committed."""

    @property
    def plugins(self) -> Plugins:
        """Those that are loaded, for what asks them."""
        return self.records.plugins

    @property
    def tenant(self) -> str:
        """The name of the tenant; empty for the main database."""
        return self._place.name

    @property
    def id(self) -> str:
        """Of the job."""
        return self._run.job.id

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1."""
        return self._run.job.attempts

    @property
    def owner(self) -> str | None:
        """For whom it is done: id of a user, or of a service's token; None: nobody."""
        return self._run.job.owner

    @property
    def scheduled_for(self) -> dt.datetime | None:
        """The tick of the schedule that has made the job, in UTC; the last one, if several were missed."""
        text = self._run.job.scheduled_for
        return None if text is None else moment(text)

    @contextmanager
    def read(self, timeout: float | None = 30.0) -> Iterator[Connection]:
        """A transaction that only reads, from one snapshot. Raises as :meth:`transaction`."""
        self.check()
        with self._place.database.read(timeout) as connection:
            require_model(connection, self.records.model)
            yield connection

    @contextmanager
    def transaction(self, timeout: float | None = 30.0) -> Iterator[Connection]:
        """A write transaction: commits at the end of the block, rolls back if it raises.

        It commits only if the job is still this worker's, so a run that was given up writes nothing more. No other
        transaction is opened within it.

        Args:
            timeout: seconds that a statement may take (on SQLite: that all of them together may take).

        Raises:
            JobInterrupted: the job was cancelled, or is no longer this worker's; nothing was done.
            ModelOutOfDate: the tenant has got another model; the job is begun anew with that.
            Busy, Timeout, DatabaseUnavailable: nothing was done.
        """
        self.check()
        with self._place.database.begin(timeout) as connection:
            self._require(connection)
            yield connection
            self._seal(connection)
        self._committed()

    def transact(self, work: Callable[[Connection], Result], timeout: float | None = 30.0) -> Result:
        """Do something in a write transaction; all of it again, up to three times, if it met a deadlock.

        Args:
            work: gets the connection; does nothing that a rollback does not undo.
            timeout: as of :meth:`transaction`.

        Raises:
            as :meth:`transaction`.
        """

        def whole(connection: Connection) -> Result:
            self._require(connection)
            found = work(connection)
            self._seal(connection)
            return found

        self.check()
        found = in_transaction(self._place.database, whole, timeout)
        self._committed()
        return found

    def transact_anyway(self, work: Callable[[Connection], Result], timeout: float | None = 30.0) -> Result:
        """As :meth:`transact`, whatever has become of the job: to note what has left and cannot be taken back.

        Whose run it is, and which model there is, is not asked: ``work`` must not depend on it.
        """
        return in_transaction(self._place.database, work, timeout)

    def within(self, connection: Connection) -> Context:
        """A transaction of the job as actions and hooks see theirs, for code that they share: it reads and finds, too.

        Args:
            connection: of :meth:`transaction` or :meth:`transact`.
        """
        return Context(self.records, connection, self.caller, ("job", self._run.job.name))

    def query_as_system(
        self, connection: Connection, document: str, variables: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """What a GraphQL query for records answers to the platform itself: its ``data``.

        Args:
            connection: of :meth:`read`, :meth:`transaction` or :meth:`transact`.
            document: the text; what differs between calls goes into variables.
            variables: their values.

        Raises:
            BadQuery, QueryTooLarge: it asks for too much.
        """
        return asks_of(self.records).ask(connection, self.caller, document, variables).data

    def progress(self, percent: float, message: str | None = None) -> None:
        """Tell how far it is, for whoever watches; shown within a second or two, on SQLite not within a transaction.

        Args:
            percent: 0 to 100; others count as the nearest of these.
            message: what is being done, 500 characters at most; no personal data.
        """
        text = None if message is None else message[:MAX_MESSAGE].replace("\0", "\N{REPLACEMENT CHARACTER}")
        self._heart.progress(round(min(max(percent, 0), 100)), text)

    @property
    def cancelled(self) -> bool:
        """Whether somebody has cancelled the job."""
        return self._heart.cancelled

    def check(self) -> None:
        """Between two steps: end here if the job shall not go on.

        Raises:
            JobInterrupted: the job was cancelled, the worker stops and has waited long enough, others have the job, or
                nothing may be changed in the tenant any more.
        """
        if self._heart.cancelled or self._heart.lost or self._place.leaving or self._ending():
            raise JobInterrupted

    def finish(self, connection: Connection, result: Mapping[str, Any] | None = None) -> None:
        """The job is done with the transaction under way: what that writes is there once, whatever happens.

        Args:
            connection: of :meth:`transaction` or :meth:`transact`; nothing is written in it after this.
            result: as a function may return it.

        Raises:
            JobInterrupted: the job is no longer this worker's.
        """
        if not queue.finish(connection, self._run, usable(result), forgets=self._forgets):
            raise JobInterrupted
        self._finishing = True

    def _require(self, connection: Connection) -> None:
        self._finishing = False
        if queue.look(connection, self._run) is None:
            self._heart.beaten(None)
            raise JobInterrupted
        require_model(connection, self.records.model)

    def _seal(self, connection: Connection) -> None:
        # A change of tables waits for whoever writes to them: what is still the model now was so all the time.
        require_model(connection, self.records.model)
        if not self._finishing:
            answer = queue.beat(connection, self._run, self._heart.take_progress())
            if answer is None:
                self._heart.beaten(None)
                raise JobInterrupted
            self._heart.beaten(answer)

    def _committed(self) -> None:
        if self._finishing:
            self.finished = True
            self._heart.beaten(None)


def usable(result: Any) -> Mapping[str, Any] | None:
    """What a function has returned, if it can be kept. Raises ResultInvalid: it cannot."""
    if result is None:
        return None
    if not isinstance(result, Mapping):
        raise ResultInvalid
    found: Mapping[str, Any] = dict(result)
    try:
        text = json.dumps(found, ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError):
        raise ResultInvalid from None
    if size > MAX_RESULT or "\\u0000" in text:
        raise ResultInvalid
    return found
