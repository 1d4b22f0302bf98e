"""Running compiled read statements: each gives one row of one column, JSON text, which goes out as bytes.

All statements of one document read one snapshot of the database. Readers belong to one event loop.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any, Protocol

import psycopg
from sqlalchemy import Connection, Dialect
from sqlalchemy.dialects.postgresql.asyncpg import dialect as numbered_dialect
from sqlalchemy.exc import DBAPIError

from xrm_core.errors import DatabaseUnavailable, QueryTooLarge, XrmError
from xrm_core.storage.driver_calls import rows
from xrm_core.storage.engines import Database, does_not_fit, tables_changed, timed_out
from xrm_core.telemetry.pool_use import PoolUse

Call = tuple[str, tuple[Any, ...]]
"""SQL text and the values for its placeholders."""

ANEW = "/* planned anew */ "
"""Statements that begin with it are planned for their values each time, not once for all (PostgreSQL)."""


class Reader(Protocol):
    """Answers read statements without blocking the event loop."""

    dialect: Dialect
    """Statements are compiled for this."""

    def at_once(self, calls: Sequence[Call], tables: int | None = None) -> list[bytes | None] | None:
        """What :meth:`fetch` gives, if it can be had without waiting for anybody; None: fetch it.

        Args:
            calls: the statements.
            tables: as there.

        Raises:
            TablesChanged: as there.
        """

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

    def use(self) -> PoolUse:
        """How many connections there are at the moment."""

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
        else:
            row = next(iter(rows(connection, sql, values, prepares=not sql.startswith(ANEW))), None)
    except sqlite3.OperationalError as error:
        raise (understood(error, timeout) or error) from error
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.QueryCanceled):
            raise timed_out(timeout) from error
        raise
    return None if row is None or row[0] is None else str(row[0]).encode()


_TOO_DEEP = ("parser stack overflow", "Expression tree is too large")


def understood(error: sqlite3.OperationalError, timeout: float) -> XrmError | None:
    """What a failed read says to its caller, if it is no mistake of ours."""
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
