"""What a webhook is told of a change: a CloudEvent with the record as its role sees it now."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from xrm_core.changes.entry import Operation
from xrm_core.changes.reading import LoggedChange
from xrm_core.errors import BadQuery, Forbidden
from xrm_core.events.webhooks import Wanted, condition, shown_fields
from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.predicate import All, Compare, Literal_, Op, Predicate
from xrm_core.metadata.types import FieldType
from xrm_core.permissions.access import Permission
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import Action
from xrm_core.query import request
from xrm_core.query.connection import connection as list_json
from xrm_core.query.context import context_values
from xrm_core.query.request import FileValue, Item, MoneyValue, Nodes, ToOne, TypeName, Value
from xrm_core.query.scan import Scope
from xrm_core.records.feed.deciding import decided
from xrm_core.records.feed.former import present, states, visible
from xrm_core.storage.change_tables import CHANGE

_FILE: tuple[Any, ...] = (("id", "id"), ("name", "name"), ("mediaType", "media_type"), ("size", "size"))
_MONEY = (("amount", "amount"), ("currency", "currency"))
_ALWAYS = ("id", "version")
_MAKES = (Operation.CREATE, Operation.RESTORE)


@dataclass(frozen=True)
class Seer:
    """With whose rights a webhook sees: a caller with one role, and what statements are compiled for."""

    scope: Scope
    caller: User


def event_of(entry: LoggedChange) -> str:
    """The id of the event that an entry is; a repeat has the same."""
    return f"{entry.record_id}:{entry.version}"


def message(
    connection: Connection, seer: Seer, wanted: Wanted, entry: LoggedChange, tenant: str
) -> Mapping[str, Any] | None:
    """The event, or None if it is not for the webhook.

    Args:
        connection: of one snapshot.
        seer: with whose rights.
        wanted: what the webhook wants.
        entry: the change.
        tenant: its name; empty for the main database.
    """
    kind = seer.scope.model.entities.get(entry.entity)
    permission = None if kind is None else seer.caller.access.get(entry.entity, Action.READ)
    if kind is None or permission is None:
        return None
    names = shown_fields(permission.fields, kind, wanted)
    items = [name for name in dict.fromkeys((*_ALWAYS, *names)) if name in permission.fields]
    try:
        filter_ = condition(seer.scope.model, kind, wanted)
        record = _record(connection, seer, kind, items, filter_, entry.record_id)
    except (BadQuery, Forbidden):  # the model or the role is another one now, so nothing may be shown
        return None
    operation = entry.operation
    if record is None:
        if operation in _MAKES or not _was_seen(connection, seer, kind, permission, filter_, entry):
            return None
        operation = "delete" if operation == Operation.DELETE else "remove"
    if wanted.operations and ("delete" if operation == "remove" else operation) not in wanted.operations:
        return None
    changed = [name for name in names if name in entry.fields] if operation == Operation.UPDATE else None
    if (
        changed == []
        and "version" not in permission.fields
        and _was_seen(connection, seer, kind, permission, filter_, entry)
    ):
        return None  # nothing has changed that the role could notice
    return {
        "specversion": "1.0",
        "id": event_of(entry),
        "source": f"urn:xrm:{tenant or 'main'}",
        "type": f"{entry.entity}.{operation}d" if operation != "delete" else f"{entry.entity}.deleted",
        "subject": entry.record_id,
        "time": entry.at,
        "datacontenttype": "application/json",
        "data": {
            "entity": entry.entity,
            "id": entry.record_id,
            "version": entry.version,
            **({} if changed is None else {"changed": changed}),
            "record": record,
        },
    }


def _record(
    connection: Connection, seer: Seer, kind: Entity, names: list[str], filter_: Predicate, id_: str
) -> Mapping[str, Any] | None:
    """The record as it is now, if the role sees it and the filter holds for it."""
    mine = All((Compare("id", Op.EQ, Literal_(id_)), filter_))
    items = (*(_item(kind[name]) for name in names), *(() if names else (TypeName("entity", kind.name),)))
    asked = request.Connection(kind.name, mine, (), request.Page(Literal_(1)), (Nodes("nodes", items),))
    json_ = seer.scope.json.text(list_json(seer.scope, asked))
    found = connection.execute(select(json_), dict(context_values(seer.caller))).scalar()
    nodes = json.loads(found or "{}").get("nodes") or [None]
    return nodes[0]  # type: ignore[no-any-return]


def _item(field: Field) -> Item:
    name = field.name
    if field.relation is not None:
        targets = field.relation.targets
        kinds: tuple[Item, ...] = (Value("id", "id"),)
        return ToOne(name, name, {each: (TypeName("entity", each), *kinds) for each in targets})
    if field.type is FieldType.MONEY:
        return MoneyValue(name, name, _MONEY)
    if field.type is FieldType.FILE:
        return FileValue(name, name, _FILE)
    return Value(name, name)


def _was_seen(
    connection: Connection,
    seer: Seer,
    kind: Entity,
    permission: Permission,
    filter_: Predicate,
    entry: LoggedChange,
) -> bool:
    """Whether the role has seen the record before the change, as far as the record's own values tell."""
    rule = decided(kind, All((permission.rule, filter_)), seer.caller)
    asked = decided(kind, filter_, seer.caller).fields
    if any(name not in _ALWAYS and not _always_shown(permission, name) for name in asked):
        return False  # a filter says nothing of what the role may not see
    later = select(CHANGE).where(CHANGE.c.record_id == entry.record_id, CHANGE.c.id >= entry.id).order_by(CHANGE.c.id)
    entries = connection.execute(later).all()
    now = present(connection, seer.scope, kind, [entry.record_id]).get(entry.record_id)
    if now is None and entry.operation != Operation.DELETE:
        return False  # that it is deleted is told in its turn
    *_, before = (None, *states(entry.record_id, entries, now, rule.fields))
    return before is not None and bool(visible(connection, seer.scope, seer.caller, kind, rule.predicate, [before]))


def _always_shown(permission: Permission, name: str) -> bool:
    return name in permission.field_rules and permission.field_rules[name] is None


def body(event: Mapping[str, Any]) -> bytes:
    """An event as it is sent."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
