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

STEPS = 500
"""Instructions of SQLite's machine between two looks at the clock: some tens of microseconds."""

MAX_SLOW = 2_000
"""Documents that are remembered as slow; of more, the oldest are tried anew."""


def answers(connection: sqlite3.Connection, calls: Sequence[Call], tables: int | None) -> list[bytes | None]:
    """Run the statements of a document on one snapshot.

    Args:
        connection: with ``text_factory`` bytes.
        calls: the statements.
        tables: the version of the tables that they were made for, if it is to be held.

    Raises:
        TablesChanged: the version is another one.
        sqlite3.Error: a statement failed.
    """
    if len(calls) == 1:
        found = [_one(connection, calls[0])]
    else:
        connection.execute("BEGIN")
        try:
            found = [_one(connection, call) for call in calls]
        finally:
            connection.execute("ROLLBACK")
    # The version only goes up: if it is not newer now, it was not when the statements ran. Without this, a
    # decimal whose scale has just changed would be shown a hundred times too large.
    if tables is not None and connection.execute("PRAGMA schema_version").fetchone()[0] != tables:
        raise tables_changed()
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
        self._connection = connection
        self._seconds = seconds
        self._end = 0.0
        self._slow: dict[str | tuple[str, ...], None] = {}
        connection.execute("PRAGMA busy_timeout=0")
        connection.set_progress_handler(self._is_over, STEPS)

    def fetch(self, calls: Sequence[Call], tables: int | None) -> list[bytes | None] | None:
        """The answers as of :func:`answers`; None: ask in a thread, which also says what is wrong.

        Raises:
            TablesChanged: as there.
        """
        key = _key(calls)
        if key in self._slow:
            return None
        self._end = time.perf_counter() + self._seconds
        try:
            return answers(self._connection, calls, tables)
        except sqlite3.OperationalError:
            if self._is_over():
                if len(self._slow) >= MAX_SLOW:
                    del self._slow[next(iter(self._slow))]
                self._slow[key] = None
            self._end_transaction()
            return None

    def is_quick(self, calls: Sequence[Call]) -> None:
        """A thread had these answers soon: they may be asked of the event loop again. May be called in any thread."""
        self._slow.pop(_key(calls), None)

    def _end_transaction(self) -> None:
        # The end of a transaction is a statement, which may have been broken off, too. If it stayed open, all that
        # follows would be shown the records of now.
        self._end = math.inf
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _is_over(self) -> bool:
        return time.perf_counter() > self._end


def _key(calls: Sequence[Call]) -> str | tuple[str, ...]:
    return calls[0][0] if len(calls) == 1 else tuple(sql for sql, _ in calls)
