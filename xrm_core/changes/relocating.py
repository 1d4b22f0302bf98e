"""Values of the log that are elsewhere for a time.

As with erased ones their commitments stay, so that the chain verifies; and it does when they are back, since they come
back with their salts.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, select, update

from xrm_core.changes.commitments import ACTOR, Stored
from xrm_core.changes.entry import text
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

    What others have taken out of the same entries meanwhile stays there. An entry that is gone, or was erased since,
    stays as it is.
    """
    count = 0
    for each in taken:
        row = connection.execute(select(CHANGE).where(CHANGE.c.id == each["id"]).with_for_update()).first()
        back = None if row is None else _filled(stored(row, row.position or 0), each)
        if back is not None:
            connection.execute(update(CHANGE).where(CHANGE.c.id == each["id"]).values(back))
            count += 1
    return count


def _filled(entry: Stored, taken: Mapping[str, Any]) -> dict[str, object] | None:
    """The columns of an entry that has its values again; None: it was erased since."""
    salt = None if taken["salt"] is None else bytes.fromhex(taken["salt"])
    before = replace(entry, fields=taken["fields"], salt=salt, erased=taken["erased"])
    if entry.erased == taken["left"]:
        return {"fields": before.fields, "salt": salt, "erased": before.erased}
    left = json.loads(taken["left"])
    gone = entry.gone()
    if ACTOR in gone and not {name for name in left["salts"] if not name.startswith("$")} - gone.keys():
        return None
    known = json.loads(before.fields)
    back = known.keys() & gone.keys() & left["commitments"].keys()
    # The salt of the whole entry would also open what is still elsewhere: each value has its own again.
    closed = {name: value for name, value in before.closed().items() if name in back}
    salts = {**entry.salts(entry.values()), **_salts(before, known, back - closed.keys())}
    commitments = {name: value.hex() for name, value in gone.items() if name not in back}
    fields = {**json.loads(entry.fields), **{name: known[name] for name in back}}
    erased: dict[str, Any] = {
        "commitments": commitments,
        "salts": {name: value.hex() for name, value in salts.items()},
    }
    if closed := {**entry.closed(), **closed}:
        erased["closed"] = {name: value.hex() for name, value in closed.items()}
    return {"fields": text(fields), "salt": None, "erased": text(erased)}


def _salts(before: Stored, known: Iterable[str], names: Iterable[str]) -> dict[str, bytes]:
    salts = before.salts([name for name in known if name not in before.closed()])
    return {name: salts[name] for name in names}
