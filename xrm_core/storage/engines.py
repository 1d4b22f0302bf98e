"""Database URL → engine and transactions. SQLite embedded, PostgreSQL in production, the same face for both."""

import re
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import structlog
from sqlalchemy import Connection, Dialect, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from xrm_core.errors import (
    Busy,
    DatabaseOverloaded,
    DatabaseUnavailable,
    Overloaded,
    SettingsError,
    TablesChanged,
    Timeout,
    XrmError,
)
from xrm_core.storage import folding, liveness, mask_hash, matching, periods, phone
from xrm_core.storage.beginning import begin, begin_reading
from xrm_core.storage.driver_calls import changed, listened_to
from xrm_core.storage.driver_statements import Ahead
from xrm_core.storage.one_writer import DEADLINES, STOP_AGAIN_SECONDS, WAIT_SECONDS, OneWriter
from xrm_core.storage.prepared_steps import Text, is_stale
from xrm_core.storage.reserved_words import quote_all_reserved_words
from xrm_core.storage.sqlite_file import FileOpener
from xrm_core.telemetry.pool_use import PoolUse
from xrm_core.translation import say

SQLITE_PRAGMAS = (
    f"busy_timeout={WAIT_SECONDS * 1000}",
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "cache_size=-16384",
)
"""FULL: an acknowledged write survives a power cut."""

POOL_WAIT_SECONDS = 10
"""How long somebody waits for a connection that others have."""

_log = structlog.get_logger(__name__)

_BUSY_TRIES, _BUSY_PAUSE_SECONDS = 250, 0.02


SCHEMA = "schema"
"""Query parameter of a PostgreSQL URL: the schema in which its connections work."""

_SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")

POSTGRES_CONNECTION = {"connect_timeout": 10, "keepalives_idle": 30, "tcp_user_timeout": 40_000}
"""A server that vanished without a word is noticed: seconds, seconds, milliseconds. A URL may say otherwise."""

_NONE_PREPARED = {"prepare_threshold": None}
"""By psycopg itself: after a rollback it would drop all that are prepared, those of ``driver_calls`` among them."""

_BUSY = frozenset({"40001", "40P01", "55P03"})  # serialization failure, deadlock, lock not available
_CANCELLED, _NO_MEMORY, _NO_ROOM = "57014", "53200", "53100"
_NO_SERVER = frozenset({"08", "28", "3D", "53", "57"})  # connection, login, no such database, resources, shut down
_OTHER_TABLES = frozenset({"42P01", "42703", "42804", "42883", "42846", "42P18", "22P02"})
# No such table or column; a column of another type, seen at a comparison, function, cast, placeholder or value.
_NO_COLUMN = ("no such column", "no such table", "has no column named")
_NO_FILE = ("unable to open", "disk", "readonly", "not a database", "malformed", "is full")

_TENANT = "xrm_tenant"


def tenant_of(connection: Connection) -> str:
    """The name of the tenant whose database a connection leads to; empty for the main database."""
    return str(connection.get_execution_options().get(_TENANT, ""))


class Database:
    """One database. Blocking: call it from a worker thread, never from the event loop.

    Args:
        url: a SQLAlchemy URL; ``sqlite:///path`` or ``postgresql://…`` (driver psycopg). ``?schema=name`` at the end of
            the latter makes all connections work in that schema of the database.
        pool: connections that are kept open (PostgreSQL).
        tenant: whose it is, for :func:`tenant_of`; empty: it is the main database, or nobody asks.
        makes: whether an SQLite file that is not there is made. That of a tenant is made when the tenant is: whoever
            serves one that was removed just now must not leave an empty file at its place.
    """

    def __init__(self, url: str, pool: int = 10, tenant: str = "", *, makes: bool = True) -> None:
        parsed = _parse(url)
        schema = parsed.query.get(SCHEMA)
        self.url = parsed.difference_update_query([SCHEMA])
        self.schema = schema if isinstance(schema, str) else None
        self.pool = pool
        self.engine = _engine(self.url, pool, self.options, makes=makes)
        self.engine.update_execution_options(**{_TENANT: tenant})
        self._closed = False
        event.listen(self.engine, "checkin", self._come_back)
        self._writer = OneWriter(self.engine) if self.is_sqlite else None

    @property
    def options(self) -> str:
        """Options that every connection to PostgreSQL begins with."""
        path = f" -c search_path={self.schema}" if self.schema else ""
        return f"-c timezone=UTC{path}"

    @property
    def dialect(self) -> Dialect:
        """SQLAlchemy's dialect; ``dialect.name`` is ``sqlite`` or ``postgresql``."""
        return self.engine.dialect

    @property
    def is_sqlite(self) -> bool:
        """True for the embedded database."""
        return self.dialect.name == "sqlite"

    @contextmanager
    def begin(self, timeout: float | None = None, ahead: Ahead | None = None) -> Iterator[Connection]:
        """A write transaction: commits at the end of the block, rolls back if it raises.

        Args:
            timeout: seconds that a statement may take (on SQLite: that all of them together may take).
            ahead: statements that are to be run first.

        Raises:
            DatabaseUnavailable: the database does not answer.
            Busy: other writers got in the way.
            Timeout: it took too long.
        """
        if self._writer is not None:
            try:
                with self._writer.begin(timeout, ahead) as connection:
                    yield connection
            except (DBAPIError, NoConnection) as error:
                if (told := self._told(error, timeout)) is None:
                    raise
                raise told from error
            return
        with self._errors(timeout), self.engine.connect() as connection, connection.begin():
            if timeout is not None:
                begin(connection, _limit(timeout), ahead)
            elif ahead is not None:
                ahead.run(connection)
            yield connection

    @contextmanager
    def read(self, timeout: float | None = None) -> Iterator[Connection]:
        """A transaction that only reads, from one snapshot; it is always rolled back. Raises as :meth:`begin`."""
        options: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        if self.is_sqlite:
            options = {"xrm_read_only": True}
        with self._errors(timeout), self.engine.connect() as connection:
            connection = connection.execution_options(**options)
            with self._limited(connection, timeout):
                yield connection
            connection.rollback()

    @contextmanager
    def _limited(self, connection: Connection, timeout: float | None) -> Iterator[None]:
        if timeout is None:
            yield
        elif self.is_sqlite:
            driver: Any = connection.connection.driver_connection
            with DEADLINES.within(timeout, driver.interrupt, STOP_AGAIN_SECONDS):
                yield
        else:
            begin_reading(connection, _limit(timeout))
            yield

    @contextmanager
    def _errors(self, timeout: float | None) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, NoConnection) as error:
            if (told := self._told(error, timeout)) is None:
                raise
            raise told from error

    def _told(self, error: DBAPIError | NoConnection, timeout: float | None) -> XrmError | None:
        """What is raised instead of an error of SQLAlchemy; None: itself."""
        return no_connection() if isinstance(error, NoConnection) else self.understood(error, timeout)

    def understood(self, error: BaseException, timeout: float | None = None) -> XrmError | None:
        """An error of SQLAlchemy or a driver in words of ours; None if it is not one that callers can do about."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        state, text = getattr(cause, "sqlstate", None), str(cause)
        locked = isinstance(cause, sqlite3.OperationalError) and "locked" in text
        interrupted = isinstance(cause, sqlite3.OperationalError) and "interrupted" in text
        if state in _BUSY or locked or is_stale(cause):
            return Busy(say("Another change got in the way; nothing was done."), hint=say("Try again."))
        if state == _NO_MEMORY:
            return overloaded()
        if state == _CANCELLED or interrupted:
            return timed_out(timeout or 0)
        if does_not_fit(state, text if isinstance(cause, sqlite3.OperationalError) else ""):
            return tables_changed(state)
        if state == _NO_ROOM or (isinstance(cause, sqlite3.OperationalError) and "is full" in text):
            return self.full()
        if isinstance(cause, sqlite3.OperationalError | sqlite3.DatabaseError) and any(w in text for w in _NO_FILE):
            return self.unavailable()
        if isinstance(cause, psycopg.ProgrammingError) and state is None:
            return SettingsError("The options in the database URL are not those of PostgreSQL.", hint="Remove them.")
        if isinstance(cause, psycopg.OperationalError) and (state is None or state[:2] in _NO_SERVER):
            return self.unavailable()
        return None

    def check(self) -> None:
        """Raise :class:`~xrm_core.errors.DatabaseUnavailable` if the database does not answer."""
        with self.read() as connection:
            connection.exec_driver_sql("SELECT 1")

    def unavailable(self) -> DatabaseUnavailable:
        """The error for a database that does not answer; it names the place, never the password."""
        return DatabaseUnavailable(
            f"The database {self.url.render_as_string(hide_password=True)} cannot be used.",
            hint="Check --database (or XRM_DATABASE_URL), that the server runs and that the user may connect.",
        )

    def full(self) -> DatabaseUnavailable:
        """The error for a database that has no room for what is written; the log says so, too."""
        _log.error("database_disk_full", database=self.url.render_as_string(hide_password=True))
        return DatabaseUnavailable(
            f"The disk of the database {self.url.render_as_string(hide_password=True)} is full; nothing was done.",
            hint="Make room there; nothing has to be started again.",
        )

    def use(self) -> PoolUse:
        """How many connections for writes there are at the moment."""
        pool = self.engine.pool
        if not isinstance(pool, QueuePool):
            return PoolUse(0, 0, 0)
        busy = pool.checkedout() - (self._writer.kept if self._writer is not None else 0)
        return PoolUse(pool.checkedin() + pool.checkedout(), busy, 0)

    def close(self) -> None:
        """Give all connections back; those in use, when they come back."""
        self._closed = True
        if self._writer is not None:
            self._writer.close()
        self.engine.dispose()

    def _come_back(self, _connection: Any, entry: ConnectionPoolEntry) -> None:
        if self._closed:  # the pool that it came from is gone
            entry.invalidate()


def _limit(seconds: float) -> str:
    return f"SET LOCAL statement_timeout = {milliseconds(seconds)}"


def milliseconds(seconds: float) -> int:
    """A limit as PostgreSQL takes it, for which 0 is none."""
    return min(max(1, round(seconds * 1000)), 2**31 - 1)


def timed_out(seconds: float) -> Timeout:
    """The error for a statement that took too long."""
    return Timeout(
        say("The query took longer than {seconds} seconds and was stopped.", seconds=f"{seconds:g}"),
        hint=say("Ask for less: a smaller page, fewer levels, or a filter on an indexed field."),
    )


def overloaded() -> DatabaseOverloaded:
    """The error for a database without memory, mostly for locks: a statement needs one for each table and index."""
    return DatabaseOverloaded(
        say("The database has no memory left for this; nothing was done."),
        hint=say("Try again in a moment. An operator can raise max_locks_per_transaction of PostgreSQL."),
    )


def no_connection() -> Overloaded:
    """The error for who has waited in vain for a connection to the database."""
    return Overloaded("All connections to the database are in use; nothing was done.", hint="Try again in a moment.")


def does_not_fit(state: str | None, text: str = "") -> bool:
    """Whether an error says that tables are not as the statement takes them to be.

    Args:
        state: PostgreSQL's SQLSTATE, or None.
        text: SQLite's message, or nothing.
    """
    return state in _OTHER_TABLES or any(words in text for words in _NO_COLUMN)


def tables_changed(state: str | None = None) -> TablesChanged:
    """The error for a statement that does not fit the tables."""
    return TablesChanged(
        "The tables in the database are not those of the model.",
        hint="Look at «xrm schema check --database».",
        details={"sqlstate": state} if state else None,
    )


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgres", "postgresql"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
            raise SettingsError(
                f"The database kind {parsed.drivername!r} is not supported.",
                hint="Use sqlite:///path/to/file.db or postgresql://user@host/database.",
            )
        if SCHEMA in parsed.query and not _SCHEMA_NAME.fullmatch(str(parsed.query[SCHEMA])):
            raise SettingsError("The schema in the database URL is not a name.", hint="It has only a-z, 0-9 and _.")
        if parsed.get_backend_name() == "sqlite":
            if not parsed.database or parsed.database == ":memory:" or parsed.query:
                raise SettingsError(
                    "SQLite needs a file, and no options after it.", hint="It looks like sqlite:///path/to/file.db."
                )
            parsed = parsed.set(database=str(Path(parsed.database).expanduser()))
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise SettingsError(
            "The database URL cannot be read.",
            hint="It looks like sqlite:///path/to/file.db or postgresql://user@host/database.",
        ) from error
    return parsed


def is_missing(url: str) -> bool:
    """Whether the URL names an SQLite file that is not there.

    Raises:
        SettingsError: the URL cannot be used.
    """
    parsed = _parse(url)
    return parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists()


def with_schema(url: URL, schema: str) -> str:
    """The text of a URL of a database whose connections work in a schema of it."""
    return url.update_query_dict({SCHEMA: schema}).render_as_string(hide_password=False)


def _engine(url: URL, pool: int, options: str, *, makes: bool) -> Engine:
    quote_all_reserved_words()
    if url.get_backend_name() == "sqlite":
        file = Path(url.database or "")
        if makes:
            _make_folder(file.parent)
        opener = FileOpener(file, makes=makes)
        engine = create_engine(url, hide_parameters=True, pool_timeout=POOL_WAIT_SECONDS, creator=opener)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    connection = {name: value for name, value in POSTGRES_CONNECTION.items() if name not in url.query}
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=pool,
        pool_timeout=POOL_WAIT_SECONDS,
        use_native_hstore=False,  # no column is one, and to look for the type takes as long as to connect
        connect_args={**connection, **_NONE_PREPARED, "options": f"{options} -c lock_timeout=10s"},
    )
    event.listen(engine, "checkout", liveness.look)
    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUnavailable(
            f"The folder {folder} for the database cannot be made.",
            hint="Name another one by --database or XRM_DATA_DIR.",
        ) from error


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin event below decides, not the driver
    try:
        set_pragmas(connection, SQLITE_PRAGMAS)
        folding.teach(connection)
        periods.teach(connection)
        phone.teach(connection)
        matching.teach(connection)
        mask_hash.teach(connection)
    except sqlite3.DatabaseError as error:
        connection.close()
        if error.sqlite_errorcode != sqlite3.SQLITE_NOTADB:
            raise
        raise DatabaseUnavailable(
            "The file is not an SQLite database.", hint="Check --database (or XRM_DATABASE_URL)."
        ) from error


def set_pragmas(connection: sqlite3.Connection, pragmas: Iterable[str]) -> None:
    """Throw the switches of a connection. OperationalError if the file stays locked for five seconds."""
    for pragma in pragmas:
        for attempt in range(1, _BUSY_TRIES + 1):
            try:
                connection.execute(f"PRAGMA {pragma}")
                break
            except sqlite3.OperationalError as error:
                # The change of a new file to WAL does not wait as busy_timeout says: two who open it at once collide.
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or attempt == _BUSY_TRIES:
                    raise
                time.sleep(_BUSY_PAUSE_SECONDS)


_BEGIN, _BEGIN_IMMEDIATE = Text("BEGIN", 0), Text("BEGIN IMMEDIATE", 0)


def _begin_sqlite(connection: Connection) -> None:
    # A write that begins as a read fails at once with "database is locked" when another writer commits between.
    read_only = connection.get_execution_options().get("xrm_read_only", False)
    if listened_to(connection):
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
    else:
        changed(connection, _BEGIN if read_only else _BEGIN_IMMEDIATE, ())
