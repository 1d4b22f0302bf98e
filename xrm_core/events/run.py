"""One run of a reader: it tries again what has failed, and reads on, until there is nothing more.

An entry that fails holds up those of its own record only: it is put aside with all that come after it for the record,
and the reader moves on. Where it is neither the entry's nor its record's fault, the reader itself waits.
"""

import datetime as dt
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection

from xrm_core.changes import reading
from xrm_core.changes.reading import LoggedChange
from xrm_core.errors import (
    DatabaseOverloaded,
    DatabaseUnavailable,
    ModelOutOfDate,
    Overloaded,
    TablesChanged,
    XrmError,
)
from xrm_core.events import cursors, waiting
from xrm_core.events.consumer import Consumer, EntryFailed, Note, ReaderWaits
from xrm_core.events.cursors import Lease, LeaseLost
from xrm_core.events.waiting import Waiting
from xrm_core.jobs.backoff import wait_after
from xrm_core.jobs.place import TIMEOUT, Place
from xrm_core.storage.retrying import in_transaction

AT_A_TIME = 200
"""Entries that are read together."""

MOST_WAITING = 1_000
"""Beyond so many entries that wait, a reader tries those again before it reads on."""

_TURN_SECONDS = 5.0
"""After so long a run ends, so that others get its thread."""

_WAIT_SECONDS = 2.0
"""Wait of a reader after its first failure, at most."""

NOBODYS_FAULT = (DatabaseUnavailable, DatabaseOverloaded, Overloaded, ModelOutOfDate, TablesChanged)
"""Errors after which the reader waits, rather than the entry."""

_log = structlog.get_logger(__name__)


class Run:
    """What one thread does for one reader.

    Args:
        place: the tenant.
        consumer: gets the entries.
        lease: of this run.
        failures: of the reader, one after the other, before this run.
        stop: whether to end after the entry under way.
    """

    def __init__(self, place: Place, consumer: Consumer, lease: Lease, failures: int, stop: Callable[[], bool]) -> None:
        self._place = place
        self._consumer: Consumer = consumer
        self._lease = lease
        self._failures = failures
        self._stop = stop
        self._until = time.monotonic() + _TURN_SECONDS
        self._log = _log.bind(tenant=place.name, reader=consumer.name)

    def work(self) -> None:
        """Read, and give the reader back. Blocking; raises nothing."""
        try:
            while not self._over() and (self._try_again() or self._read_on()):
                pass
            self._write(lambda connection: cursors.release(connection, self._lease))
        except LeaseLost:
            self._log.warning("log_reader_lost")
        except BaseException as error:
            self._wait(error)

    def _over(self) -> bool:
        return self._stop() or time.monotonic() > self._until

    def _try_again(self) -> bool:
        with self._place.database.read(TIMEOUT) as connection:
            found = waiting.due(connection, self._lease.reader, AT_A_TIME)
            entries = [(each, reading.at(connection, each.position)) for each in found]
        self._go_through_waiting(entries)
        return bool(entries)

    def _go_through_waiting(self, entries: Sequence[tuple[Waiting, LoggedChange | None]]) -> None:
        for each, entry in entries:
            if self._over():
                break
            if entry is None:  # it is too old
                self._write(partial(self._forget, each.position))
            else:
                self._deliver(entry, each.attempts, waited=True)

    def _read_on(self) -> bool:
        name = self._lease.reader
        with self._place.database.read(TIMEOUT) as connection:
            begin = cursors.position(connection, self._lease)
            if waiting.count(connection, name) >= MOST_WAITING:
                return False
            entries = reading.after(connection, begin, AT_A_TIME)
            blocked = waiting.blocked(connection, name, {each.record_id for each in entries})
        self._go_through(begin, entries, blocked)
        return bool(entries)

    def _go_through(self, begin: int, entries: Sequence[LoggedChange], blocked: set[str]) -> None:
        """Deliver what the consumer wants, and move on; ``blocked`` are records of which something waits."""
        passed = begin
        for entry in entries:
            if self._over():
                break
            if not self._consumer.wants(entry):
                passed = position_of(entry)
            elif entry.record_id in blocked:
                self._write(partial(self._put_behind, entry))
            elif not self._deliver(entry, 0, waited=False):
                blocked.add(entry.record_id)
        if passed > begin:
            self._write(lambda connection: self._pass(connection, passed))

    def _deliver(self, entry: LoggedChange, attempts: int, *, waited: bool) -> bool:
        """Answers whether nothing of its record waits now on its account."""
        try:
            note = self._consumer.deliver(self._place, entry, attempts + 1)
            in_transaction(
                self._place.database, lambda connection: self._delivered(connection, entry, note, waited), TIMEOUT
            )
        except (LeaseLost, ReaderWaits, *NOBODYS_FAULT):
            raise
        except BaseException as error:
            wait = self._wait_of(entry, error, attempts + 1)
            self._write(partial(self._failed, entry, code_of(error), wait, waited))
            return wait is None
        self._failures = 0
        return True

    def _delivered(self, connection: Connection, entry: LoggedChange, note: Note, waited: bool) -> None:
        note(connection)
        if waited:
            waiting.remove(connection, self._lease.reader, position_of(entry))
        else:
            cursors.move(connection, self._lease, position_of(entry))
        cursors.done(connection, self._lease)

    def _wait_of(self, entry: LoggedChange, error: BaseException, attempts: int) -> dt.timedelta | None:
        patience, foreseen = self._consumer.patience, isinstance(error, EntryFailed | XrmError)
        # The text of an exception may have values of records in it: it goes to the log only if nobody foresaw it.
        told = {"position": entry.position, "attempt": attempts, "code": code_of(error)}
        self._log.warning("log_entry_failed", exc_info=None if foreseen else error, **told)
        if attempts >= patience.attempts or (isinstance(error, EntryFailed) and error.final):
            self._log.error("log_entry_dead", **told)
            return None
        if isinstance(error, EntryFailed) and error.seconds is not None:
            return dt.timedelta(seconds=error.seconds)
        return wait_after(attempts, patience.first_seconds)

    def _failed(
        self, entry: LoggedChange, error: str, wait: dt.timedelta | None, waited: bool, connection: Connection
    ) -> None:
        if waited:
            waiting.fail_again(connection, self._lease.reader, position_of(entry), error, wait)
            cursors.beat(connection, self._lease)
        else:
            waiting.put_failed(connection, self._lease.reader, entry, error, wait)
            cursors.move(connection, self._lease, position_of(entry))

    def _put_behind(self, entry: LoggedChange, connection: Connection) -> None:
        waiting.put(connection, self._lease.reader, entry)
        cursors.move(connection, self._lease, position_of(entry))

    def _pass(self, connection: Connection, passed: int) -> None:
        if passed > cursors.position(connection, self._lease):
            cursors.move(connection, self._lease, passed)

    def _forget(self, position: int, connection: Connection) -> None:
        waiting.remove(connection, self._lease.reader, position)
        cursors.beat(connection, self._lease)

    def _wait(self, error: BaseException) -> None:
        """Nothing goes on at the moment: let the reader wait."""
        self._failures += 1
        wait = wait_after(self._failures, _WAIT_SECONDS)
        if isinstance(error, ReaderWaits) and error.seconds is not None:
            wait = dt.timedelta(seconds=error.seconds)
        foreseen = isinstance(error, ReaderWaits | XrmError)
        self._log.warning("log_reader_waits", code=code_of(error), exc_info=None if foreseen else error)
        try:
            self._write(lambda connection: cursors.wait(connection, self._lease, code_of(error), wait))
        except Exception as again:  # the lease runs out by itself
            self._log.warning("log_reader_not_noted", kind=type(again).__name__)

    def _write(self, work: Callable[[Connection], Any]) -> None:
        in_transaction(self._place.database, work, TIMEOUT)


def code_of(error: BaseException) -> str:
    """What is kept of an exception: nothing that may have values of records in it."""
    return error.code if isinstance(error, EntryFailed | ReaderWaits | XrmError) else type(error).__name__


def position_of(entry: LoggedChange) -> int:
    """Of an entry that is sealed."""
    assert entry.position is not None  # noqa: S101 - only such are read
    return entry.position
