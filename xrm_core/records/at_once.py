"""One record written on PostgreSQL by statements that are known before any of them has an answer: they go in one round
trip, the commit among them. What has to hold is asked by statements that fail if it does not.

It is for what most writes are. For anything else the answer is None; and who meets an error here, or whose statements
fail, has done nothing yet, and goes by :class:`~xrm_core.records.door.Records`, which says what is wrong.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.types import FieldType
from xrm_core.metadata.worked_out import WorkedOut
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import Action
from xrm_core.query.scan import Scope
from xrm_core.records.creating import formed, inserting
from xrm_core.records.defaults import own
from xrm_core.records.in_one import InOne, change_in_one
from xrm_core.records.locking import MakeRecord, locking_one
from xrm_core.records.reach import Reach, holding_for, holding_from
from xrm_core.records.refusals import refuse
from xrm_core.records.relationships import stands_alone
from xrm_core.records.rights import (
    ONE,
    Conditions,
    check_fields,
    conditions_required,
    row_conditions,
    values_for,
    written_required,
)
from xrm_core.records.stored import Record, canonical
from xrm_core.records.targets_at_once import Seen, seen_at_once
from xrm_core.records.updating import changing_one
from xrm_core.records.written import Written
from xrm_core.storage.driver_statements import Call, DriverStatement

if TYPE_CHECKING:
    from xrm_core.records.door import Records


def is_plain(records: "Records", kind: Entity) -> bool:
    """Whether records of an entity can be written like this at all."""
    asked = records.hooks.are_there(kind.name, "create") or records.hooks.are_there(kind.name, "update")
    return _PLAIN(kind) and not asked and kind.name not in records.formats


def _plain(kind: Entity) -> bool:
    special = (each for each in kind.fields.values() if _is_special(each))
    return stands_alone(kind) and next(special, None) is None


def _is_special(field: Field) -> bool:
    return field.sequence is not None or field.type is FieldType.FILE or field.sealing is not None


_PLAIN = WorkedOut(_plain)


def creating_at_once(
    records: "Records",
    scope: Scope,
    caller: User,
    kind: Entity,
    values: Mapping[str, Any],
    now: dt.datetime,
    *,
    at_once: bool,
) -> tuple[str, Written] | None:
    """The id of a new record, and what stores it.

    Args:
        records: the door.
        scope: what statements for the caller are compiled for.
        caller: who creates it.
        kind: an entity that :func:`is_plain`, so that no plugin is to be asked.
        values: as :meth:`~xrm_core.records.door.Records.create` takes them, without links and without other records.
        now: the moment.
        at_once: whether the record can be shown by the statement that writes it.

    Raises:
        Forbidden, ValidationFailed: it cannot be created.
    """
    new = formed(records, caller, kind, values, now)
    conditions = row_conditions(scope, caller, kind, Action.CREATE, new.names)
    held = holding_for(scope, kind, new.record, conditions.reach)
    id_ = new.record["id"]
    seen = seen_at_once(scope, caller, kind, new.given, id_)
    if held is None or seen is None:
        return None
    row, entry = inserting(scope, caller, kind, new.record, now)
    return id_, _written(scope, kind, id_, new.record["version"], conditions, seen, held, row, entry, at_once)


def _written(
    scope: Scope,
    kind: Entity,
    id_: str,
    version: int,
    conditions: Conditions,
    seen: Seen,
    held: list[Call],
    row: Call,
    entry: Call,
    at_once: bool,
) -> Written:
    first = [*seen.before, *held]
    if not conditions:
        return Written(first, row, entry, seen.after, at_once)
    same = written_required(scope, kind, conditions) if at_once else None
    if same is not None:
        return Written(first, row, entry, [*seen.after, *same], True)
    # Also that it was changed at all: that has the conditions with it, too.
    after = conditions_required(scope, kind, id_, version, conditions)
    return Written(first, row, entry, [*seen.after, after], False)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of some fields, as somebody with certain rights makes it.

    ``lock`` is what holds a record, if they may change it so, and what makes a record of its row; ``further`` are steps
    to what is held after it. ``refers``: relations are among the fields. ``in_one``: how one statement makes it, if one
    can.
    """

    conditions: Conditions
    lock: DriverStatement
    make_record: MakeRecord
    further: Reach | None
    refers: bool
    in_one: InOne | None


def change_of(scope: Scope, caller: User, kind: Entity, changes: Mapping[str, Any]) -> Change | None:
    """What is the same for each change of these fields by who has the caller's rights; None: it takes more than that.

    Raises:
        Forbidden: the caller may change no such fields.
    """

    def make() -> Change | None:
        check_fields(caller, kind, Action.UPDATE, changes)
        conditions = row_conditions(scope, caller, kind, Action.UPDATE, changes)
        found = locking_one(scope, kind, conditions)
        refers = any(kind.fields[name].relation is not None for name in changes)
        if found is None:
            return None
        return Change(conditions, *found, refers, change_in_one(scope, kind, changes, conditions))

    key = ("change", scope.dialect.name, kind.name, scope.access.shape, tuple(changes))
    return scope.tables.statements.get(key, make)


def holding_at_once(scope: Scope, caller: User, kind: Entity, id_: str, change: Change) -> list[Call]:
    """What holds a record, and what the conditions of its change look at; the first finds its row."""
    calls = [change.lock.call(values_for(caller, {ONE: id_}))]
    if change.further is not None:
        calls += holding_from(scope, kind, id_, change.further) or ()
    return calls


def changing_at_once(
    records: "Records",
    scope: Scope,
    caller: User,
    kind: Entity,
    before: Record,
    changes: Mapping[str, Any],
    change: Change,
    now: dt.datetime,
    *,
    at_once: bool,
) -> Written | None:
    """What changes a record that is held. Arguments as above.

    Raises:
        ValidationFailed: it cannot be changed like this.
    """
    final = canonical(kind, changes)
    refuse(records.validator.problems(kind, {**own(before), **final}, changed=final), kind, caller)
    held: list[Call] | None = []
    seen: Seen | None = _NOTHING
    if change.refers:
        held = holding_for(scope, kind, final, change.conditions.reach)
        seen = seen_at_once(scope, caller, kind, final, before["id"])
    if held is None or seen is None:
        return None
    conditions = change.conditions
    row, entry = changing_one(scope, caller, kind, before, final, conditions, now)
    return _written(scope, kind, before["id"], before["version"] + 1, conditions, seen, held, row, entry, at_once)


_NOTHING = Seen([], [])
