"""Writing to the log: in the transaction of the change, so that there is never one without the other."""

import datetime as dt
import os
from collections.abc import Sequence

from sqlalchemy import Connection, insert

from xrm_core.changes.commitments import SALT_BYTES
from xrm_core.changes.entry import Change, text
from xrm_core.storage.change_tables import CHANGE


def append(connection: Connection, changes: Sequence[Change], at: dt.datetime) -> None:
    """Keep changes, in this order.

    Args:
        connection: in the write transaction in which they were made, after their own statements: an entry's number is
            taken while the record is held, so that entries of one record are in the order of its changes.
        changes: what was changed.
        at: when, aware; the moment that the records themselves show.
    """
    if not changes:
        return
    rows = [
        {
            "at": at,
            "entity": change.entity,
            "record_id": change.record_id,
            "operation": change.operation.value,
            "version": change.version,
            "actor": change.actor,
            "causes": text(change.causes),
            "fields": text(change.fields),
            "salt": os.urandom(SALT_BYTES),
        }
        for change in changes
    ]
    connection.execute(insert(CHANGE), rows)
