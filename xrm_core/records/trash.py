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
    connection: Connection,
    caller: Caller,
    roots: Sequence[Gone],
    along: Sequence[Gone],
    emptied: Sequence[Change],
    now: dt.datetime,
) -> None:
    """Keep deletions: of each record that was asked for one, with those that go with it.

    Args:
        connection: in the transaction.
        caller: who deletes.
        roots: the records that were asked for.
        along: those that go with one of them, the nearest first.
        emptied: the changes of others that have lost their relation to one of all these.
        now: aware; the moment of the deletion.
    """
    if not roots:
        return
    of = {each.record["id"]: each.root or each.record["id"] for each in (*roots, *along)}
    together: dict[str, list[Gone]] = {}
    for each in (*roots, *along):
        together.setdefault(of[each.record["id"]], []).append(each)
    lost: dict[str, list[Any]] = {}
    for change in emptied:
        for field, (old, _) in change.fields.items():
            [target] = old.values() if isinstance(old, Mapping) else [old]
            lost.setdefault(of[target], []).append([change.entity, change.record_id, field, old])
    rows: list[dict[str, Any]] = []
    files: list[dict[str, Any]] = []
    types = {each.kind.name: _types(each.kind) for each in {id(one.kind): one for one in (*roots, *along)}.values()}
    for root, gone in together.items():
        _add(rows, files, caller, gone, types, lost.get(root), now)
    # Ids that somebody has given a second time: who had them before cannot come back any more.
    again = TRASH.c.entity == bindparam("kind"), TRASH.c.record_id == bindparam("id")
    connection.execute(delete(TRASH).where(*again), [{"kind": row["entity"], "id": row["record_id"]} for row in rows])
    connection.execute(insert(TRASH), rows)
    if files:
        connection.execute(insert(TRASH_FILE), files)


def _add(
    rows: list[dict[str, Any]],
    files: list[dict[str, Any]],
    caller: Caller,
    gone: Sequence[Gone],
    types: Mapping[str, Mapping[str, tuple[str, bool]]],
    lost: list[Any] | None,
    now: dt.datetime,
) -> None:
    deletion = str(uuid7())
    for place, each in enumerate(gone):
        key = {"entity": each.kind.name, "record_id": each.record["id"]}
        stamped = {**each.record, "version": each.record["version"] + 1}
        stamped |= {"updated_at": instant_text(now), "updated_by": caller.actor}
        kept = {
            "record": _by_type(each.kind, types[each.kind.name], stamped),
            "lost": None if place or lost is None else _json(lost),
        }
        rows.append({**key, "deletion": deletion, "place": place, "deleted_at": now, **kept})
        mine = {each.record[field.name] for field in each.kind.fields.values() if field.type is FieldType.FILE}
        files += [{**key, "file_id": file} for file in sorted(mine - {None})]


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


def kept_of(kind: Entity, record: Record) -> dict[str, dict[str, Any]]:
    """A record as it is kept, in JSON types: what :func:`record_of` takes."""
    return _by_type(kind, _types(kind), record)


def values_of(kind: Entity, kept: Mapping[str, Mapping[str, Any]]) -> Record:
    """Of a record of which only some fields were kept these, by the names that they have now."""
    record, new = record_of(kind, kept)
    stored = (field for field in kind.all_fields() if not field.virtual and field.name not in new)
    return {field.name: record[field.name] for field in stored}


def _types(kind: Entity) -> dict[str, tuple[str, bool]]:
    """Column → what the trash calls its type, and whether that is a duration."""
    types = {column: column_type(field, column) for field in kind.all_fields() for column in field.columns}
    return {column: (type_name(type_), isinstance(type_, Seconds)) for column, type_ in types.items()}


def _by_type(kind: Entity, types: Mapping[str, tuple[str, bool]], record: Record) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for column, value in to_columns(kind, record).items():
        name, lasts = types[column]
        if isinstance(value, Decimal):
            value = format(value, "f")
        elif lasts and value is not None:
            value = duration_seconds(value)
        found.setdefault(name, {})[column] = value
    return found


def _value(kind: str, value: Any) -> Any:
    return duration_text(value) if kind == type_name(Seconds()) and value is not None else value


def _json(lost: list[Any]) -> str:
    return json.dumps(lost, separators=(",", ":"))
