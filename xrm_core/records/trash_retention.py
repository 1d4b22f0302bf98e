"""What has been in the trash for long enough goes for good."""

import datetime as dt

from sqlalchemy import Connection, delete, select

from xrm_core.records import merged
from xrm_core.storage.trash_tables import TRASH


def remove_old(connection: Connection, before: dt.datetime, limit: int) -> int:
    """End some deletions, the oldest first; answers how many.

    Args:
        connection: in a write transaction.
        before: aware; only those from before this moment.
        limit: at most so many.
    """
    old = select(TRASH.c.deletion).where(TRASH.c.place == 0, TRASH.c.deleted_at < before)
    # One that is being restored at this moment is not waited for.
    chosen = old.order_by(TRASH.c.deleted_at).limit(limit).with_for_update(skip_locked=True)
    ids = list(connection.scalars(chosen))
    if ids:
        gone = connection.execute(select(TRASH.c.entity, TRASH.c.record_id).where(TRASH.c.deletion.in_(ids)))
        merged.end(connection, [(row.entity, str(row.record_id)) for row in gone])
        connection.execute(delete(TRASH).where(TRASH.c.deletion.in_(ids)))
    return len(ids)
