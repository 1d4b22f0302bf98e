"""Out of the trash: a record comes back with what went with it, as far as things are now.

It has its id, who has created it and when, and its links; its version counts on. Whoever may delete it there and could
create such a record may bring it back; whether that is so is asked of the rows that were stored. What went along comes
back along, whatever the caller's rights on that, as it went.
"""

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from xrm_core.changes import log
from xrm_core.changes.entry import Change, Operation
from xrm_core.errors import Forbidden, NotFound
from xrm_core.metadata.model import Entity
from xrm_core.permissions.caller import Caller
from xrm_core.permissions.policy import Action
from xrm_core.query.scan import Scope
from xrm_core.query.trash import former_names, trash_scan
from xrm_core.records import addresses, logged
from xrm_core.records.defaults import defaults, own
from xrm_core.records.refusals import refuse, translated
from xrm_core.records.relationships import conflicts
from xrm_core.records.rights import Problems, context, holds, permission, row_conditions
from xrm_core.records.stored import Record, targets_of, to_columns
from xrm_core.records.trash import record_of
from xrm_core.records.wording import noun
from xrm_core.storage.trash_tables import TRASH
from xrm_core.translation import say

if TYPE_CHECKING:
    from xrm_core.records.door import Records

Key = tuple[str, str]
"""Entity and id of a record."""


@dataclass(frozen=True, slots=True)
class _Back:
    """A record that comes back. ``later`` are relations to others of which some come after it."""

    kind: Entity
    record: Record
    later: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        return self.kind.name, self.record["id"]


def restore(records: "Records", connection: Connection, caller: Caller, entity: str, id_: str) -> None:
    """Bring a record back; see :meth:`xrm_core.records.door.Records.restore`."""
    kind, scope = records.model[entity], records.scope(connection, caller)
    conditions = row_conditions(scope, caller, kind, Action.CREATE, ())
    kept = found_in_trash(connection, scope, caller, kind, id_)
    now = dt.datetime.now(dt.UTC)
    mine = TRASH.c.deletion == kept.deletion
    rows = connection.execute(select(TRASH.c.entity, TRASH.c.record).where(mine).order_by(TRASH.c.place)).all()
    back = [found for row in rows if (found := _back(records, caller, row.entity, row.record, now)) is not None]
    back = [_checked(records, connection, caller, each, {other.key for other in back}) for each in back]
    for each in back:
        records.plugins.before_restore(each.kind.name, each.record)
    in_order = list(_in_order(back))
    _store(records, connection, caller, in_order)
    entries = [
        logged.entry(caller, each.kind, Operation.RESTORE, each.record, logged.state(each.kind, each.record))
        for each in in_order
    ]
    log.append(connection, [*entries, *_given_back(records, connection, caller, kept.lost, back, now)], now)
    connection.execute(delete(TRASH).where(mine))
    if not holds(connection, scope, caller, kind, id_, conditions):
        raise Forbidden(
            say("You may not restore this {entity}.", entity=noun(kind)),
            hint=say("The record would not be one of those that your role may create, e.g. not your own."),
        )


def found_in_trash(connection: Connection, scope: Scope, caller: Caller, kind: Entity, id_: str) -> Any:
    """The row of the trash of a record that was asked to be deleted, held until the transaction ends.

    Raises:
        Forbidden: the caller may delete or read no record of the entity.
        NotFound: there is none, or none that the caller may delete and read.
    """
    permission(caller, kind, Action.DELETE)
    permission(caller, kind, Action.READ)
    mine = TRASH.c.entity.in_(former_names(kind)), TRASH.c.record_id == id_, TRASH.c.place == 0
    row = connection.execute(select(TRASH).where(*mine).with_for_update()).first()
    found, may_delete = trash_scan(scope, kind)
    rules = [may_delete, *([] if found.rule is None else [found.rule])]
    seen = select(found.source.c.id).where(found.source.c.id == id_, *rules)
    if row is None or connection.execute(seen, context(caller)).first() is None:
        raise NotFound(say("There is no {entity} with the id {id} in the trash.", entity=noun(kind), id=id_))
    return row


def _back(records: "Records", caller: Caller, entity: str, kept: Mapping[str, Any], now: dt.datetime) -> _Back | None:
    """The record as it would be stored; None if there is no such entity any more."""
    kind = next((each for each in records.model if entity in former_names(each)), None)
    if kind is None:
        return None
    record, new = record_of(kind, kept)
    record |= {name: value for name, value in defaults(kind, caller).items() if name in new}
    record |= {"version": record["version"] + 1, "updated_at": now, "updated_by": caller.actor}
    return _Back(kind, record)


def _checked(records: "Records", connection: Connection, caller: Caller, back: _Back, coming: set[Key]) -> _Back:
    """The record, checked; relations to what has gone meanwhile are empty, if that would have emptied them."""
    kind, record, problems = back.kind, dict(back.record), Problems()
    for field in kind.fields.values():
        for target, id_ in targets_of(field, record.get(field.name)):
            table = records.tables[target]
            there = select(table.c.id).where(table.c.id == id_).with_for_update(key_share=True)
            if (target, id_) in coming or connection.execute(there).first() is not None:
                continue
            if field.reference.on_delete == "set_null" and not field.required:
                record[field.name] = None
            else:
                message = say("there is no {entity} with this id", entity=noun(records.model[target]))
                problems.append({"field": field.name, "rule": "relation", "message": message})
    refuse(problems, kind, caller)
    refuse(records.validator.problems(kind, own(record)), kind, caller)
    return _Back(kind, record)


def _in_order(back: Sequence[_Back]) -> Iterator[_Back]:
    """Each after those to which it refers; where that goes round, some relations are for later."""
    waiting = {each.key: each for each in back}
    while waiting:
        ready = [each for each in waiting.values() if not _awaits(each, waiting)]
        if not ready:
            each = next(iter(waiting.values()))
            ready = [_Back(each.kind, each.record, tuple(_awaits(each, waiting)))]
        for each in ready:
            del waiting[each.key]
            yield each


def _awaits(back: _Back, waiting: Mapping[Key, _Back]) -> list[str]:
    return [
        field.name
        for field in back.kind.fields.values()
        for target in targets_of(field, back.record.get(field.name))
        if target in waiting and target != back.key
    ]


def _store(records: "Records", connection: Connection, caller: Caller, back: Sequence[_Back]) -> None:
    for name, some in groupby(back, lambda each: each.kind.name):
        kind, table, group = records.model[name], records.tables[name], list(some)
        rows = [each.record for each in group]
        addresses.hold(connection, kind, rows)
        first = [to_columns(kind, {**each.record, **dict.fromkeys(each.later)}) for each in group]
        try:
            connection.execute(insert(table), first)
        except IntegrityError as error:
            raise translated(error, kind, caller) from None
        refuse(addresses.taken(connection, table, kind, rows), kind, caller)
    for each in back:
        if each.later:
            columns = to_columns(each.kind, {name: each.record[name] for name in each.later})
            table = records.tables[each.kind.name]
            connection.execute(update(table).where(table.c.id == each.record["id"]).values(columns))
    for name, some in groupby(back, lambda each: each.kind.name):  # when their ends are there
        kind = records.model[name]
        ids = [each.record["id"] for each in some]
        refuse(conflicts(connection, records.tables, kind, ids), kind, caller)


def _given_back(
    records: "Records",
    connection: Connection,
    caller: Caller,
    lost: str | None,
    back: Iterable[_Back],
    now: dt.datetime,
) -> Iterator[Change]:
    """Fill the relations of others that the deletion has emptied, and that are still empty; says what that changes."""
    coming = {each.key for each in back}
    for entity, id_, name, value in [] if lost is None else json.loads(lost):
        kind = records.model.entities.get(entity)
        field = None if kind is None else kind.fields.get(name)
        if kind is None or field is None or not coming.issuperset(targets_of(field, value)):
            continue
        table = records.tables[entity]
        empty = [table.c[column].is_(None) for column in field.columns]
        stamped = {"version": table.c.version + 1, "updated_at": now, "updated_by": caller.actor}
        change = update(table).where(table.c.id == id_, *empty).values({**to_columns(kind, {name: value}), **stamped})
        try:
            version = connection.execute(change.returning(table.c.version)).scalar()
        except IntegrityError as error:
            raise translated(error, kind, caller) from None
        if version is not None:
            after = {"id": id_, "version": version}
            yield logged.entry(caller, kind, Operation.UPDATE, after, {name: [None, value]})
