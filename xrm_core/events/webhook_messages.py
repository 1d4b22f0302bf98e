"""What a webhook is told of a change: a CloudEvent with the record as its subscriber sees it now."""

import hashlib
import hmac
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from xrm_core.changes.entry import Operation
from xrm_core.changes.reading import LoggedChange, opened
from xrm_core.errors import BadQuery, Forbidden
from xrm_core.events.webhooks import Subject
from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.predicate import EVERYTHING, All, Compare, Literal_, Op, Predicate
from xrm_core.metadata.types import FieldType
from xrm_core.permissions.access import Permission
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import Action
from xrm_core.query import request
from xrm_core.query.connection import connection as list_json
from xrm_core.query.context import context_values
from xrm_core.query.request import FileValue, Item, MoneyValue, Nodes, ToOne, TypeName, Value
from xrm_core.query.scan import Scope
from xrm_core.records.feed.backwards import Backwards
from xrm_core.records.feed.deciding import decided
from xrm_core.records.feed.former import Former, State, before, present, visible
from xrm_core.records.feed.noticing import Noticing

_FILE: tuple[Any, ...] = (("id", "id"), ("name", "name"), ("mediaType", "media_type"), ("size", "size"))
_MONEY = (("amount", "amount"), ("currency", "currency"))
_ALWAYS = ("id", "version")
_MAKES = (Operation.CREATE, Operation.RESTORE)


@dataclass(frozen=True)
class Seer:
    """With whose rights a webhook sees: a caller, and what statements are compiled for."""

    scope: Scope
    caller: User


def event_of(entry: LoggedChange, salt: str) -> str:
    """The id of the event that an entry is; a repeat has the same.

    It tells nobody the version that it is made of: whoever may not read that could count changes that they cannot see.
    """
    text = f"{entry.record_id}:{entry.version}".encode()
    return f"evt_{hmac.new(bytes.fromhex(salt), text, hashlib.sha256).hexdigest()[:32]}"


Records = Mapping[str, Mapping[str, Any]]
"""By their ids, as they are sent."""


def read(connection: Connection, seer: Seer, wanted: Subject, ids: Collection[str]) -> Records | None:
    """Some records as they are now, those that the subscriber sees and the filter holds for; None: nothing is shown.

    Args:
        connection: of one snapshot.
        seer: with whose rights.
        wanted: what the webhook wants of records of this entity.
        ids: which.
    """
    kind = seer.scope.model.entities.get(wanted.entity)
    permission = None if kind is None else seer.caller.access.get(wanted.entity, Action.READ)
    if kind is None or permission is None:
        return None
    names = dict.fromkeys((*_ALWAYS, *wanted.shown_fields(seer.scope.model, permission.fields, kind)))
    try:
        some = Compare("id", Op.IN, Literal_(tuple(sorted(set(ids)))))
        mine = All((some, wanted.condition(seer.scope.model, kind)))
        items = tuple(_item(kind[name]) for name in names if name in permission.fields)
        page = request.Page(Literal_(len(ids)))
        asked = request.Connection(kind.name, mine, (), page, (Nodes("nodes", items),))
        json_ = seer.scope.json.text(list_json(seer.scope, asked))
    except (BadQuery, Forbidden):  # the model or the policies are others now
        return None
    found = connection.execute(select(json_), dict(context_values(seer.caller))).scalar()
    return {node["id"]: node for node in json.loads(found or "{}").get("nodes") or ()}


def message(
    connection: Connection,
    seer: Seer,
    wanted: Subject,
    entry: LoggedChange,
    event: str,
    tenant: str,
    records: Records,
) -> Mapping[str, Any] | None:
    """The event, or None if it is not for the webhook.

    Args:
        connection: of the snapshot of ``records``.
        seer: with whose rights.
        wanted: what the webhook wants of records of this entity.
        entry: the change.
        event: its id.
        tenant: its name; empty for the main database.
        records: as :func:`read` has answered for this one and others.
    """
    kind, record = seer.scope.model[entry.entity], records.get(entry.record_id)
    permission = seer.caller.access.get(entry.entity, Action.READ)
    if permission is None:
        return None
    names = wanted.shown_fields(seer.scope.model, permission.fields, kind)
    filter_ = wanted.condition(seer.scope.model, kind)
    operation = entry.operation
    versions = permission.field_rules.get("version", EVERYTHING) is None
    changed = None
    if record is None:
        former = None if operation in _MAKES else _before(connection, seer, kind, permission, filter_, entry)
        if former is None or not former.seen:
            return None
        operation = "delete" if operation == Operation.DELETE else "remove"
    if wanted.operations and ("delete" if operation == "remove" else operation) not in wanted.operations:
        return None
    if operation == Operation.UPDATE:
        changed = [name for name in names if name in entry.fields]
        noticing = Noticing(connection, seer.scope, seer.caller, kind, permission)
        if not versions or any(name in noticing.rules for name in changed):
            former = _before(connection, seer, kind, permission, filter_, entry)
            changed = noticing.shown_of(entry.record_id, changed, None if former is None else former.state)
            if not changed and not versions and former is not None and former.seen:
                return None  # nothing has changed that the subscriber could notice
    return {
        "specversion": "1.0",
        "id": event,
        "source": f"urn:xrm:{tenant or 'main'}",
        "type": f"{entry.entity}.{operation}d" if operation != "delete" else f"{entry.entity}.deleted",
        "subject": entry.record_id,
        "time": entry.at,
        "datacontenttype": "application/json",
        "data": {
            "entity": entry.entity,
            "id": entry.record_id,
            **({"version": entry.version} if versions else {}),
            **({} if changed is None else {"changed": changed}),
            "record": record,
        },
    }


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


@dataclass(frozen=True)
class _Before:
    """What a record was before a change, and whether the subscriber saw it, as far as its own values tell."""

    state: State | None
    seen: bool


def _before(
    connection: Connection,
    seer: Seer,
    kind: Entity,
    permission: Permission,
    filter_: Predicate,
    entry: LoggedChange,
) -> _Before | None:
    """What was before; None: that cannot be told."""
    rule = decided(kind, All((permission.rule, filter_)), seer.caller)
    asked = decided(kind, filter_, seer.caller).fields
    told = all(name in _ALWAYS or _always_shown(permission, name) for name in asked)
    state: State | None
    if entry.operation == Operation.DELETE:
        if not told:  # a filter says nothing of what may not be seen
            return _Before(None, False)
        state = opened(connection, [entry], rule.fields)[0].fields
    else:
        state = present(connection, seer.scope, kind, [entry.record_id]).get(entry.record_id)
        if state is None:
            return None  # that it is deleted is told in its turn
        noticing = Noticing(connection, seer.scope, seer.caller, kind, permission)
        log = Backwards(connection, 0, rule.fields | noticing.looked_at)
        for entries in log.down_to(entry.record_id, entry.id):
            state = before(entries, state)[-1]
    if state is None or not told:
        return _Before(state, False)
    former = Former.of(entry.record_id, state, rule.fields)
    seen = bool(visible(connection, seer.scope, seer.caller, kind, rule.predicate, [former]))
    return _Before(state, seen)


def _always_shown(permission: Permission, name: str) -> bool:
    return name in permission.field_rules and permission.field_rules[name] is None


def body(event: Mapping[str, Any]) -> bytes:
    """An event as it is sent."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
