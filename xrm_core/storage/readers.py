"""Running compiled read statements: each gives one row of one column, JSON text, which goes out as bytes.

All statements of one document read one snapshot of the database. Readers belong to one event loop.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import psycopg
from sqlalchemy import Connection, Dialect
from sqlalchemy.dialects.postgresql.asyncpg import dialect as numbered_dialect

from xrm_core.errors import DatabaseUnavailable, QueryTooLarge, XrmError
from xrm_core.storage import folding, matching, periods, phone
from xrm_core.storage.engines import (
    SQLITE_PRAGMAS,
    Database,
    does_not_fit,
    set_pragmas,
    tables_changed,
    timed_out,
)

Call = tuple[str, tuple[Any, ...]]
"""SQL text and the values for its placeholders."""

ANEW = "/* planned anew */ "
"""Statements that begin with it are planned for their values each time, not once for all (PostgreSQL)."""

SQLITE_THREADS = 4


class Reader(Protocol):
    """Answers read statements without blocking the event loop."""

    dialect: Dialect
    """Statements are compiled for this."""

    async def fetch(
        self,
        calls: Sequence[Call],
        tables: int | None = None,
        seconds: float | None = None,
        *,
        wide: bool = False,
    ) -> list[bytes | None]:
        """The answer of each statement, all from one snapshot.

        Args:
            calls: the statements.
            tables: the :func:`~xrm_core.storage.applied.tables_version` that they were made for, if it is to be held.
            seconds: that a statement may take (on SQLite: all of them together), if not as long as any other.
            wide: they may look into a hundred tables or more; a reader asks PostgreSQL for one such list at a time.

        Raises:
            TablesChanged: a statement does not fit the tables, or their version is another one.
            Timeout: a statement took longer than the limit.
            DatabaseUnavailable: the database does not answer.
            DatabaseOverloaded: it has no memory left.
        """

    async def close(self) -> None:
        """Give all connections back."""


def read_dialect(database: Database) -> Dialect:
    """The dialect for read statements: SQLite's own, or PostgreSQL with numbered placeholders (``$1``)."""
    return statement_dialect(database.dialect)


def statement_dialect(dialect: Dialect) -> Dialect:
    """The same for the dialect of a database."""
    return dialect if dialect.name == "sqlite" else numbered_dialect()  # type: ignore[no-untyped-call]


def fetch_in(connection: Connection, call: Call, timeout: float) -> bytes | None:
    """Run a read statement inside an open transaction (blocking): for answers to mutations.

    Args:
        connection: whose transaction has this limit.
        call: the statement with its values.
        timeout: the limit in seconds, for the message.

    Raises:
        Timeout: the transaction's limit was reached.
        QueryTooLarge: the statement nests too deep for SQLite.
    """
    sql, values = call
    driver = connection.connection.driver_connection
    try:
        if isinstance(driver, sqlite3.Connection):
            row = driver.execute(sql, values).fetchone()
        elif isinstance(driver, psycopg.Connection):
            with psycopg.RawCursor(driver) as cursor:
                row = cursor.execute(sql.encode(), values, prepare=False if sql.startswith(ANEW) else None).fetchone()
        else:
            raise TypeError(f"unknown driver {type(driver)}")
    except sqlite3.OperationalError as error:
        raise (_understood(error, timeout) or error) from error
    except psycopg.errors.QueryCanceled as error:
        raise timed_out(timeout) from error
    return None if row is None or row[0] is None else str(row[0]).encode()


class SqliteReader:
    """One read-only connection per thread; a thread hop per document, none per statement.

    Args:
        database: an SQLite database.
        timeout: seconds that a document may take.
    """

    def __init__(self, database: Database, timeout: float) -> None:
        self.dialect = database.dialect
        self._path = database.url.database or ""
        self._timeout = timeout
        self._threads = ThreadPoolExecutor(SQLITE_THREADS, thread_name_prefix="xrm-read")
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []

    async def fetch(
        self,
        calls: Sequence[Call],
        tables: int | None = None,
        seconds: float | None = None,
        *,
        wide: bool = False,  # noqa: ARG002
    ) -> list[bytes | None]:
        """See :class:`Reader`."""
        loop = asyncio.get_running_loop()
        job = _Job(seconds or self._timeout)
        limit = loop.call_later(job.seconds, job.stop)
        try:
            return await loop.run_in_executor(self._threads, self._fetch, calls, job, tables)
        except asyncio.CancelledError:
            job.stop()
            raise
        finally:
            limit.cancel()

    def _fetch(self, calls: Sequence[Call], job: "_Job", tables: int | None) -> list[bytes | None]:
        try:
            connection = self._connection()
            job.begin(connection)
            try:
                found = self._answers(connection, calls)
                # The version only goes up: if it is not newer now, it was not when the statements ran. Without this, a
                # decimal whose scale has just changed would be shown a hundred times too large.
                if tables is not None and connection.execute("PRAGMA schema_version").fetchone()[0] != tables:
                    raise tables_changed()
            finally:
                job.end()
        except sqlite3.OperationalError as error:
            raise (_understood(error, job.seconds) or error) from error
        return found

    def _answers(self, connection: sqlite3.Connection, calls: Sequence[Call]) -> list[bytes | None]:
        if len(calls) == 1:
            return [self._one(connection, calls[0])]
        connection.execute("BEGIN")
        try:
            return [self._one(connection, call) for call in calls]
        finally:
            connection.execute("ROLLBACK")

    @staticmethod
    def _one(connection: sqlite3.Connection, call: Call) -> bytes | None:
        row = connection.execute(*call).fetchone()
        return None if row is None or row[0] is None else row[0].encode()

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, cached_statements=512)
            set_pragmas(found, (*SQLITE_PRAGMAS, "query_only=ON", "mmap_size=268435456"))
            folding.teach(found)
            periods.teach(found)
            phone.teach(found)
            matching.teach(found)
            self._local.connection = found
            self._opened.append(found)
        return found

    async def close(self) -> None:
        """See :class:`Reader`."""
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)
        for connection in self._opened:
            connection.close()


class _Job:
    """One document's use of a connection. It can be stopped at any moment, also while it waits for a thread."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._stopped = False

    def begin(self, connection: sqlite3.Connection) -> None:
        """Take a connection; OperationalError if the job was stopped before."""
        with self._lock:
            if self._stopped:
                raise sqlite3.OperationalError("interrupted")
            self._connection = connection

    def end(self) -> None:
        """Give the connection back: from now on it is another job's."""
        with self._lock:
            self._connection = None

    def stop(self) -> None:
        """End the statement that runs, and refuse those to come."""
        with self._lock:
            self._stopped = True
            if self._connection is not None:
                self._connection.interrupt()


_TOO_DEEP = ("parser stack overflow", "Expression tree is too large")


def _understood(error: sqlite3.OperationalError, timeout: float) -> XrmError | None:
    if "interrupted" in str(error):
        return timed_out(timeout)
    if any(words in str(error) for words in _TOO_DEEP):
        return QueryTooLarge(
            "The query nests deeper than this SQLite can read.",
            hint="Ask for the inner records apart; SQLite 3.46 or newer and PostgreSQL read deeper queries.",
        )
    if "integer overflow" in str(error):
        return QueryTooLarge(
            "A sum has more digits than SQLite can count.", hint="Sum fewer records; PostgreSQL has no such limit."
        )
    if does_not_fit(None, str(error)):
        return tables_changed()
    if "locked" in str(error) or "unable to open" in str(error) or "disk" in str(error):
        return DatabaseUnavailable("The database cannot be read.", hint="Check its file and the rights on it.")
    return None
