"""Values of the log that are elsewhere for a time.

As with erased ones their commitments stay, so that the chain verifies; and it does when they are back, since they come
back with their salts.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from xrm_core.changes.erasing import without
from xrm_core.changes.sealing import stored
from xrm_core.storage.change_tables import CHANGE

_AT_ONCE = 500


def take_out(connection: Connection, record_id: str, fields: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """Take values of a record out of all its entries; who has changed them and why stays.

    Args:
        connection: in a write transaction.
        record_id: whose values.
        fields: names of fields; None: all.

    Returns:
        What :func:`put_back` takes: JSON values, one for each entry.
    """
    names = None if fields is None else frozenset(fields)
    taken: list[dict[str, Any]] = []
    after = 0
    while True:
        query = select(CHANGE).where(CHANGE.c.record_id == record_id, CHANGE.c.id > after)
        rows = connection.execute(query.order_by(CHANGE.c.id).limit(_AT_ONCE).with_for_update()).all()
        for row in rows:
            entry = stored(row, row.position or 0)
            present = frozenset(json.loads(row.fields))
            gone = present if names is None else names & present
            if gone:
                left = without(entry, gone)
                connection.execute(update(CHANGE).where(CHANGE.c.id == row.id).values(left))
                salt = None if row.salt is None else bytes(row.salt).hex()
                kept = {"id": row.id, "fields": row.fields, "salt": salt, "erased": row.erased}
                taken.append({**kept, "left": left["erased"]})
        if len(rows) < _AT_ONCE:
            return taken
        after = rows[-1].id


def put_back(connection: Connection, taken: Sequence[Mapping[str, Any]]) -> int:
    """Put values back where they were taken out; answers to how many entries.

    An entry that is gone, or that has lost more since, stays as it is.
    """
    count = 0
    for each in taken:
        salt = None if each["salt"] is None else bytes.fromhex(each["salt"])
        values = {"fields": each["fields"], "salt": salt, "erased": each["erased"]}
        unchanged = CHANGE.c.id == each["id"], CHANGE.c.erased == each["left"]
        count += connection.execute(update(CHANGE).where(*unchanged).values(values)).rowcount
    return count
