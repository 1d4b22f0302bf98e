"""Work on all records of a table on PostgreSQL in short transactions, while others read and write."""

import time
from collections.abc import Callable

from sqlalchemy import ColumnElement, Connection, FromClause, Table, and_, select, true

from xrm_core.storage.exclusive import Turn

_BATCH = 2_000  # records of one transaction: some ten milliseconds
_PAUSE_SHARE = 0.5  # of the time that a batch took, for those who have waited for its records
_PASSES = 100
_PASS_PAUSE_SECONDS = 0.2  # for writers who hold what was skipped

Batch = Callable[[Connection, str | None], str | None]
"""Does the records after an id, as many as :func:`end_of_batch` says; returns the last one's id, None at the end.

It leaves records that others hold to them or to the next pass: whoever waits for nobody is in no deadlock.
"""


def in_batches(turn: Turn, batch: Batch, left: ColumnElement[bool], after: str | None = None) -> None:
    """Do all records, the first time from the one after ``after`` on, until nothing is ``left``.

    Raises:
        SchemaChangeRefused: some records stay locked by others.
    """
    for _ in range(_PASSES):
        _pass(turn, batch, after)
        after = None
        if not turn.patiently(lambda connection: connection.scalar(select(left))):
            return
        time.sleep(_PASS_PAUSE_SECONDS)
    raise turn.tables_in_use()


def end_of_batch(connection: Connection, table: Table, after: str | None) -> str | None:
    """Id of the last record of the batch that comes after one; None if there is no record after it."""
    ids = select(table.c.id).where(beyond(table, after)).order_by(table.c.id).limit(_BATCH).subquery()
    last = connection.scalar(select(ids.c.id).order_by(ids.c.id.desc()).limit(1))
    return None if last is None else str(last)


def beyond(table: FromClause, after: str | None, last: str | None = None) -> ColumnElement[bool]:
    """The condition of records after one id, up to another."""
    bounds = [] if after is None else [table.c.id > after]
    bounds += [] if last is None else [table.c.id <= last]
    return and_(true(), *bounds)


def _pass(turn: Turn, batch: Batch, after: str | None) -> None:
    while True:
        began = time.monotonic()
        after = turn.patiently(lambda connection, after=after: batch(connection, after))  # type: ignore[misc]
        if after is None:
            return
        time.sleep((time.monotonic() - began) * _PAUSE_SHARE)
