"""Creating records, many in few statements: first what can be said of each, then all of them at once.

Rights that are conditions on rows are asked for all rows together: whether the targets of their relations can be seen,
and whether what was stored is what the caller may create.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError
from uuid_utils import uuid7

from xrm_core.changes import log
from xrm_core.changes.entry import Operation
from xrm_core.errors import Forbidden, ValidationFailed, XrmError
from xrm_core.metadata.model import Entity
from xrm_core.metadata.worked_out import WorkedOut
from xrm_core.permissions.caller import Caller, System
from xrm_core.permissions.policy import Action
from xrm_core.query.scan import Scope
from xrm_core.records import addresses, logged
from xrm_core.records.defaults import SYSTEM_NAMES, defaults
from xrm_core.records.hooks import Then, follow_together
from xrm_core.records.layout import layout
from xrm_core.records.links import LinkChange, change_links, owned, split
from xrm_core.records.numbers import number_new
from xrm_core.records.reach import hold_for, holding_for
from xrm_core.records.refusals import refuse, refuse_unwritable, translated
from xrm_core.records.relationships import conflicts, stands_alone
from xrm_core.records.rights import (
    Problems,
    all_hold,
    check_fields,
    holding,
    readable_of,
    row_conditions,
    told,
)
from xrm_core.records.sealed_fields import SEALED_FIELDS
from xrm_core.records.sealed_files import open_attached
from xrm_core.records.sealing import sealed
from xrm_core.records.stored import Record, targets_of
from xrm_core.records.wording import noun
from xrm_core.storage.driver_statements import Call, run_together
from xrm_core.translation import say

if TYPE_CHECKING:
    from xrm_core.records.door import Records


@dataclass(slots=True)
class New:
    """A record that is to be created, ready to be stored.

    ``index`` is its place among those that were given, ``names`` are the fields that the caller has written, ``given``
    what stood in them, ``then`` is what plugins want done when it is stored.
    """

    index: int
    record: Record
    links: Mapping[str, LinkChange]
    names: tuple[str, ...]
    given: Mapping[str, Any]
    then: Then | None = None


def prepare(
    records: "Records",
    connection: Connection,
    caller: Caller,
    kind: Entity,
    rows: Sequence[Mapping[str, Any]],
    now: dt.datetime,
) -> tuple[list[New], dict[int, XrmError]]:
    """The records that can be stored as far as can be said before, and what is wrong with the others, by their place.

    Raises:
        Forbidden: the caller may create no such records, whatever their values.
    """
    for names in {tuple(owned(kind, values)) for values in rows}:
        check_fields(caller, kind, Action.CREATE, names)
    has_defaults = _HAS_DEFAULTS(kind)
    empty = _empty(caller, kind, now)
    ready: list[New] = []
    wrong: dict[int, XrmError] = {}
    seen: dict[Any, Any] | None = {} if len(rows) > 1 else None
    for index, values in enumerate(rows):
        try:
            first = defaults(kind, caller) if has_defaults else {}  # anew for each, since plugins may change them
            then = Then(records, connection, caller, seen=seen)
            new = _formed(records, caller, kind, index, first, values, empty, then)
            refuse(records.files.problems(connection, caller, kind, new.given, new.record), kind, caller)
            ready.append(new)
        except XrmError as error:
            wrong[index] = error
    if not isinstance(caller, System):  # it sees everything; whether the target exists is the foreign key's to say
        wrong |= unseen(records.scope(connection, caller), connection, caller, kind, ready)
        ready = [each for each in ready if each.index not in wrong]
    # At last: no key is made, nothing entered by which a record is found, and no file opened for what is wrong.
    if SEALED_FIELDS(kind) or records.files.may_open(kind):
        for each in ready:
            try:
                each.record = sealed(records, connection, kind, None, each.record, each.record["id"])
                open_attached(records, connection, kind, each.record)
            except XrmError as error:
                wrong[each.index] = error
        ready = [each for each in ready if each.index not in wrong]
    return ready, wrong


def formed(records: "Records", caller: Caller, kind: Entity, values: Mapping[str, Any], now: dt.datetime) -> New:
    """One record, as far as can be said without asking anybody: no plugin, and no files and targets in the database.

    Raises:
        Forbidden, ValidationFailed: it cannot be stored.
    """
    check_fields(caller, kind, Action.CREATE, tuple(owned(kind, values)))
    first = defaults(kind, caller) if _HAS_DEFAULTS(kind) else {}
    return _formed(records, caller, kind, 0, first, values, _empty(caller, kind, now), None)


def _empty(caller: Caller, kind: Entity, now: dt.datetime) -> Record:
    """What a record has besides: every row of a statement names the same columns."""
    empty: Record = {**dict.fromkeys(kind.fields), "created_at": now, "updated_at": now, "version": 1}
    return {**empty, "created_by": caller.actor, "updated_by": caller.actor}


def _has_defaults(kind: Entity) -> bool:
    return any(field.default is not None for field in kind.fields.values())


_HAS_DEFAULTS = WorkedOut(_has_defaults)


def store(
    records: "Records",
    connection: Connection,
    caller: Caller,
    kind: Entity,
    ready: Sequence[New],
    now: dt.datetime,
    *,
    along: Callable[[], None] | None = None,
) -> None:
    """Store records, in the order of their places; the first that is wrong refuses all.

    ``along`` stores what refers to them.
    """
    if not ready:
        return
    if len(ready) == 1 and along is None and not ready[0].links and stands_alone(kind):
        _store_alone(records, connection, caller, kind, ready[0], now)
        return
    table = records.tables[kind.name]
    # Copies: numbers are those of this try. One that is taken back gives them back, too, or there would be gaps.
    all_ = [dict(each.record) for each in ready]
    _hold_reached(records, connection, caller, kind, ready)
    number_new(connection, table, kind, all_)
    addresses.hold(connection, kind, all_)
    try:
        layout(kind, records.tables, connection.dialect).write(connection, all_)
    except IntegrityError as error:
        raise translated(error, kind, caller) from None
    refuse(conflicts(connection, records.tables, kind, [record["id"] for record in all_]), kind, caller)
    refuse(addresses.taken(connection, table, kind, all_), kind, caller)
    entries = [logged.entry(caller, kind, Operation.CREATE, each, logged.state(kind, each)) for each in all_]
    log.append(connection, entries, now)
    for each in ready:
        if each.links:
            change_links(records, connection, caller, kind, each.record["id"], each.links)
    if along is not None:
        along()
    if not _all_hold(records, connection, caller, kind, ready):  # after all of that, which rules may be about
        raise _not_such(records, connection, caller, kind, ready)
    _follow(kind, ready)


def _follow(kind: Entity, ready: Iterable[New]) -> None:
    """What plugins want done with the records, now that these are stored."""
    follow_together(kind.name, ((each.then, each.record["id"]) for each in ready if each.then is not None))


def _store_alone(
    records: "Records", connection: Connection, caller: Caller, kind: Entity, new: New, now: dt.datetime
) -> None:
    """As :func:`store` for one record that concerns no others: all of its statements at once."""
    record, scope = dict(new.record), records.scope(connection, caller)
    conditions = row_conditions(scope, caller, kind, Action.CREATE, new.names)
    numbered = any(field.sequence is not None for field in kind.fields.values())
    held = None if numbered else holding_for(scope, kind, new.record, conditions.reach)
    if held is None:
        _hold_reached(records, connection, caller, kind, [new])
    number_new(connection, records.tables[kind.name], kind, [record])
    calls = [*(held or ()), *inserting(scope, caller, kind, record, now)]
    question = holding(scope, caller, kind, record["id"], conditions)
    try:
        outcomes = run_together(connection, calls if question is None else [*calls, question])
    except IntegrityError as error:
        raise translated(error, kind, caller) from None
    if question is not None and not outcomes[-1][0]:
        raise _not_such(records, connection, caller, kind, [new])
    _follow(kind, [new])


def inserting(scope: Scope, caller: Caller, kind: Entity, record: Record, now: dt.datetime) -> list[Call]:
    """What stores one record, and its entry in the change log."""
    change = logged.entry(caller, kind, Operation.CREATE, record, logged.state(kind, record))
    return [layout(kind, scope.tables, scope.dialect).call(record), *log.appending(scope.dialect, [change], now)]


def _not_such(
    records: "Records", connection: Connection, caller: Caller, kind: Entity, ready: Sequence[New]
) -> XrmError:
    """The error for records that the caller may not create as they are stored.

    On PostgreSQL what they refer to may be out of the caller's sight since it was looked at: then that is the reason.
    """
    if connection.dialect.name == "postgresql" and not isinstance(caller, System):
        lost = unseen(records.scope(connection, caller), connection, caller, kind, ready)
        if lost:
            return lost[min(lost)]
    return Forbidden(
        say("You may not create such a {entity}.", entity=noun(kind)),
        hint=say("The record would not be one of those that your role may create, e.g. not your own."),
    )


def _formed(
    records: "Records",
    caller: Caller,
    kind: Entity,
    index: int,
    first: Record,
    values: Mapping[str, Any],
    empty: Record,
    then: Then | None,
) -> New:
    fields, links = split(kind, values)
    system: Record = {}
    given = fields
    if not SYSTEM_NAMES.isdisjoint(fields):
        system = {name: value for name, value in fields.items() if name in SYSTEM_NAMES}
        given = {name: value for name, value in fields.items() if name not in SYSTEM_NAMES}
    record = records.canonical(kind, {**first, **given} if first else given)
    refuse(records.validator.problems(kind, record), kind, caller)
    final = record if then is None else records.hooks.before_create(kind.name, record, then)
    if final is not record:  # else no plugin was asked
        final = records.canonical(kind, final)
        refuse_unwritable(kind, record, final)
        if final != record:
            refuse(records.validator.problems(kind, final), kind, caller)
    return New(index, {**empty, **final, "id": str(uuid7()), **system}, links, tuple(owned(kind, values)), given, then)


def unseen(
    scope: Scope, connection: Connection, caller: Caller, kind: Entity, ready: Sequence[New]
) -> dict[int, XrmError]:
    """A relation may only be set to a record that the caller can see."""
    relations = [field for field in kind.fields.values() if field.relation is not None]
    wanted = [
        (each.index, field.name, target, id_)
        for each in ready
        for field in relations
        if (value := each.given.get(field.name)) is not None
        for target, id_ in targets_of(field, value)
    ]
    seen: set[tuple[str, str]] = set()
    for target in {target for _, _, target, _ in wanted}:
        if not caller.access.may(target, Action.READ):
            continue
        ids = {id_.lower() for _, _, other, id_ in wanted if other == target}
        seen |= {(target, id_) for id_ in readable_of(connection, scope, caller, scope.model[target], ids)}
    problems: dict[int, Problems] = {}
    for index, name, target, id_ in wanted:
        if (target, id_.lower()) not in seen:
            message = say("there is no {entity} with this id", entity=noun(scope.model[target]))
            problems.setdefault(index, []).append({"field": name, "rule": "relation", "message": message})
    return {index: ValidationFailed(told(found, kind, caller), entity=noun(kind)) for index, found in problems.items()}


def _hold_reached(
    records: "Records", connection: Connection, caller: Caller, kind: Entity, ready: Iterable[New]
) -> None:
    """Hold what the rules for these look at, before others see in any way that they come."""
    if connection.dialect.name == "sqlite":
        return
    scope = records.scope(connection, caller)
    by_names: dict[tuple[str, ...], list[Record]] = {}
    for each in ready:
        by_names.setdefault(each.names, []).append(each.record)
    for names, some in by_names.items():
        reach = row_conditions(scope, caller, kind, Action.CREATE, names).reach
        hold_for(connection, scope, kind, some, reach)


def _all_hold(records: "Records", connection: Connection, caller: Caller, kind: Entity, ready: Iterable[New]) -> bool:
    """Whether the caller may create each of these, as it is stored."""
    scope = records.scope(connection, caller)
    by_names: dict[tuple[str, ...], list[str]] = {}
    for each in ready:
        by_names.setdefault(each.names, []).append(each.record["id"])
    for names, ids in by_names.items():
        conditions = row_conditions(scope, caller, kind, Action.CREATE, names)
        if not all_hold(connection, scope, caller, kind, ids, conditions):
            return False
    return True
