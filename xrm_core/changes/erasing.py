"""Erasing values from the log. What was committed to them stays, so that the chain still verifies."""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, select, update

from xrm_core.changes.commitments import ACTOR, CAUSES, Stored, erased
from xrm_core.changes.entry import Operation, text
from xrm_core.changes.sealing import stored
from xrm_core.storage.change_tables import CHANGE

_AT_ONCE = 500
_AUTHOR = "created_by"


def erase_record(connection: Connection, record_id: str, fields: Iterable[str] | None = None) -> int:
    """Erase the values of a record from all its entries; answers from how many.

    Entity, id, operation, version and moment of each change stay, and which fields it was about.

    Args:
        connection: in a write transaction.
        record_id: whose values.
        fields: names of fields; None: all, and who has changed them and why.
    """
    names = None if fields is None else frozenset(fields)
    after, count = 0, 0
    while True:
        query = select(CHANGE).where(CHANGE.c.record_id == record_id, CHANGE.c.id > after)
        rows = connection.execute(query.order_by(CHANGE.c.id).limit(_AT_ONCE).with_for_update()).all()
        for row in rows:
            entry = stored(row, row.position or 0)
            present = frozenset(entry.values()) | entry.closed().keys()
            gone = present if names is None else names & present
            if gone:
                connection.execute(update(CHANGE).where(CHANGE.c.id == row.id).values(without(entry, gone)))
                count += 1
        if len(rows) < _AT_ONCE:
            return count
        after = rows[-1].id


def erase_actor(connection: Connection, actor: str) -> int:
    """Erase who it was from all changes that somebody has made, and from what deletions say of the authors of records.

    Answers from how many entries. Values of records, such as their owners, are those of the records: see
    :func:`erase_record`.
    """
    count = 0
    # Held from the moment when they are read: else what somebody erases in between would be written back.
    query = select(CHANGE).where(CHANGE.c.actor == actor).order_by(CHANGE.c.id).limit(_AT_ONCE).with_for_update()
    while rows := connection.execute(query).all():
        for row in rows:
            _erase_author(connection, row, actor)
        count += len(rows)
    # Whether a deletion names the author of the record, only its text says, in the one form that it has.
    named = CHANGE.c.fields.contains(text({_AUTHOR: actor})[1:-1], autoescape=True)
    deletions = select(CHANGE).where(CHANGE.c.operation == Operation.DELETE.value, named).order_by(CHANGE.c.id)
    after = 0
    while rows := connection.execute(deletions.where(CHANGE.c.id > after).limit(_AT_ONCE).with_for_update()).all():
        count += sum(_erase_author(connection, row, actor) for row in rows)
        after = rows[-1].id
    return count


def _erase_author(connection: Connection, row: Row[Any], actor: str) -> bool:
    """Erase somebody as the author of a change, or of the record that it has deleted; answers whether they were."""
    entry = stored(row, row.position or 0)
    gone = {ACTOR, CAUSES} if entry.actor == actor else set()
    gone |= {_AUTHOR} if entry.values().get(_AUTHOR) == actor else set()
    if gone:
        connection.execute(update(CHANGE).where(CHANGE.c.id == row.id).values(without(entry, frozenset(gone))))
    return bool(gone)


def without(entry: Stored, names: frozenset[str]) -> dict[str, object]:
    """The columns of an entry that has lost values, which verifies as before."""
    fields = {name: value for name, value in json.loads(entry.fields).items() if name not in names}
    return {
        "fields": text(fields),
        "actor": None if ACTOR in names else entry.actor,
        "causes": "[]" if CAUSES in names else entry.causes,
        "salt": None,
        "erased": erased(entry, names),
    }
