"""Database URL → engine and transactions. SQLite embedded, PostgreSQL in production, the same face for both."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from xrm_core.errors import DatabaseUnavailable, SettingsError

SQLITE_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000", "cache_size=-65536")
"""FULL: an acknowledged write survives a power cut."""


class Database:
    """One database. Blocking: call it from a worker thread, never from the event loop.

    Args:
        url: a SQLAlchemy URL; ``sqlite:///path`` or ``postgresql://…`` (driver psycopg).
    """

    def __init__(self, url: str) -> None:
        self.url = _parse(url)
        self.engine = _engine(self.url)

    @property
    def dialect(self) -> Dialect:
        """SQLAlchemy's dialect; ``dialect.name`` is ``sqlite`` or ``postgresql``."""
        return self.engine.dialect

    @property
    def is_sqlite(self) -> bool:
        """True for the embedded database."""
        return self.dialect.name == "sqlite"

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A write transaction: commits at the end of the block, rolls back if it raises."""
        try:
            with self.engine.connect() as connection, connection.begin():
                yield connection
        except OperationalError as error:
            raise self.unavailable(error) from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads; it is always rolled back."""
        try:
            with self.engine.connect() as connection:
                if self.is_sqlite:
                    connection = connection.execution_options(xrm_read_only=True)
                yield connection
                connection.rollback()
        except OperationalError as error:
            raise self.unavailable(error) from error

    def check(self) -> None:
        """Raise :class:`~xrm_core.errors.DatabaseUnavailable` if the database does not answer."""
        with self.read() as connection:
            connection.exec_driver_sql("SELECT 1")

    def unavailable(self, error: DBAPIError) -> DatabaseUnavailable:
        """The error for a database that does not answer; it names the place, never the password."""
        return DatabaseUnavailable(
            f"The database {self.url.render_as_string(hide_password=True)} cannot be used.",
            hint="Check --database (or XRM_DATABASE_URL), that the server runs and that the user may connect.",
        )

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgres", "postgresql"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() not in ("sqlite", "postgresql"):
            raise SettingsError(
                f"The database kind {parsed.get_backend_name()!r} is not supported.",
                hint="Use sqlite:///path/to/file.db or postgresql://user@host/database.",
            )
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise SettingsError(
            "The database URL cannot be read.",
            hint="It looks like sqlite:///path/to/file.db or postgresql://user@host/database.",
        ) from error
    return parsed


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        if url.database:
            Path(url.database).expanduser().parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, hide_parameters=True, connect_args={"check_same_thread": False})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=10,
        connect_args={"options": "-c timezone=UTC -c lock_timeout=10s"},
    )


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin event below decides, not the driver
    for pragma in SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A write that begins as a read fails at once with "database is locked" when another writer commits between.
    read_only = connection.get_execution_options().get("xrm_read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
