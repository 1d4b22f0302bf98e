"""Many records, each changed in its own way, in few statements."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.exc import IntegrityError

from xrm_core.changes import log
from xrm_core.changes.entry import Operation
from xrm_core.errors import Forbidden, XrmError
from xrm_core.metadata.model import Entity
from xrm_core.permissions.caller import Caller, System
from xrm_core.permissions.policy import Action
from xrm_core.records import logged
from xrm_core.records.creating import New, unseen
from xrm_core.records.links import owned
from xrm_core.records.locking import locked
from xrm_core.records.reach import hold_for
from xrm_core.records.refusals import refuse, translated
from xrm_core.records.rights import ONE, check_fields, context, in_sight, row_conditions
from xrm_core.records.stored import Record, canonical, to_columns
from xrm_core.records.updating import NEW, alike, final_changes
from xrm_core.records.wording import noun
from xrm_core.translation import say

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
    final: Record


def change_each(
    records: "Records", connection: Connection, caller: Caller, kind: Entity, changes: Sequence[Change]
) -> dict[int, XrmError]:
    """Change records, each once. One that would become what it is stays as it is: no version, no entry in the log. But
    if the caller does not see what that is, it counts as changed.

    Answers what is wrong with which, as far as can be said before; those are left out.

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
            wrong |= _change(records, connection, caller, kind, names, group)
    return wrong


def _change(
    records: "Records",
    connection: Connection,
    caller: Caller,
    kind: Entity,
    names: Sequence[str],
    group: Sequence[Change],
) -> dict[int, XrmError]:
    scope = records.scope(connection, caller)
    conditions = row_conditions(scope, caller, kind, Action.UPDATE, names)
    found = locked(connection, scope, caller, kind, [each.id for each in group], Action.UPDATE, conditions)
    wrong: dict[int, XrmError] = {}
    ready = []
    for each, before in zip(group, found, strict=True):
        try:
            final = final_changes(records, caller, kind, before, canonical(kind, each.values))
            refuse(records.files.problems(connection, caller, kind, final), kind, caller)
            ready.append(_Ready(each.index, before, final))
        except XrmError as error:
            wrong[each.index] = error
    if not isinstance(caller, System):
        given = [New(each.index, each.before, {}, (), each.final) for each in ready]
        wrong |= unseen(scope, connection, caller, kind, given)
    kept = [each for each in ready if each.index not in wrong]
    changed = [each for each in kept if _changes(kind, each) or not in_sight(caller.access, kind, each.final)]
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
    conditions: list[Any],
) -> None:
    table, now = records.tables[kind.name], dt.datetime.now(dt.UTC)
    stamps = {"updated_at": now, "updated_by": caller.actor}
    groups: dict[tuple[str, ...], list[_Ready]] = {}
    for each in ready:
        groups.setdefault(tuple(sorted(each.final)), []).append(each)
    for group in groups.values():
        rows = []
        for each in group:
            columns = {**to_columns(kind, each.final), **stamps, "version": each.before["version"] + 1}
            values = {f"{NEW}{name}": value for name, value in columns.items()}
            before = {ONE: each.before["id"], "xrm_version": each.before["version"]}
            rows.append({**context(caller), **values, **before})
        mine = table.c.id == bindparam(ONE), table.c.version == bindparam("xrm_version")
        wanted = {name: bindparam(f"{NEW}{name}", type_=table.c[name].type) for name in columns}
        try:
            connection.execute(update(table).where(*mine, *conditions).values(wanted), rows)
        except IntegrityError as error:
            raise translated(error, kind, caller) from None
        _require_written(connection, table, caller, kind, group, conditions)
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


def _require_written(
    connection: Connection, table: Any, caller: Caller, kind: Entity, group: Sequence[_Ready], conditions: list[Any]
) -> None:
    """Each of them is what was written, and one that the caller may change still."""
    for some in _parts(group):
        ids = [each.before["id"] for each in some]
        query = select(table.c.id, table.c.version).where(table.c.id.in_(ids), *conditions)
        versions = {str(id_): version for id_, version in connection.execute(query, context(caller))}
        if any(versions.get(each.before["id"]) != each.before["version"] + 1 for each in some):
            raise Forbidden(
                say("You may not change the {entity} in this way.", entity=noun(kind)),
                hint=say("After the change it would not be one of the records that your role may change."),
            )


def _parts(all_: Sequence[_Ready]) -> Iterator[Sequence[_Ready]]:
    for start in range(0, len(all_), _AT_ONCE):
        yield all_[start : start + _AT_ONCE]
