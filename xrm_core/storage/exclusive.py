"""One transaction for changes to tables: one process at a time, foreign keys unchecked until its end on SQLite."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, text

from xrm_core.errors import SchemaChangeRefused
from xrm_core.storage.engines import SQLITE_PRAGMAS, Database

_ADVISORY_LOCK = 0x78726D01  # «xrm» 1: any number that nobody else takes
_WAIT_SECONDS = 60  # for another applier
_LOCK_TIMEOUT = "2s"  # for a table in use: whoever waits for it holds up all who come after


@contextmanager
def exclusive(database: Database) -> Iterator[Connection]:
    """A write transaction that only one process has at a time; others wait up to a minute for their turn.

    Raises:
        OperationalError: the database does not answer or stays locked.
        SchemaChangeRefused: references would point to nothing at the end (SQLite).
    """
    open_transaction = _sqlite if database.is_sqlite else _postgresql
    with open_transaction(database) as connection:
        yield connection


@contextmanager
def _postgresql(database: Database) -> Iterator[Connection]:
    with database.engine.connect() as connection, connection.begin():
        connection.execute(text(f"SET LOCAL lock_timeout = '{_WAIT_SECONDS}s'"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
        connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
        yield connection


@contextmanager
def _sqlite(database: Database) -> Iterator[Connection]:
    # SQLite's procedure for changing tables (lang_altertable.html, section 7): the switch works outside of
    # transactions only, so it is thrown on the driver's connection before SQLAlchemy begins one.
    with database.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA foreign_keys=OFF")
        driver.execute(f"PRAGMA busy_timeout={_WAIT_SECONDS * 1000}")
        try:
            with connection.begin():
                yield connection
                dangling = connection.execute(text("PRAGMA foreign_key_check")).all()
                if dangling:
                    tables = ", ".join(sorted({row[0] for row in dangling}))
                    raise SchemaChangeRefused(
                        f"{len(dangling)} references in {tables} would point to nothing.",
                        hint="Nothing was changed. Mend or delete these records first.",
                    )
        finally:
            for pragma in SQLITE_PRAGMAS:
                driver.execute(f"PRAGMA {pragma}")
