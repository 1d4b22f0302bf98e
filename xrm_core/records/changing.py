"""Many records, each changed in its own way, in few statements."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from xrm_core.changes import log
from xrm_core.changes.entry import Operation
from xrm_core.errors import Forbidden, XrmError
from xrm_core.metadata.model import Entity
from xrm_core.permissions.caller import Caller, System
from xrm_core.permissions.policy import Action
from xrm_core.query.scan import Scope
from xrm_core.records import logged
from xrm_core.records.among import MANY, among
from xrm_core.records.creating import New, unseen
from xrm_core.records.hooks import Then, follow_together
from xrm_core.records.links import owned
from xrm_core.records.locking import locked
from xrm_core.records.reach import hold_for
from xrm_core.records.refusals import refuse, translated
from xrm_core.records.rights import Conditions, check_fields, in_sight, kept, not_so, row_conditions, values_for
from xrm_core.records.sealed_files import open_attached
from xrm_core.records.stored import Record, to_columns
from xrm_core.records.updating import alike, changing, final_changes
from xrm_core.storage.driver_statements import DriverStatement, run_together

if TYPE_CHECKING:
    from xrm_core.records.door import Records

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Change:
    """What shall become of a record; ``index`` is its place among those that were given."""

    index: int
    id: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Ready:
    index: int
    before: Record
    given: Record
    final: Record
    then: Then


Tried = dict[int, tuple[Record, Record, Then]]
"""What plugins were asked about already, by its place: the record, what becomes of it, and what is to follow."""


def change_each(
    records: "Records",
    connection: Connection,
    caller: Caller,
    kind: Entity,
    changes: Sequence[Change],
    tried: Tried,
) -> dict[int, XrmError]:
    """Change records, each once. One that would become what it is stays as it is: no version, no entry in the log. But
    if the caller does not see what that is, it counts as changed.

    Answers what is wrong with which, as far as can be said before; those are left out. ``tried`` is of tries that were
    taken back: plugins are not asked again about what is as it was.

    Raises:
        NotFound, Forbidden, ValidationFailed: one of them cannot be changed; what was written is to be taken back.
    """
    if len(changes) == 1:
        [only] = changes
        records.update(connection, caller, kind.name, only.id, only.values, touch=False)
        return {}
    wrong: dict[int, XrmError] = {}
    groups: dict[tuple[str, ...], list[Change]] = {}
    for each in changes:
        if alike(kind, each.values):
            groups.setdefault(tuple(sorted(owned(kind, each.values))), []).append(each)
        else:
            try:
                with connection.begin_nested():
                    records.update(connection, caller, kind.name, each.id, each.values, touch=False)
            except XrmError as error:
                wrong[each.index] = error
    for names, group in sorted(groups.items()):
        try:
            check_fields(caller, kind, Action.UPDATE, names)
        except Forbidden as error:
            wrong |= {each.index: error for each in group}
        else:
            wrong |= _change(records, connection, caller, kind, names, group, tried)
    return wrong


def _change(
    records: "Records",
    connection: Connection,
    caller: Caller,
    kind: Entity,
    names: Sequence[str],
    group: Sequence[Change],
    tried: Tried,
) -> dict[int, XrmError]:
    scope = records.scope(connection, caller)
    conditions = row_conditions(scope, caller, kind, Action.UPDATE, names)
    found = locked(connection, scope, caller, kind, [each.id for each in group], Action.UPDATE, conditions)
    wrong: dict[int, XrmError] = {}
    ready = []
    for each, before in zip(group, found, strict=True):
        try:
            given = records.canonical(kind, each.values)
            known = tried.get(each.index)
            if known is not None and known[0] == before:
                _, final, then = known
            else:
                then = Then(records, connection, caller)
                final = final_changes(records, caller, kind, before, given, then)
                tried[each.index] = before, final, then
            refuse(records.files.problems(connection, caller, kind, given, final), kind, caller)
            ready.append(_Ready(each.index, before, given, final, then))
        except XrmError as error:
            wrong[each.index] = error
    if not isinstance(caller, System):
        new = [New(each.index, each.before, {}, (), each.given) for each in ready]
        wrong |= unseen(scope, connection, caller, kind, new)
    kept = [each for each in ready if each.index not in wrong]
    changed = [each for each in kept if _changes(kind, each) or not in_sight(caller.access, kind, each.final)]
    for one in changed:
        open_attached(records, connection, kind, one.final)
    hold_for(connection, scope, kind, [each.final for each in changed], conditions.reach)
    _write(records, connection, caller, kind, changed, conditions)
    return wrong


def _changes(kind: Entity, each: _Ready) -> bool:
    return bool(logged.differences(kind, each.before, each.final))


def _write(
    records: "Records",
    connection: Connection,
    caller: Caller,
    kind: Entity,
    ready: Sequence[_Ready],
    conditions: Conditions,
) -> None:
    now = dt.datetime.now(dt.UTC)
    stamps = {"updated_at": now, "updated_by": caller.actor}
    groups: dict[tuple[str, ...], list[_Ready]] = {}
    for each in ready:
        groups.setdefault(tuple(sorted(each.final)), []).append(each)
    scope = records.scope(connection, caller)
    for group in groups.values():
        calls = []
        for each in group:
            columns = {**to_columns(kind, each.final), **stamps, "version": each.before["version"] + 1}
            calls.append(changing(scope, caller, kind, each.before, columns, conditions))
        try:
            for start in range(0, len(calls), _AT_ONCE):
                run_together(connection, calls[start : start + _AT_ONCE])
        except IntegrityError as error:
            raise translated(error, kind, caller) from None
        _require_written(connection, scope, caller, kind, group, conditions)
    entries = [
        logged.entry(
            caller,
            kind,
            Operation.UPDATE,
            {"id": each.before["id"], "version": each.before["version"] + 1},
            logged.differences(kind, each.before, each.final),
        )
        for each in ready
    ]
    log.append(connection, entries, now)
    follow_together(kind.name, ((each.then, each.before["id"]) for each in ready))


def _require_written(
    connection: Connection, scope: Scope, caller: Caller, kind: Entity, group: Sequence[_Ready], conditions: Conditions
) -> None:
    """Each of them is what was written, and one that the caller may change still."""
    query = kept(scope, "written", conditions, partial(_written, scope, kind, conditions))
    for some in _parts(group):
        ids = sorted(each.before["id"] for each in some)
        versions = {str(id_): version for id_, version in query.rows(connection, values_for(caller, {MANY: ids}))}
        if any(versions.get(each.before["id"]) != each.before["version"] + 1 for each in some):
            raise not_so(connection, conditions, kind)


def _written(scope: Scope, kind: Entity, conditions: Sequence[Any]) -> DriverStatement:
    table = scope.tables[kind.name]
    mine = among(table.c.id, scope.dialect)
    return DriverStatement(select(table.c.id, table.c.version).where(mine, *conditions), scope.dialect)


def _parts(all_: Sequence[_Ready]) -> Iterator[Sequence[_Ready]]:
    for start in range(0, len(all_), _AT_ONCE):
        yield all_[start : start + _AT_ONCE]
