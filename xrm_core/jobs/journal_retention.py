"""Old entries of the journal go, once no backup is left that could take back what they say."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select

from xrm_core.jobs.context import JobContext
from xrm_core.jobs.registry import JobHandler
from xrm_core.records.sealing import store_of
from xrm_core.sealed.errors import SealingUnavailable
from xrm_core.sealed.journal import prune_entries
from xrm_core.storage.journal_tables import JOURNAL_ENTRY, journal_mark

JOURNAL_RETENTION = "journal_retention"


def journal_retention(days: int) -> JobHandler:
    """What lets them go after so many days; 0: they stay for ever."""
    return JobHandler(JOURNAL_RETENTION, lambda job, _payload: _prune(job, days))


def _prune(job: JobContext, days: int) -> Mapping[str, Any]:
    """The newest of them stays in the data, by which it is known of a backup that it is not older than the journal."""
    before = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    old = (JOURNAL_ENTRY.c.kept_at < before, JOURNAL_ENTRY.c.written_at.is_not(None))
    with job.read() as connection:
        mark = journal_mark(connection)
        newest = connection.scalar(select(JOURNAL_ENTRY.c.id).where(*old).order_by(JOURNAL_ENTRY.c.id.desc()).limit(1))
    if not days or mark is None or newest is None:
        return {"removed": 0}
    store = store_of(job.records)
    try:
        store.require()
    except SealingUnavailable:
        return {"removed": 0, "journal": "none"}
    # The journal first: what is there and not in the data would be taken for something to be done again.
    removed = prune_entries(store, mark, newest)
    with job.transaction() as connection:
        connection.execute(delete(JOURNAL_ENTRY).where(*old, JOURNAL_ENTRY.c.id < newest))
    return {"removed": removed}
