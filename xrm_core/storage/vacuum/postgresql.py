"""PostgreSQL: tables and their indexes are written anew, then the log of changes (WAL) is written over.

``VACUUM (FULL)`` leaves rows that a transaction which began before may still see, so those are waited for. Segments of
the log are recycled with what is in them, so the log is gone through until each of them was written over.
"""

import re
import time
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from xrm_core.storage.engines import Database
from xrm_core.storage.vacuum.result import Vacuumed

_TABLES = text(
    "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'm') ORDER BY 1"
)
_SAMPLES = ("pg_catalog.pg_statistic", "pg_catalog.pg_statistic_ext_data")
"""They hold values: the most frequent ones of each column."""

_SIZE = text(
    "SELECT COALESCE(SUM(pg_total_relation_size(c.oid)), 0) FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'm')"
)
_EARLIER = text(
    "SELECT pid FROM pg_stat_activity, CAST(CAST(:now AS text) AS xid) AS now "
    "WHERE COALESCE(datname, current_database()) = current_database() AND pid <> pg_backend_pid() "
    "AND (age(backend_xmin) > age(now) OR age(backend_xid) > age(now)) "
    "UNION ALL SELECT 0 FROM pg_replication_slots WHERE age(xmin) > age(CAST(CAST(:now AS text) AS xid)) "
    "UNION ALL SELECT 0 FROM pg_prepared_xacts WHERE age(transaction) > age(CAST(CAST(:now AS text) AS xid))"
)
_NO_RIGHT, _IN_USE = "42501", ("55P03", "40P01")
_SEGMENT = re.compile("[0-9A-F]{24}")
_PAUSE_SECONDS = 0.05


def vacuum_postgresql(database: Database, wait: float) -> Vacuumed:
    """See :func:`~xrm_core.storage.vacuum.vacuum`."""
    done = Vacuumed()
    try:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"SET lock_timeout = {int(wait * 1000)}"))
            try:
                done.before = connection.scalar(_SIZE)
                _wait_for_earlier(connection, wait, done)
                _rewrite(connection, done)
                _overwrite_log(connection, done)
                done.after = connection.scalar(_SIZE)
            finally:
                connection.invalidate()  # its limit of time for locks is not that of others
    except DBAPIError as error:
        raise database.understood(error) or error from error
    return done


def _wait_for_earlier(connection: Connection, wait: float, done: Vacuumed) -> None:
    now = connection.scalar(text("SELECT CAST(txid_current() % 4294967296 AS text)"))
    until = time.monotonic() + wait
    while earlier := connection.scalars(_EARLIER, {"now": now}).all():
        if time.monotonic() > until:
            who = ", ".join(f"process {pid}" if pid else "a slot or a prepared transaction" for pid in sorted(earlier))
            done.leave(f"Rows that transactions from before may still see stay in the files ({who}).", "Run it again.")
            return
        time.sleep(_PAUSE_SECONDS)


def _rewrite(connection: Connection, done: Vacuumed) -> None:
    tables = connection.scalars(_TABLES).all()
    for name in tables:
        if _tried(connection, f"VACUUM (FULL, ANALYZE) {name}", done, name, "Run it as the owner of the table."):
            done.tables += 1
    for name in _SAMPLES:
        _tried(connection, f"VACUUM (FULL) {name}", done, name, "Run it as the owner of the database.")


def _overwrite_log(connection: Connection, done: Vacuumed) -> None:
    right = "Grant pg_checkpoint, pg_monitor and EXECUTE on pg_switch_wal() to the user, or run it as a superuser."
    try:
        last = _next_segment(connection)
        connection.execute(text("CHECKPOINT"))
        for _ in list(_segments(connection)):
            _next_segment(connection)
        connection.execute(text("CHECKPOINT"))
        kept = sum(each[8:] <= last[8:] for each in _segments(connection))
    except DBAPIError as error:
        if _state(error) != _NO_RIGHT:
            raise
        done.leave("PostgreSQL's log of changes (WAL) may hold former values.", right)
        return
    if kept:
        says = f"{kept} segments of PostgreSQL's log of changes (WAL) are kept for standbys, slots or the archive."
        done.leave(says, "Run it again once they have been read; see wal_keep_size and pg_replication_slots.")


def _next_segment(connection: Connection) -> str:
    """Go on to another segment, the rest of this one is filled with zeros; the name of this one."""
    connection.execute(text("SELECT pg_logical_emit_message(false, 'xrm', '')"))  # an empty one is not left
    return str(connection.scalar(text("SELECT pg_walfile_name(pg_switch_wal())")))


def _segments(connection: Connection) -> Iterator[str]:
    names = connection.scalars(text("SELECT name FROM pg_ls_waldir()"))
    return (name for name in names if _SEGMENT.fullmatch(name))


def _tried(connection: Connection, statement: str, done: Vacuumed, name: str, remedy: str) -> bool:
    """Whether it was done; what is in the way is told. PostgreSQL skips what one has no right to with a warning."""
    file = text("SELECT pg_relation_filenode(CAST(:name AS regclass))")
    before = connection.scalar(file, {"name": name})
    try:
        connection.execute(text(statement))
    except DBAPIError as error:
        if _state(error) not in _IN_USE:
            raise
        done.leave(f"{name} was not written anew: somebody uses it.", "Run it again.")
        return False
    if connection.scalar(file, {"name": name}) == before:
        done.leave(f"{name} was not written anew: the user has no right to that.", remedy)
        return False
    return True


def _state(error: DBAPIError) -> Any:
    return getattr(error.orig, "sqlstate", None)
