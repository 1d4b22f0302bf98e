"""Statements on SQLite that take less time than to hand them to a thread is worth.

A thread hop costs some 45 µs of CPU, as much as a record by its id does whole. So a document is tried in the event
loop first. What is not done after ``QUICK_SECONDS`` is broken off and asked again in a thread, and from then on goes
there at once, until a thread finds that it is quick.
"""

import math
import sqlite3
import time
from collections.abc import Sequence

from xrm_core.storage.engines import tables_changed
from xrm_core.storage.readers import Call

QUICK_SECONDS = 0.002
"""Statements hold up the event loop no longer; at this length a thread hop is two parts in a hundred."""

STEPS = 2_000
"""Instructions of SQLite's machine between two looks at the clock: some hundred microseconds."""

MAX_SLOW = 2_000
"""Documents that are remembered as slow; of more, the oldest are tried anew."""


def answers(connection: sqlite3.Connection, calls: Sequence[Call]) -> list[bytes | None]:
    """Run the statements of a document on one snapshot.

    Args:
        connection: with ``text_factory`` bytes.
        calls: the statements.

    Raises:
        sqlite3.Error: a statement failed.
    """
    if len(calls) == 1:
        return [_one(connection, calls[0])]
    connection.execute("BEGIN")
    try:
        return [_one(connection, call) for call in calls]
    finally:
        connection.execute("ROLLBACK")


def version(connection: sqlite3.Connection) -> int:
    """The version of the tables, as of :func:`~xrm_core.storage.applied.tables_version`.

    It only goes up: if it is not newer after statements than it was when they were made, it was not when they ran.
    Without that, a decimal whose scale has just changed would be shown a hundred times too large.
    """
    found: int = connection.execute("PRAGMA schema_version").fetchone()[0]
    return found


def _one(connection: sqlite3.Connection, call: Call) -> bytes | None:
    row = connection.execute(*call).fetchone()
    return None if row is None else row[0]


class QuickReads:
    """Answers quick documents without a thread. Belongs to one event loop.

    Args:
        connection: for nobody else; waits for no lock from now on.
        seconds: that a document may take.
    """

    def __init__(self, connection: sqlite3.Connection, seconds: float = QUICK_SECONDS) -> None:
        self.connection = connection
        self._seconds = seconds
        self._end = 0.0
        self._version: int | None = None
        self._slow: dict[str | tuple[str, ...], None] = {}
        connection.execute("PRAGMA busy_timeout=0")
        connection.set_authorizer(self._compiles)
        connection.set_progress_handler(self._is_over, STEPS)

    def fetch(self, calls: Sequence[Call], tables: int | None) -> list[bytes | None] | None:
        """The answers as of :func:`answers`; None: ask in a thread, which also says what is wrong.

        Args:
            calls: the statements.
            tables: the version of the tables that they were made for, if it is to be held.

        Raises:
            TablesChanged: the version is another one.
        """
        key = _key(calls)
        if key in self._slow:
            return None
        self._end = time.perf_counter() + self._seconds
        try:
            found = answers(self.connection, calls)
            if self._version is None and tables is not None:
                self._version = version(self.connection)
        except sqlite3.OperationalError:
            if self._is_over():
                if len(self._slow) >= MAX_SLOW:
                    del self._slow[next(iter(self._slow))]
                self._slow[key] = None
            self._end_transaction()
            return None
        if tables is not None and self._version != tables:
            raise tables_changed()
        return found

    def is_quick(self, calls: Sequence[Call]) -> None:
        """A thread had these answers soon: they may be asked of the event loop again. May be called in any thread."""
        self._slow.pop(_key(calls), None)

    def _end_transaction(self) -> None:
        # The end of a transaction is a statement, which may have been broken off, too. If it stayed open, all that
        # follows would be shown the records of now.
        self._end = math.inf
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def _compiles(self, *_about: object) -> int:
        # SQLite compiles a statement anew when the tables have changed. As long as it compiles none, they have not, and
        # need not be asked for their version, which takes as long as a record by its id.
        self._version = None
        return sqlite3.SQLITE_OK

    def _is_over(self) -> bool:
        return time.perf_counter() > self._end


def _key(calls: Sequence[Call]) -> str | tuple[str, ...]:
    return calls[0][0] if len(calls) == 1 else tuple(sql for sql, _ in calls)
