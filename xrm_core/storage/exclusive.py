"""The right to change tables: one process at a time has it, and waits for busy tables only so long that nobody minds.

On PostgreSQL it is an advisory lock of the session on whose connection all the work is done: whoever loses the
connection loses the right and cannot go on by accident. On SQLite it is the write transaction itself.
"""

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import DDLElement

from xrm_core.errors import SchemaChangeRefused, SettingsError
from xrm_core.storage.engines import SQLITE_PRAGMAS, Database

_ADVISORY_LOCK = 0x78726D01  # «xrm» 1: any number that nobody else takes
_TURN_SECONDS = 60  # for another applier
_POLL_SECONDS = 0.2
_LOCK_MILLISECONDS = 300  # for a table in use: whoever waits for it holds up all who come after
_PATIENCE_SECONDS = 60  # for a table in use, all attempts together
_PAUSE_SECONDS = (0.1, 2.0)  # between attempts, so that those who wait behind us get their turn: first, longest
_QUIET_SECONDS = 600  # for transactions that are older than an index: waiting for them holds up nobody
_Result = TypeVar("_Result")
_IN_USE = frozenset({"55P03", "40P01", "57014"})  # lock_timeout, deadlock, statement_timeout


class TablesInUse(SchemaChangeRefused):
    """Others do not let go of a table. What was made ahead waits for the next attempt; other refusals take it away."""


class Turn:
    """The right to change tables. All transactions of a turn run on one connection, which holds the right."""

    def __init__(self, database: Database, connection: Connection) -> None:
        self._database = database
        self._connection = connection

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One write transaction. It gives up on a table that is in use for longer than a blink (PostgreSQL).

        Raises:
            SchemaChangeRefused: references would point to nothing at the end (SQLite).
            OperationalError: see :func:`in_use`.
        """
        if self._database.is_sqlite:
            with _unchecked_references(self._connection):
                yield self._connection
            return
        with self._connection.begin():
            self._connection.execute(text(f"SET LOCAL lock_timeout = {_LOCK_MILLISECONDS}"))
            yield self._connection

    def ahead(self, work: Callable[[Connection], _Result]) -> _Result:
        """Do ``work``, which only reads, in one snapshot that holds up nobody (SQLite)."""
        self._connection.execution_options(xrm_read_only=True)
        try:
            with self._connection.begin():
                return work(self._connection)
        finally:
            self._connection.execution_options(xrm_read_only=False)

    def patiently(self, work: Callable[[Connection], _Result]) -> _Result:
        """Do ``work`` in a transaction, again and again while tables are in use, for a minute.

        Raises:
            TablesInUse: for longer.
        """
        until, pause = time.monotonic() + _PATIENCE_SECONDS, _PAUSE_SECONDS[0]
        while True:
            try:
                with self.transaction() as connection:
                    return work(connection)
            except OperationalError as error:
                if not in_use(error):
                    raise
                if time.monotonic() > until:
                    raise self.tables_in_use() from error
            time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311
            pause = min(pause * 2, _PAUSE_SECONDS[1])

    def concurrently(self, statement: DDLElement) -> None:
        """Run a statement that wants no transaction around it, such as CREATE INDEX CONCURRENTLY (PostgreSQL).

        It waits for all transactions that are older, up to ten minutes; others read and write meanwhile.

        Raises:
            TablesInUse: an older transaction does not end.
        """
        default = self._connection.default_isolation_level
        self._connection.execution_options(isolation_level="AUTOCOMMIT")
        try:
            with self._connection.begin():
                run(self._connection, f"SET lock_timeout = '{_QUIET_SECONDS}s'")
                self._connection.execute(statement)
                run(self._connection, "RESET lock_timeout")
        except OperationalError as error:
            if in_use(error):
                raise self.tables_in_use() from error
            raise
        finally:
            if not self._connection.invalidated:
                self._connection.execution_options(isolation_level=default)

    def tables_in_use(self) -> TablesInUse:
        """The error for a table that others do not let go of."""
        hint = "Nothing was changed. Look for transactions that stay open, then apply again."
        if not self._database.is_sqlite:
            hint += " What was prepared is kept: see «xrm schema status»."
        return TablesInUse("The tables are in use by other transactions for too long.", hint=hint)


def run(connection: Connection, statement: str) -> None:
    """Run one statement of plain SQL: no placeholder, no escape of ``%`` or ``:``."""
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def in_use(error: OperationalError) -> bool:
    """Whether a statement failed because others hold what it needs: trying again may help."""
    if getattr(error.orig, "sqlstate", None) in _IN_USE:
        return True
    return getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY


@contextmanager
def exclusive(database: Database) -> Iterator[Turn]:
    """Wait up to a minute for the right to change tables, and hold it.

    Raises:
        OperationalError: the database does not answer.
        SchemaChangeRefused: another process has the right for longer.
        SettingsError: the schema that the database's URL names is not there.
    """
    with database.engine.connect() as connection:
        if database.is_sqlite:
            yield Turn(database, connection)
            return
        try:
            _wait_for_turn(connection)
            yield Turn(database, connection)
        finally:
            connection.invalidate()  # closed, not pooled: the session's lock and settings go with it


def somebody_has_the_turn(connection: Connection) -> bool:
    """Whether a process is changing tables now (PostgreSQL)."""
    if connection.dialect.name == "sqlite":
        return False
    held = text(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = :kind "
        "AND objid = hashtext(current_schema())::bigint & 4294967295 "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
    )
    return bool(connection.scalar(held, {"kind": _ADVISORY_LOCK}))


def _wait_for_turn(connection: Connection) -> None:
    if connection.scalar(text("SELECT current_schema()")) is None:
        raise SettingsError(
            f"The database has no schema {connection.scalar(text('SHOW search_path'))} for this user.",
            hint="Make it, or give the right to use it, or take another one in the URL of the database.",
        )
    connection.rollback()
    # Asked again and again, not waited for: a waiting statement would hold up CREATE INDEX CONCURRENTLY of the other.
    asked = text(f"SELECT pg_try_advisory_lock({_ADVISORY_LOCK}, hashtext(current_schema()))")
    until = time.monotonic() + _TURN_SECONDS
    while True:
        with connection.begin():
            connection.execute(text("SET statement_timeout = 0"))
            if connection.scalar(asked):
                return
        if time.monotonic() > until:
            raise SchemaChangeRefused(
                "Another process is changing the tables of this database.",
                hint="Nothing was changed. Wait for it to end: «xrm schema status» shows how far it is.",
            )
        time.sleep(_POLL_SECONDS)


@contextmanager
def _unchecked_references(connection: Connection) -> Iterator[None]:
    # SQLite's procedure for changing tables (lang_altertable.html, section 7): the switch works outside of
    # transactions only, so it is thrown on the driver's connection before SQLAlchemy begins one.
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys=OFF")
    driver.execute(f"PRAGMA busy_timeout={_TURN_SECONDS * 1000}")
    try:
        with connection.begin():
            yield
            dangling = connection.execute(text("PRAGMA foreign_key_check")).all()
            if dangling:
                tables = ", ".join(sorted({row[0] for row in dangling}))
                raise SchemaChangeRefused(
                    f"{len(dangling)} references in {tables} would point to nothing.",
                    hint="Nothing was changed. Mend or delete these records first.",
                )
    finally:
        # A connection in whose statement somebody pressed Ctrl-C is closed.
        for pragma in () if connection.invalidated else SQLITE_PRAGMAS:
            driver.execute(f"PRAGMA {pragma}")
