"""What a record has that nobody has said: defaults of its fields, and what the platform gives it."""

from collections.abc import Mapping
from typing import Any

from xrm_core.metadata.frozen import thaw
from xrm_core.metadata.model import CALLER, CALLER_TEAM, SYSTEM_FIELDS, Entity
from xrm_core.permissions.caller import Caller
from xrm_core.records.stored import Record

SYSTEM_NAMES = frozenset(field.name for field in SYSTEM_FIELDS)
"""Fields that every record has, and that the platform sets."""


def own(record: Mapping[str, Any]) -> Record:
    """The fields of a record that its file has."""
    return {name: value for name, value in record.items() if name not in SYSTEM_NAMES}


def defaults(kind: Entity, caller: Caller) -> Record:
    """The defaults of an entity's fields, for a record that the caller creates."""
    callers = {CALLER: caller.id, CALLER_TEAM: caller.team}
    return {
        field.name: callers[field.default] if field.relation is not None else thaw(field.default)
        for field in kind.fields.values()
        if field.default is not None
    }
