"""Records as the change log keeps them: JSON values as answers have them, one form for one value."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from xrm_core.changes.entry import Change, Operation
from xrm_core.metadata.model import AMOUNT, SYSTEM_FIELDS, Entity, Field
from xrm_core.metadata.types import FieldType
from xrm_core.metadata.worked_out import WorkedOut
from xrm_core.permissions.caller import Caller

STAMPS = ("created_at", "created_by")
"""System fields of which the log keeps what a record was deleted with; the others follow from its entries."""

_FORMED = frozenset({FieldType.MONEY, FieldType.DECIMAL, FieldType.BIG_INTEGER, FieldType.SET})
"""Types of which the log keeps values in another form than a record has them."""

_SYSTEM = frozenset(field.name for field in SYSTEM_FIELDS)


def entry(
    caller: Caller, kind: Entity, operation: Operation, record: Mapping[str, Any], fields: Mapping[str, Any]
) -> Change:
    """What the log keeps of a change; ``record``: id and version, as they are after it."""
    return Change(kind.name, record["id"], operation, record["version"], caller.actor, caller.causes, fields)


def state(kind: Entity, record: Mapping[str, Any]) -> dict[str, Any]:
    """All values of a record that are not empty."""
    plain, formed = _LOGGED(kind)
    found = {name: value for name in plain if (value := record.get(name)) is not None}
    for name, field in formed:
        value = record.get(name)
        if value is not None:
            found[name] = in_log(field, value)
    return found


def _logged(kind: Entity) -> tuple[list[str], list[tuple[str, Field]]]:
    """The fields whose values the log keeps as a record has them, and those with another form."""
    fields = [(name, field) for name, field in kind.fields.items() if not field.virtual and name not in _SYSTEM]
    plain = [name for name, field in fields if field.type not in _FORMED]
    return plain, [(name, field) for name, field in fields if field.type in _FORMED]


_LOGGED = WorkedOut(_logged)


def last_state(kind: Entity, record: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a record that goes, with who has created it and when."""
    return {**state(kind, record), **{name: record[name] for name in STAMPS}}


def differences(kind: Entity, before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Field → ``[old, new]`` for what a change really changes."""
    found: dict[str, list[Any]] = {}
    for name, new in changes.items():
        field, old = kind.fields.get(name), before.get(name)
        if field is None or field.virtual or name in _SYSTEM or (old == new and field.type not in _FORMED):
            continue
        pair = [in_log(field, old), in_log(field, new)]
        if pair[0] != pair[1]:
            found[name] = pair
    return found


def in_log(field: Field, value: Any) -> Any:
    """A value as the log keeps it."""
    if value is None:
        return None
    if field.type is FieldType.MONEY:
        return {**value, AMOUNT: _digits(field, value[AMOUNT])}
    if field.type is FieldType.DECIMAL:
        return _digits(field, value)
    if field.type is FieldType.BIG_INTEGER:
        return str(value)
    if field.type is FieldType.SET:
        return list(value)
    return value


def _digits(field: Field, number: Any) -> str:
    """All digits that the field has, as the database returns them."""
    return format(Decimal(str(number)).quantize(Decimal(1).scaleb(-field.scale)), "f")
