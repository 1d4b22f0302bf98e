"""What is kept of a deletion: the record, those that went with it, and the relations to them that it has emptied."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert
from uuid_utils import uuid7

from xrm_core.changes.entry import Change
from xrm_core.metadata.clock import duration_seconds, duration_text, instant_text
from xrm_core.metadata.model import Entity
from xrm_core.metadata.types import FieldType
from xrm_core.permissions.caller import Caller
from xrm_core.query.trash import columns_then
from xrm_core.records.going_along import Gone
from xrm_core.records.stored import Record, canonical, from_row, to_columns
from xrm_core.storage.columns import Seconds, column_type
from xrm_core.storage.trash_tables import TRASH, TRASH_FILE, type_name


def put(
    connection: Connection, caller: Caller, gone: Sequence[Gone], emptied: Sequence[Change], now: dt.datetime
) -> None:
    """Keep a deletion.

    Args:
        connection: in its transaction.
        caller: who deletes.
        gone: the record that was asked for, then those that go with it; as they were stored.
        emptied: the changes of others that have lost their relation to one of them.
        now: aware; the moment of the deletion.
    """
    deletion, rows, files = str(uuid7()), [], []
    for place, each in enumerate(gone):
        key = {"entity": each.kind.name, "record_id": each.record["id"]}
        stamped = {**each.record, "version": each.record["version"] + 1}
        stamped |= {"updated_at": instant_text(now), "updated_by": caller.actor}
        kept = {"record": _by_type(each.kind, stamped), "lost": None if place else _lost(emptied)}
        rows.append({**key, "deletion": deletion, "place": place, "deleted_at": now, **kept})
        mine = {each.record[field.name] for field in each.kind.fields.values() if field.type is FieldType.FILE}
        files += [{**key, "file_id": file} for file in sorted(mine - {None})]
    # Ids that somebody has given a second time: who had them before cannot come back any more.
    again = TRASH.c.entity == bindparam("kind"), TRASH.c.record_id == bindparam("id")
    connection.execute(delete(TRASH).where(*again), [{"kind": row["entity"], "id": row["record_id"]} for row in rows])
    connection.execute(insert(TRASH), rows)
    if files:
        connection.execute(insert(TRASH_FILE), files)


def record_of(kind: Entity, kept: Mapping[str, Mapping[str, Any]]) -> tuple[Record, frozenset[str]]:
    """A record out of the trash, and the names of the fields that the entity has got since.

    Fields that the entity no longer has are left out. A value of another type is taken as it is, for validation to
    say whether it is one of this.
    """
    by_column = {name: (kind_, value) for kind_, values in kept.items() for name, value in values.items()}
    row: dict[str, Any] = {}
    new = []
    for field in kind.all_fields():
        known = False
        for names in columns_then(field):
            found = next((by_column[name] for name in names if name in by_column), None)
            known = known or found is not None
            row[names[0]] = None if found is None else _value(*found)
        if not known and not field.virtual:
            new.append(field.name)
    return canonical(kind, from_row(kind, row)), frozenset(new)


def _by_type(kind: Entity, record: Record) -> dict[str, dict[str, Any]]:
    types = {
        column: column_type(field, column)
        for field in kind.all_fields()
        if not field.virtual
        for column in field.columns
    }
    found: dict[str, dict[str, Any]] = {}
    for column, value in to_columns(kind, record).items():
        type_ = types[column]
        if isinstance(value, Decimal):
            value = format(value, "f")
        elif isinstance(type_, Seconds) and value is not None:
            value = duration_seconds(value)
        found.setdefault(type_name(type_), {})[column] = value
    return found


def _value(kind: str, value: Any) -> Any:
    return duration_text(value) if kind == type_name(Seconds()) and value is not None else value


def _lost(emptied: Sequence[Change]) -> str | None:
    lost = [[each.entity, each.record_id, field, pair[0]] for each in emptied for field, pair in each.fields.items()]
    return json.dumps(lost, separators=(",", ":")) if lost else None
