"""Records come back into their tables, with their ids, links and versions, as far as things are now.

Out of the trash, or from where they were moved for a time.
"""

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from xrm_core.changes.entry import Change, Operation
from xrm_core.metadata.model import Entity, Field
from xrm_core.permissions.caller import Caller
from xrm_core.query.trash import former_names
from xrm_core.records import addresses, logged
from xrm_core.records.defaults import defaults, own
from xrm_core.records.refusals import refuse, translated
from xrm_core.records.relationships import conflicts
from xrm_core.records.rights import ONE, Problems
from xrm_core.records.sealed_fields import SEALED_FIELDS
from xrm_core.records.stored import Record, targets_of, to_columns
from xrm_core.records.trash import record_of
from xrm_core.records.updating import NEW
from xrm_core.records.wording import noun
from xrm_core.translation import say

if TYPE_CHECKING:
    from xrm_core.records.door import Records

_AT_ONCE = 500

Key = tuple[str, str]
"""Entity and id of a record."""


@dataclass(frozen=True, slots=True)
class Back:
    """A record that comes back. ``later`` are relations to others of which some come after it."""

    kind: Entity
    record: Record
    later: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """Which it is."""
        return self.kind.name, self.record["id"]


def back_of(records: "Records", caller: Caller, entity: str, kept: Mapping[str, Any], now: dt.datetime) -> Back | None:
    """The record as it would be stored; None if there is no such entity any more."""
    kind = next((each for each in records.model if entity in former_names(each)), None)
    if kind is None:
        return None
    record, new = record_of(kind, kept)
    record |= {name: value for name, value in defaults(kind, caller).items() if name in new}
    record |= {"version": record["version"] + 1, "updated_at": now, "updated_by": caller.actor}
    return Back(kind, record)


def checked(records: "Records", connection: Connection, caller: Caller, back: Sequence[Back]) -> list[Back]:
    """The records, checked; relations to what has gone meanwhile are empty, if that would have emptied them.

    Links to what has gone, which would have taken them along, are left out.
    """
    there = {each.key for each in back}
    there |= _existing(records, connection, {key for each in back for _, key in _targets(each)} - there)
    found = []
    for each in back:
        kind, record, problems = each.kind, dict(each.record), Problems()
        if kind.kind == "link" and not there.issuperset(key for _, key in _targets(each)):
            continue
        for field, key in _targets(each):
            if key in there:
                continue
            if field.reference.on_delete == "set_null" and not field.required:
                record[field.name] = None
            else:
                message = say("there is no {entity} with this id", entity=noun(records.model[key[0]]))
                problems.append({"field": field.name, "rule": "relation", "message": message})
        refuse(problems, kind, caller)
        mine = own(record)
        clear = {name: value for name, value in mine.items() if name not in SEALED_FIELDS(kind)}
        refuse(records.validator.problems(kind, mine, changed=clear), kind, caller)
        found.append(Back(kind, record))
    return found


def _targets(back: Back) -> Iterator[tuple[Field, Key]]:
    for field in back.kind.fields.values():
        for key in targets_of(field, back.record.get(field.name)):
            yield field, key


def _existing(records: "Records", connection: Connection, keys: Iterable[Key]) -> set[Key]:
    """Those of some records that exist, held so that they do not go."""
    found: set[Key] = set()
    for entity, some_keys in groupby(sorted(keys), lambda key: key[0]):
        table = records.tables[entity]
        for some in _parts([id_ for _, id_ in some_keys]):
            query = select(table.c.id).where(table.c.id.in_(some)).order_by(table.c.id)
            there = connection.scalars(query.with_for_update(key_share=True))
            found |= {(entity, str(id_)) for id_ in there}
    return found


def in_order(back: Sequence[Back]) -> Iterator[Back]:
    """Each after those to which it refers; where that goes round, some relations are for later."""
    waiting = {each.key: each for each in back}
    while waiting:
        ready = [each for each in waiting.values() if not _awaits(each, waiting)]
        if not ready:
            each = next(iter(waiting.values()))
            ready = [Back(each.kind, each.record, tuple(_awaits(each, waiting)))]
        for each in sorted(ready, key=lambda each: each.kind.name):  # few statements for each entity
            del waiting[each.key]
            yield each


def _awaits(back: Back, waiting: Mapping[Key, Back]) -> list[str]:
    return [
        field.name
        for field in back.kind.fields.values()
        for target in targets_of(field, back.record.get(field.name))
        if target in waiting and target != back.key
    ]


def store(records: "Records", connection: Connection, caller: Caller, back: Sequence[Back]) -> None:
    """Insert them, in the order of :func:`in_order`; what others have taken meanwhile is refused."""
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


def given_back(
    records: "Records",
    connection: Connection,
    caller: Caller,
    lost: Iterable[str | None],
    back: Iterable[Back],
    now: dt.datetime,
) -> Iterator[Change]:
    """Fill the relations of others that the deletion has emptied, and that are still empty; says what that changes."""
    coming = {each.key for each in back}
    wanted: dict[tuple[str, str], dict[str, Any]] = {}
    for entity, id_, name, value in (each for text in lost if text is not None for each in json.loads(text)):
        kind = records.model.entities.get(entity)
        field = None if kind is None else kind.fields.get(name)
        if field is not None and coming.issuperset(targets_of(field, value)):
            wanted.setdefault((entity, name), {}).setdefault(id_, value)  # what two have lost is given back once
    for (entity, name), values in wanted.items():
        kind, table = records.model[entity], records.tables[entity]
        empty = [table.c[column].is_(None) for column in kind.fields[name].columns]
        for some in _parts(sorted(values)):
            query = select(table.c.id, table.c.version).where(table.c.id.in_(some), *empty).order_by(table.c.id)
            held = {str(row.id): row.version for row in connection.execute(query.with_for_update(key_share=True))}
            if not held:
                continue
            columns = {id_: to_columns(kind, {name: values[id_]}) for id_ in held}
            new = {
                column: bindparam(f"{NEW}{column}", type_=table.c[column].type) for column in kind.fields[name].columns
            }
            stamped = {"version": table.c.version + 1, "updated_at": now, "updated_by": caller.actor}
            change = update(table).where(table.c.id == bindparam(ONE)).values({**new, **stamped})
            rows = [
                {ONE: id_, **{f"{NEW}{column}": each.get(column) for column in new}} for id_, each in columns.items()
            ]
            try:
                connection.execute(change, rows)
            except IntegrityError as error:
                raise translated(error, kind, caller) from None
            for id_, version in held.items():
                after = {"id": id_, "version": version + 1}
                yield logged.entry(caller, kind, Operation.UPDATE, after, {name: [None, values[id_]]})


def _parts(all_: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(all_), _AT_ONCE):
        yield all_[start : start + _AT_ONCE]
