"""What is done is kept where no restore takes it back: by a job, so that what was rolled back leaves no trace there."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from weakref import WeakSet

from sqlalchemy import Connection, insert, select, update
from uuid_utils import uuid7

from xrm_core.jobs.context import JobContext
from xrm_core.jobs.enqueue import enqueue
from xrm_core.jobs.registry import JobHandler
from xrm_core.records.sealing import store_of
from xrm_core.sealed.errors import SealingUnavailable
from xrm_core.sealed.journal import JournalEntry, known_mark, write_entries
from xrm_core.storage.journal_tables import ELSEWHERE, JOURNAL_ENTRY

NAME = "write_journal"
_ATTEMPTS = 30
"""With an hour between the later ones, a key store may be away for a day."""

_AT_ONCE = 100
_under_way: ContextVar[str | None] = ContextVar("journal_under_way", default=None)
_asked: "WeakSet[Any]" = WeakSet()
"""Transactions, or parts of them that can be taken back alone, in which the job is enqueued: one writes all."""


def keep_beyond_restore(connection: Connection, kind: str, content: Mapping[str, Any]) -> str:
    """Have something done again if a restore takes it back: whoever registers the kind is given the content then.

    Args:
        connection: in the write transaction that does it; if that is rolled back, nothing is kept.
        kind: of a ``Replay`` that the plugin registers.
        content: JSON: ids, names of fields, reasons. No personal data, but sealed: it outlives what it is about.

    Returns:
        The id of the entry. While something is done again that is its own: nothing more is kept then.
    """
    again = _under_way.get()
    if again is not None:
        return again
    id_, now = str(uuid7()), dt.datetime.now(dt.UTC)
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    connection.execute(insert(JOURNAL_ENTRY).values(id=id_, kind=kind, content=text, kept_at=now, written_at=None))
    part = connection.get_nested_transaction() or connection.get_transaction()
    if part not in _asked:
        enqueue(connection, NAME, {"entry": id_})
        _asked.add(part)
    return id_


@contextmanager
def doing_again(entry: str) -> Iterator[None]:
    """What is done within is in the journal already, as this entry."""
    token = _under_way.set(entry)
    try:
        yield
    finally:
        _under_way.reset(token)


def writing() -> JobHandler:
    """What writes it."""
    return JobHandler(NAME, _write, attempts=_ATTEMPTS)


def _write(job: JobContext, _payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write all that is not there yet: also what was done while there was no key store."""
    store = store_of(job.records)
    try:
        store.require()
    except SealingUnavailable:
        return {"entries": 0, "journal": "none"}  # the doctor says what that means
    with job.transaction() as connection:
        mark = known_mark(connection, store)
    missing = select(JOURNAL_ENTRY).where(JOURNAL_ENTRY.c.written_at.is_(None)).order_by(JOURNAL_ENTRY.c.id)
    count = 0
    while True:
        with job.read() as connection:
            rows = connection.execute(missing.limit(_AT_ONCE)).all()
        if not rows:
            return {"entries": count}
        write_entries(store, mark, [JournalEntry(row.id, row.kind, row.content, row.kept_at) for row in rows])
        done = JOURNAL_ENTRY.c.id.in_([row.id for row in rows])
        with job.transaction() as connection:
            # what was done is known by its id from now on; what it was is for the journal alone
            there = {"written_at": dt.datetime.now(dt.UTC), "content": ELSEWHERE}
            connection.execute(update(JOURNAL_ENTRY).where(done).values(there))
        count += len(rows)
