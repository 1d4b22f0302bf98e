"""Records by key: changed if they are there, created if not.

Whether one is there may change until the write itself: somebody else creates the record meanwhile, which the database
finds as a unique value that is taken. Then it is looked for once more, and changed. So of two who write one key at once
one creates the record, the other changes it, and both are told so.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from xrm_core.errors import ValidationFailed, XrmError
from xrm_core.metadata.model import Entity
from xrm_core.permissions.caller import Caller
from xrm_core.permissions.policy import Action
from xrm_core.records.bulk import Outcome, finished, in_parts, require_fits
from xrm_core.records.changing import Change, Tried, change_each
from xrm_core.records.creating import New, prepare, store
from xrm_core.records.keys import ID, Key, Value, find, hold_ids, ids_taken, keys_of, taken, value_of_key
from xrm_core.records.links import owned
from xrm_core.records.refusals import refuse
from xrm_core.records.rights import check_fields
from xrm_core.records.stored import canonical
from xrm_core.records.wording import invalid
from xrm_core.translation import say

if TYPE_CHECKING:
    from xrm_core.records.door import Records


@dataclass(slots=True)
class Upserted(Outcome):
    """As :class:`Outcome`; ``created`` are the places of those that were created, the others were there."""

    created: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Item:
    index: int
    value: Value
    values: Mapping[str, Any]


@dataclass(slots=True)
class _Tries:
    """What is known from tries that were taken back, by place, so that plugins are not asked again about the same."""

    created: dict[int, New] = field(default_factory=dict)
    refused: dict[int, XrmError] = field(default_factory=dict)
    changed: Tried = field(default_factory=dict)


def upsert(
    records: "Records",
    connection: Connection,
    caller: Caller,
    entity: str,
    by: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    *,
    skip: bool,
) -> Upserted:
    """Write many records by key; see :meth:`xrm_core.records.door.Records.upsert_bulk`."""
    kind, key = records.model[entity], _known(records.model[entity], by)
    require_fits(kind, len(rows))
    outcome, tries = Upserted([None] * len(rows)), _Tries()
    items = list(_items(records, caller, kind, key, rows, outcome.errors))

    def work(some: Sequence[_Item]) -> None:
        for each in some:  # of an earlier try that was taken back
            outcome.ids[each.index] = None
            outcome.errors.pop(each.index, None)
            outcome.created.discard(each.index)
        _write(records, connection, caller, kind, key, some, outcome, tries)

    if skip or not outcome.errors:
        failed = outcome.errors
        in_parts(connection, items, work, lambda each, error: failed.update({each.index: error}), skip=skip)
    finished(kind, outcome, skip=skip)
    return outcome


def upsert_one(
    records: "Records",
    connection: Connection,
    caller: Caller,
    entity: str,
    by: Sequence[str],
    values: Mapping[str, Any],
) -> tuple[str, bool]:
    """Write a record by key; see :meth:`xrm_core.records.door.Records.upsert`."""
    kind, key = records.model[entity], _known(records.model[entity], by)
    outcome = Upserted([None])
    items = list(_items(records, caller, kind, key, [values], outcome.errors))
    if items:
        _write(records, connection, caller, kind, key, items, outcome, _Tries())
    if outcome.errors:
        raise outcome.errors[0]
    return str(outcome.ids[0]), 0 in outcome.created


def _known(kind: Entity, by: Sequence[str]) -> Key:
    if tuple(by) not in keys_of(kind):
        raise KeyError(f"{kind.name} has no key of {', '.join(by)}")
    return tuple(by)


def _items(
    records: "Records",
    caller: Caller,
    kind: Entity,
    key: Key,
    rows: Sequence[Mapping[str, Any]],
    wrong: dict[int, XrmError],
) -> list[_Item]:
    """What is to be written; ``wrong`` gets what has no key, or one that stands there before."""
    found: dict[Value, _Item] = {}
    for index, row in enumerate(rows):
        try:
            values = records.formats.normal(kind, row)
            # Before the database compares with it: one of the wrong type, or with a NUL, is none that it takes.
            given = {name: values[name] for name in key if name in kind.fields and values.get(name) is not None}
            if given:
                problems = records.validator.problems(kind, canonical(kind, given), rules=False)
                refuse([each for each in problems if each["field"] in given], kind, caller)
            value = value_of_key(kind, key, values)
        except XrmError as error:
            wrong[index] = error
            continue
        if value in found:
            message = say("is that of the record at {index}, too", index=found[value].index)
            wrong[index] = invalid(kind, [{"field": key[0], "rule": "unique", "message": message}])
        else:
            found[value] = _Item(index, value, values)
    return list(found.values())


def _write(
    records: "Records",
    connection: Connection,
    caller: Caller,
    kind: Entity,
    key: Key,
    items: Sequence[_Item],
    outcome: Upserted,
    tries: _Tries,
) -> None:
    """Write records by key; ``outcome`` is told. What is wrong with one that only the database finds is raised."""
    call = (records, connection, caller, kind, key)
    left = _change_known(*call, items, outcome, tries)
    if not left:
        return
    if connection.dialect.name == "sqlite":  # there one writes at a time: who was not there cannot have come
        taken_ids = _create(*call, left, outcome, tries)
    else:
        try:
            with connection.begin_nested():
                taken_ids = _create(*call, left, outcome, tries)
        except ValidationFailed as error:
            if not any(each["rule"] in ("unique", "hidden") for each in error.problems):
                raise
            for each in left:
                outcome.errors.pop(each.index, None)
            still = _change_known(*call, left, outcome, tries)
            if len(still) == len(left):
                raise
            taken_ids = _create(*call, still, outcome, tries) if still else []
    if taken_ids:
        for each in _change_known(*call, taken_ids, outcome, tries):
            outcome.errors[each.index] = invalid(kind, [taken(kind, key)])


def _change_known(
    records: "Records",
    connection: Connection,
    caller: Caller,
    kind: Entity,
    key: Key,
    items: Sequence[_Item],
    outcome: Upserted,
    tries: _Tries,
) -> list[_Item]:
    """Change those that are there; answers the others."""
    there = find(connection, records.scope(connection, caller), caller, kind, key, [each.value for each in items])
    changes = []
    for each in items:
        if each.value in there:
            # Their key is that already. Who may not change it may change the others.
            wanted = {name: value for name, value in each.values.items() if name not in key}
            changes.append(Change(each.index, there[each.value], wanted))
    outcome.errors |= change_each(records, connection, caller, kind, changes, tries.changed)
    for change in changes:
        if change.index not in outcome.errors:
            outcome.ids[change.index] = change.id
    return [each for each in items if each.value not in there]


def _create(
    records: "Records",
    connection: Connection,
    caller: Caller,
    kind: Entity,
    key: Key,
    items: Sequence[_Item],
    outcome: Upserted,
    tries: _Tries,
) -> list[_Item]:
    """Create records; answers those whose id somebody has, who may have come just now."""
    now = dt.datetime.now(dt.UTC)
    # In one order for everybody, so that no two wait for each other's values.
    allowed = _allowed(caller, kind, key, sorted(items, key=lambda each: repr(each.value)), outcome.errors)
    gone: set[str] = set()
    if key == ID:
        hold_ids(connection, [each.value[0] for each in allowed])
        gone = set(ids_taken(connection, records.tables, [each.value[0] for each in allowed]))
    known = [each for each in allowed if each.value[0] in gone]
    allowed = [each for each in allowed if each.value[0] not in gone]
    outcome.errors |= {each.index: tries.refused[each.index] for each in allowed if each.index in tries.refused}
    fresh = [each for each in allowed if each.index not in tries.created and each.index not in tries.refused]
    rows = [_without_id(key, each) for each in fresh]
    ready, wrong = prepare(records, connection, caller, kind, rows, now)
    refused = {fresh[place].index: error for place, error in wrong.items()}
    tries.refused |= refused
    outcome.errors |= refused
    for new in ready:
        tries.created[fresh[new.index].index] = new
    made = [(each.index, tries.created[each.index]) for each in allowed if each.index in tries.created]
    if key == ID:
        for each in allowed:
            if each.index in tries.created:
                tries.created[each.index].record["id"] = each.value[0]
    store(records, connection, caller, kind, [new for _, new in made], now)
    for index, new in made:
        outcome.ids[index] = new.record["id"]
        outcome.created.add(index)
    return known


def _without_id(key: Key, item: _Item) -> Mapping[str, Any]:
    """The values that the caller gives to a new record; its id is theirs to say only if it is the key."""
    return {name: value for name, value in item.values.items() if key != ID or name != "id"}


def _allowed(caller: Caller, kind: Entity, key: Key, items: Sequence[_Item], wrong: dict[int, XrmError]) -> list[_Item]:
    """Those whose fields the caller may give to new records."""
    refused: dict[tuple[str, ...], XrmError] = {}
    names = {each.index: tuple(owned(kind, _without_id(key, each))) for each in items}
    for some in set(names.values()):
        try:
            check_fields(caller, kind, Action.CREATE, some)
        except XrmError as error:
            refused[some] = error
    wrong |= {index: refused[some] for index, some in names.items() if some in refused}
    return [each for each in items if each.index not in wrong]
