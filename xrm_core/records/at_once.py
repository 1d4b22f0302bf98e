"""One record written on PostgreSQL by statements that are known before any of them has an answer: they go in one round
trip, the commit among them. What has to hold is asked by statements that fail if it does not.

It is for what most writes are. For anything else the answer is None; and who meets an error here, or whose statements
fail, has done nothing yet, and goes by :class:`~xrm_core.records.door.Records`, which says what is wrong.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xrm_core.metadata.model import Entity
from xrm_core.metadata.types import FieldType
from xrm_core.metadata.worked_out import WorkedOut
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import Action
from xrm_core.query.scan import Scope
from xrm_core.records.creating import formed, inserting
from xrm_core.records.defaults import own
from xrm_core.records.locking import MakeRecord, locking_one
from xrm_core.records.reach import holding_for
from xrm_core.records.refusals import refuse
from xrm_core.records.relationships import stands_alone
from xrm_core.records.rights import Conditions, check_fields, conditions_required, row_conditions
from xrm_core.records.stored import Record, canonical
from xrm_core.records.targets_at_once import seen_at_once
from xrm_core.records.updating import changing_one
from xrm_core.storage.driver_statements import Call
from xrm_core.storage.joined import written_together
from xrm_core.storage.requirements import Requirement

if TYPE_CHECKING:
    from xrm_core.records.door import Records


@dataclass(frozen=True, slots=True)
class Written:
    """What writes a record, and what has to hold after that."""

    calls: list[Call]
    required: list[Requirement]


def is_plain(records: "Records", kind: Entity) -> bool:
    """Whether records of an entity can be written like this at all."""
    asked = records.hooks.are_there(kind.name, "create") or records.hooks.are_there(kind.name, "update")
    return _PLAIN(kind) and not asked and kind.name not in records.formats


def _plain(kind: Entity) -> bool:
    special = (each for each in kind.fields.values() if each.sequence is not None or each.type is FieldType.FILE)
    return stands_alone(kind) and next(special, None) is None


_PLAIN = WorkedOut(_plain)


def creating_at_once(
    records: "Records", scope: Scope, caller: User, kind: Entity, values: Mapping[str, Any], now: dt.datetime
) -> tuple[str, Written] | None:
    """The id of a new record, and what stores it.

    Args:
        records: the door.
        scope: what statements for the caller are compiled for.
        caller: who creates it.
        kind: an entity that :func:`is_plain`, so that no plugin is to be asked.
        values: as :meth:`~xrm_core.records.door.Records.create` takes them, without links and without other records.
        now: the moment.

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
    wanted = [conditions_required(scope, kind, id_, new.record["version"], conditions)] if conditions else []
    row, entry = inserting(scope, caller, kind, new.record, now)
    return id_, Written(
        [*seen.before, *held, written_together(row, entry, scope.tables.statements)], [*seen.after, *wanted]
    )


def holding_at_once(
    scope: Scope, caller: User, kind: Entity, id_: str, changes: Mapping[str, Any]
) -> tuple[Conditions, list[Call], MakeRecord] | None:
    """The conditions of a change, what holds a record if they are met, and what makes it of the row of the first.

    Raises:
        Forbidden: the caller may change no such fields.
    """
    check_fields(caller, kind, Action.UPDATE, changes)
    conditions = row_conditions(scope, caller, kind, Action.UPDATE, changes)
    found = locking_one(scope, caller, kind, id_, conditions)
    return None if found is None else (conditions, *found)


def changing_at_once(
    records: "Records",
    scope: Scope,
    caller: User,
    kind: Entity,
    before: Record,
    changes: Mapping[str, Any],
    conditions: Conditions,
    now: dt.datetime,
) -> Written | None:
    """What changes a record that is held. Arguments as above.

    Raises:
        ValidationFailed: it cannot be changed like this.
    """
    final = canonical(kind, changes)
    refuse(records.validator.problems(kind, {**own(before), **final}), kind, caller)
    held = holding_for(scope, kind, final, conditions.reach)
    seen = seen_at_once(scope, caller, kind, final, before["id"])
    if held is None or seen is None:
        return None
    row, entry = changing_one(scope, caller, kind, before, final, conditions, now)
    # Also that it was changed at all: that has the conditions with it, too.
    wanted = [conditions_required(scope, kind, before["id"], before["version"] + 1, conditions)] if conditions else []
    return Written([*seen.before, *held, written_together(row, entry, scope.tables.statements)], [*seen.after, *wanted])
