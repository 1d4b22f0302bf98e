"""SQLite: the file is written anew without its free pages, and the write-ahead log is emptied."""

import sqlite3
from pathlib import Path
from typing import Any

from xrm_core.storage.engines import Database
from xrm_core.storage.vacuum.result import Vacuumed

_INDEXES = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%USING fts5%'"


def vacuum_sqlite(database: Database, wait: float) -> Vacuumed:
    """See :func:`~xrm_core.storage.vacuum.vacuum`."""
    done = Vacuumed(before=_size(database))
    raw = database.engine.raw_connection()
    try:
        driver: Any = raw.driver_connection
        [[usual]] = driver.execute("PRAGMA busy_timeout").fetchall()
        driver.execute(f"PRAGMA busy_timeout={int(wait * 1000)}")
        try:
            # An index of words notes deletions and keeps what was deleted, until its parts are merged.
            for (name,) in driver.execute(_INDEXES).fetchall():
                driver.execute(f'INSERT INTO "{name}" ("{name}") VALUES (\'optimize\')')
            driver.execute("VACUUM")
            [[busy, *_]] = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            raise database.understood(error) or error from error
        finally:
            driver.execute(f"PRAGMA busy_timeout={usual}")
        [[done.tables]] = driver.execute("SELECT COUNT(*) FROM sqlite_master WHERE type = 'table'").fetchall()
    finally:
        raw.close()
    if busy:
        done.leave("The write-ahead log could not be emptied: somebody reads the database.", "Run it again.")
    done.after = _size(database)
    return done


def _size(database: Database) -> int:
    path = Path(database.url.database or "")
    return sum(each.stat().st_size for each in (path, Path(f"{path}-wal")) if each.exists())
