"""The same change of many records, in few statements."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.exc import IntegrityError

from xrm_core.changes import log
from xrm_core.changes.entry import Operation
from xrm_core.metadata.model import USER, Entity
from xrm_core.permissions.caller import Caller, System
from xrm_core.permissions.policy import Action
from xrm_core.query.scan import Scope
from xrm_core.records import logged
from xrm_core.records.defaults import own
from xrm_core.records.hooks import Then, follow_together
from xrm_core.records.links import owned
from xrm_core.records.locking import locked
from xrm_core.records.reach import hold_for
from xrm_core.records.refusals import refuse, refuse_unwritable, translated
from xrm_core.records.rights import (
    ONE,
    VERSION,
    Conditions,
    check_fields,
    context,
    kept,
    not_so,
    row_conditions,
    target_problems,
    values_for,
)
from xrm_core.records.sealed_files import open_attached
from xrm_core.records.sealing import sealed
from xrm_core.records.stored import Record, to_columns
from xrm_core.storage.driver_statements import Call, DriverStatement

if TYPE_CHECKING:
    from xrm_core.records.door import Records

_AT_ONCE = 500


def alike(kind: Entity, changes: Mapping[str, Any]) -> bool:
    """Whether a change does nothing beyond the rows themselves, so that many can have it in one statement."""
    names = changes.keys()
    counted = any(kind.fields[name].sequence is not None for name in names if name in kind.fields)
    return kind.name != USER and kind.relationship is None and not counted and not names & kind.links.keys()


def change_alike(
    records: "Records",
    connection: Connection,
    caller: Caller,
    kind: Entity,
    ids: Sequence[str],
    changes: Mapping[str, Any],
) -> None:
    """Change records in the same way; the first that cannot be changed keeps all as they are.

    Args:
        records: the door.
        connection: in a write transaction.
        caller: who changes them.
        kind: their entity.
        ids: which, each once.
        changes: as :meth:`xrm_core.records.door.Records.update` takes them; they are :func:`alike`.
    """
    scope, mine = records.scope(connection, caller), owned(kind, changes)
    check_fields(caller, kind, Action.UPDATE, mine)
    conditions = row_conditions(scope, caller, kind, Action.UPDATE, mine)
    wanted = records.canonical(kind, changes)
    found = locked(connection, scope, caller, kind, ids, Action.UPDATE, conditions)
    now = dt.datetime.now(dt.UTC)  # not before: who had to wait changes them later than who held them
    groups: list[tuple[Record, list[Record]]] = []  # what is written, and of which records
    thens = {before["id"]: Then(records, connection, caller) for before in found}
    for before in found:
        final = final_changes(records, caller, kind, before, wanted, thens[before["id"]])
        same = next((group for known, group in groups[:1] + groups[-1:] if known == final), None)
        if same is None:
            groups.append((final, [before]))
        else:
            same.append(before)
    for final, group in groups:
        problems = records.files.problems(connection, caller, kind, wanted, final)
        if not isinstance(caller, System):
            problems += target_problems(connection, scope, caller, kind, wanted)
        refuse(problems, kind, caller)
        open_attached(records, connection, kind, final)
        hold_for(connection, scope, kind, [final], conditions.reach)
        _write(records, connection, caller, kind, [each["id"] for each in group], final, conditions, now)
        entries = [
            logged.entry(
                caller,
                kind,
                Operation.UPDATE,
                {"id": each["id"], "version": each["version"] + 1},
                logged.differences(kind, each, final),
            )
            for each in group
        ]
        log.append(connection, entries, now)
        follow_together(kind.name, ((thens[each["id"]], each["id"]) for each in group))


NEW = "xrm_new_"
"""What the bind names of new values begin with; no field does: SQLAlchemy would give it the value, too."""


def changing(
    scope: Scope, caller: Caller, kind: Entity, before: Record, values: Mapping[str, Any], conditions: Conditions
) -> Call:
    """What gives columns of one record new values, if it has the version of before and the conditions hold."""
    table, version = scope.tables[kind.name], before["version"]

    def make() -> DriverStatement:
        new = {name: bindparam(f"{NEW}{name}", type_=table.c[name].type) for name in values}
        mine = table.c.id == bindparam(ONE, type_=table.c.id.type), table.c.version == bindparam(VERSION)
        return DriverStatement(update(table).where(*mine, *conditions).values(new), scope.dialect)

    statement = kept(scope, f"update {' '.join(values)}", conditions, make)
    binds = {f"{NEW}{name}": value for name, value in values.items()}
    return statement.call(values_for(caller, {**binds, ONE: before["id"], VERSION: version}))


def changing_one(
    scope: Scope,
    caller: Caller,
    kind: Entity,
    before: Record,
    final: Mapping[str, Any],
    conditions: Conditions,
    now: dt.datetime,
) -> list[Call]:
    """What :func:`changing` makes for fields of one record, and its entry in the change log."""
    version = before["version"] + 1
    stamped = {**to_columns(kind, final), "updated_at": now, "updated_by": caller.actor, "version": version}
    record = {"id": before["id"], "version": version}
    entry = logged.entry(caller, kind, Operation.UPDATE, record, logged.differences(kind, before, final))
    return [
        changing(scope, caller, kind, before, stamped, conditions),
        *log.appending(scope.dialect, [entry], now),
    ]


def final_changes(
    records: "Records", caller: Caller, kind: Entity, before: Record, changes: Record, then: Then
) -> Record:
    """A change as hooks want it; ``then`` gets what they want done after it.

    Raises what makes the record invalid, or what a plugin has against it.
    """
    refuse(records.validator.problems(kind, {**own(before), **changes}, changed=changes), kind, caller)
    final = records.canonical(kind, records.hooks.before_update(kind.name, before, dict(changes), then))
    refuse_unwritable(kind, changes, final)
    if final != changes:
        refuse(records.validator.problems(kind, {**own(before), **final}, changed=final), kind, caller)
    return sealed(records, then.connection, kind, before, final, before["id"])


def _write(
    records: "Records",
    connection: Connection,
    caller: Caller,
    kind: Entity,
    ids: Sequence[str],
    final: Record,
    conditions: Conditions,
    now: dt.datetime,
) -> None:
    table = records.tables[kind.name]
    stamped = {"updated_at": now, "updated_by": caller.actor, "version": table.c.version + 1}
    for some in _parts(ids):
        mine = table.c.id.in_(some)
        change = update(table).where(mine, *conditions).values({**to_columns(kind, final), **stamped})
        try:
            changed = connection.execute(change, context(caller)).rowcount
        except IntegrityError as error:
            raise translated(error, kind, caller) from None
        holding = len(some)
        if conditions:
            holding = len(connection.execute(select(table.c.id).where(mine, *conditions), context(caller)).all())
        if changed != len(some) or holding != len(some):
            raise not_so(connection, conditions, kind)


def _parts(all_: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(all_), _AT_ONCE):
        yield all_[start : start + _AT_ONCE]
