"""What somebody is told whose change comes too late: the version that the record has now, and what of it they may read.

That is read as everything is read: by the caller's rights, on this record, without what a mask would hide. So nothing
is told that a query would not tell, and nothing can be found out by guessing values.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from xrm_core.errors import VersionConflict
from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.types import FieldType
from xrm_core.permissions.caller import Caller, System
from xrm_core.permissions.policy import Action
from xrm_core.query.predicates import scan
from xrm_core.query.reads import Read, is_logged
from xrm_core.query.scan import Scope
from xrm_core.records.read_log import Reads
from xrm_core.records.rights import context, readable
from xrm_core.records.stored import Record, canonical, targets_of, value_of
from xrm_core.records.wording import noun
from xrm_core.translation import say


class RecordChanged(VersionConflict):
    """A conflict that shows the record as it is now; ``reads`` is what of that is to be logged as read."""

    reads: Reads = ()


def version_conflict(
    connection: Connection,
    scope: Scope,
    caller: Caller,
    entity: Entity,
    before: Mapping[str, Any],
    version: int,
    changes: Mapping[str, Any],
) -> RecordChanged:
    """The error for a change of a record that has another version by now.

    Args:
        connection: in the transaction that holds the record.
        scope: of the caller's rights.
        caller: who wants to change it, and may.
        entity: whose record it is.
        before: the record as it is stored.
        version: the one that the caller has read.
        changes: what they would have written, in its canonical form; empty for a deletion.
    """
    details: dict[str, Any] = {"currentVersion": before["version"]}
    current = _current(connection, scope, caller, entity, before["id"])
    if current is not None:
        details["current"] = {name: _json(entity[name], value) for name, value in current.items()}
        written = {name: value for name, value in changes.items() if name in current}
        details["differing"] = [name for name, value in written.items() if _other(value, current[name])]
    error = RecordChanged(
        say(
            "The {entity} was changed since you read it: it has version {current}, not {version}.",
            entity=noun(entity),
            current=before["version"],
            version=version,
        ),
        hint=say("Read it again, look at what changed, and repeat your change with its version."),
        details=details,
    )
    if current is not None and is_logged(entity, set(current)):
        error.reads = [(Read(entity.name, tuple(sorted(current))), [before["id"]])]
    return error


def _current(connection: Connection, scope: Scope, caller: Caller, entity: Entity, id_: str) -> Record | None:
    """The fields of the record that the caller may read without a mask, empty where they may not on this record."""
    if isinstance(caller, System) or not caller.access.may(entity.name, Action.READ):
        return None
    fields = [
        field
        for field in entity.all_fields()
        if not field.virtual and caller.access.readable_in_full(entity.name, field.name)
    ]
    found = scan(scope, entity)
    columns = [found.column(field, column).label(column) for field in fields for column in field.columns]
    query = select(*columns).where(found.source.c.id == id_)
    if found.rule is not None:
        query = query.where(found.rule)
    row = connection.execute(query, context(caller)).mappings().first()
    if row is None:
        return None
    current = canonical(entity, {field.name: value_of(field, dict(row)) for field in fields})
    for field in fields:
        for target, other in targets_of(field, current[field.name]):
            kind = scope.model[target]
            if not (caller.access.may(target, Action.READ) and readable(connection, scope, caller, kind, other)):
                current[field.name] = None
    return current


def _other(value: Any, current: Any) -> bool:
    """Whether a value is not the one that is there; an empty text or set is not the same as none."""
    return bool(_compared(value) != _compared(current))


def _compared(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _json(field: Field, value: Any) -> Any:
    """A value as answers have it: what has more digits than a number of JSON keeps is a text."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return {name: _json(field.parts.get(name, field), part) for name, part in value.items()}
    if isinstance(value, int) and field.type is FieldType.BIG_INTEGER:
        return str(value)
    return list(value) if isinstance(value, tuple) else value
