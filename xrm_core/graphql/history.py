"""The fields ``history`` and ``asOf`` of a record: what has become of it, and what it was, for who may see that."""

from collections.abc import Mapping
from typing import Any

import strawberry

from xrm_core import naming
from xrm_core.changes.entry import Operation
from xrm_core.graphql import builder
from xrm_core.graphql.builder import Argument, ObjectType
from xrm_core.graphql.meanings import AsOfField, HistoryField, HistoryPart
from xrm_core.graphql.scalars import AnyValue, DateTime
from xrm_core.graphql.types import Types
from xrm_core.metadata.model import Entity
from xrm_core.permissions.policy import Action
from xrm_core.query.history import fields_shown

_WORDS = {
    Operation.CREATE: "It was created.",
    Operation.UPDATE: "Some of its fields were changed.",
    Operation.DELETE: "It was deleted.",
    Operation.RESTORE: "It came back out of the trash.",
}


def add_history(types: Types, entity: Entity, owner: ObjectType) -> None:
    """The field of a record type, if the role may see the history of such records."""
    if not types.access.may(entity.name, Action.HISTORY):
        return
    about = "What has become of the record, the newest change first; empty if you may not see it."
    arguments = [
        Argument("first", int | None, "At most so many changes."),
        Argument("before", strawberry.ID | None, "The id of a change: only older ones."),
    ]
    builder.add(owner, "history", builder.list_of(_change(types)), about, arguments)
    shown = {name: naming.camel(name) for name in fields_shown(types.access, entity)}
    types.meanings.add(owner.name, "history", HistoryField(shown))
    about = "The record as it was at a moment; null if it was not there, or if the log does not reach back so far."
    builder.add(owner, "asOf", _state(types) | None, about, [Argument("at", DateTime)])
    types.meanings.add(owner.name, "asOf", AsOfField(shown))


def _change(types: Types) -> ObjectType:
    fields: Mapping[str, tuple[Any, str, str]] = {
        "id": (strawberry.ID, "id", "Id of the change."),
        "at": (DateTime, "at", "When."),
        "operation": (_operation(types), "operation", "What was done."),
        "version": (int, "version", "Version of the record after it."),
        "actor": (strawberry.ID | None, "actor", "Id of the user, or of the token of a service; null: the platform."),
        "causes": (builder.list_of(_cause(types)), "causes", "What has led to it, the first cause first."),
        "changes": (
            builder.list_of(_field(types)),
            "changes",
            "Fields that you may see, in the order of the alphabet.",
        ),
    }
    return _shared(types, "HistoryEntry", "A change of a record.", fields)


def _state(types: Types) -> ObjectType:
    fields: Mapping[str, tuple[Any, str, str]] = {
        "version": (int | None, "version", "The version that it had; null: its creation is not in the log any more."),
        "at": (DateTime | None, "at", "When it got that version."),
        "values": (AnyValue, "values", "Field → value of those that you may see, relations as ids."),
    }
    return _shared(types, "RecordState", "A record as it was.", fields)


def _field(types: Types) -> ObjectType:
    fields: Mapping[str, tuple[Any, str, str]] = {
        "field": (str, "field", "Name of the field."),
        "old": (AnyValue | None, "old", "What it was; a relation: the id, if you may see that record."),
        "new": (AnyValue | None, "new", "What it has become."),
    }
    return _shared(types, "HistoryField", "A field that a change has changed.", fields)


def _cause(types: Types) -> ObjectType:
    fields: Mapping[str, tuple[Any, str, str]] = {
        "kind": (str, "kind", "«request», «token», «hook», «job» or «platform», say."),
        "name": (str, "name", "Which: the id of a request, the name of a plugin."),
    }
    return _shared(types, "HistoryCause", "Something that has led to a change.", fields)


def _shared(types: Types, name: str, about: str, fields: Mapping[str, tuple[Any, str, str]]) -> ObjectType:
    """A type of the schema that all record types share."""
    found: ObjectType | None = types.shared.get(name)
    if found is None:
        found = types.shared[name] = builder.object_type(name, about)
        for field, (type_, part, description) in fields.items():
            builder.add(found, field, type_, description)
            types.meanings.add(name, field, HistoryPart(part))
        types.know(found)
    return found


def _operation(types: Types) -> Any:
    found = types.shared.get("HistoryOperation")
    if found is None:
        words = {each.value.upper(): _WORDS[each] for each in Operation}
        found = types.shared["HistoryOperation"] = builder.enum_type("HistoryOperation", words, words)
        types.know(found)
    return found
