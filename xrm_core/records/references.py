"""What refers to records that are merged, and what becomes of it: it refers to the one that stays, or it is dropped.

Dropped are only links and relationships: those that would join the record that stays with itself, and those that it
has already.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, func, or_, select

from xrm_core.errors import Forbidden, QueryTooLarge
from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.relationships import SOURCE, TARGET, VALID_FROM
from xrm_core.permissions.caller import Caller, System
from xrm_core.permissions.policy import Action
from xrm_core.query.predicates import scan
from xrm_core.records.bulk import MOST
from xrm_core.records.rights import context, readable_of, row_conditions
from xrm_core.records.stored import Record, from_row, targets_of
from xrm_core.translation import say

if TYPE_CHECKING:
    from xrm_core.records.door import Records

_AT_ONCE = 500

Values = Mapping[str, Any]
Joins = tuple[Any, ...]
"""What a link or a relationship joins: no two may be equal."""


@dataclass(slots=True)
class Referring:
    """The records of one entity that refer to those that are merged: their new values, and which are dropped."""

    kind: Entity
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self.changes) + len(self.dropped)

    def alike(self) -> Iterator[tuple[Values, list[str]]]:
        """The changes, each with the records that get it."""
        groups: dict[str, tuple[Values, list[str]]] = {}
        for id_, values in self.changes.items():
            groups.setdefault(repr(sorted(values.items())), (values, []))[1].append(id_)
        yield from groups.values()


@dataclass(frozen=True, slots=True)
class Unchangeable:
    """What the caller may not change: how many that they see, and whether there are others."""

    seen: int
    hidden: bool


def referring(
    records: "Records",
    connection: Connection,
    caller: Caller,
    kind: Entity,
    into: str,
    sources: Sequence[str],
    own: Values,
) -> list[Referring]:
    """What refers to records that are merged, held until the transaction ends.

    Args:
        records: the door.
        connection: in the transaction of the merge, which holds the records themselves: so nobody can add others.
        caller: who merges them.
        kind: the entity of the records.
        into: the id of the one that stays.
        sources: the ids of those that are merged into it.
        own: what is to stand in relations of the one that stays, where it refers to one of the others: never itself.

    Raises:
        QueryTooLarge: they are more than can be moved at once.
        Forbidden: so they are, but the caller does not see so many.
    """
    found: list[Referring] = []
    looked: list[tuple[Entity, list[str]]] = []
    for name, names in sorted(_relations(kind).items()):
        owner, table = records.model[name], records.tables[name]
        fields = [owner.fields[each] for each in names]
        columns = {each.name: table.c[each.column_to(kind.name)] for each in fields}
        mine = or_(*(column.in_(sources) for column in columns.values()))
        looked.append((owner, [column.name for column in columns.values()]))
        total = sum(each.count for each in found) + (
            connection.scalar(select(func.count()).select_from(table).where(mine)) or 0
        )
        if total > MOST:
            # That there are so many is for who sees so many. Others hear what they hear of a single one.
            if not isinstance(caller, System) and _count_seen(records, connection, caller, looked, sources) <= MOST:
                raise hidden_in_the_way()
            raise QueryTooLarge(
                say("More than {limit} records refer to those that are to be merged.", limit=MOST),
                hint=say("Let some of them refer to the record that stays beforehand (in parts, by where)."),
            )
        # Ids never change, so others may go on to refer to what only changes itself.
        rows = connection.execute(select(table).where(mine).order_by(table.c.id).with_for_update(key_share=True))
        stored = [from_row(owner, dict(row)) for row in rows.mappings().all()]
        each = Referring(owner)
        if owner.kind == "entity":
            each.changes = dict(_changes(kind, owner, fields, stored, into, set(sources), own))
        else:
            _join(connection, table, kind, each, fields, stored, into, sources)
        if each.count:
            found.append(each)
    return found


def _count_seen(
    records: "Records",
    connection: Connection,
    caller: Caller,
    looked: Iterable[tuple[Entity, Sequence[str]]],
    sources: Sequence[str],
) -> int:
    count = 0
    for owner, columns in looked:
        if caller.access.may(owner.name, Action.READ):
            found = scan(records.scope(connection, caller), owner)
            rules = [or_(*(found.source.c[name].in_(sources) for name in columns)), found.rule]
            query = select(func.count()).select_from(found.source).where(*(rule for rule in rules if rule is not None))
            count += connection.scalar(query, context(caller)) or 0
    return count


def hidden_in_the_way() -> Forbidden:
    """The error for records that refer to merged ones, and that somebody may neither change nor see."""
    return Forbidden(
        say("Records that you cannot see, and so cannot change, refer to those that are to be merged."),
        hint=say("Nothing was merged. Ask somebody who may change all of them."),
    )


def unchangeable(
    records: "Records", connection: Connection, caller: Caller, found: Sequence[Referring]
) -> Unchangeable:
    """Those of these records that the caller may not change (or, of those that are dropped, delete)."""
    seen, hidden = 0, False
    for each in found:
        wrong = {
            id_
            for values, ids in each.alike()
            for id_ in set(ids) - _held(records, connection, caller, each.kind, Action.UPDATE, tuple(values), ids)
        }
        wrong |= set(each.dropped) - _held(records, connection, caller, each.kind, Action.DELETE, (), each.dropped)
        shown = _readable(records, connection, caller, each.kind, wrong)
        seen, hidden = seen + len(shown), hidden or len(shown) < len(wrong)
    return Unchangeable(seen, hidden)


def _readable(
    records: "Records", connection: Connection, caller: Caller, kind: Entity, ids: Collection[str]
) -> Collection[str]:
    if isinstance(caller, System) or not ids:
        return ids
    if not caller.access.may(kind.name, Action.READ):
        return ()
    return readable_of(connection, records.scope(connection, caller), caller, kind, ids)


def _held(
    records: "Records",
    connection: Connection,
    caller: Caller,
    kind: Entity,
    action: Action,
    names: Sequence[str],
    ids: Sequence[str],
) -> set[str]:
    granted = caller.access.get(kind.name, action)
    if granted is None or any(name not in granted.field_rules for name in names):
        return set()
    scope, table = records.scope(connection, caller), records.tables[kind.name]
    conditions = row_conditions(scope, caller, kind, action, names)
    if not conditions:
        return set(ids)
    found: set[str] = set()
    for start in range(0, len(ids), _AT_ONCE):
        some = table.c.id.in_(ids[start : start + _AT_ONCE])
        rows = connection.scalars(select(table.c.id).where(some, *conditions), context(caller))
        found |= {str(id_) for id_ in rows}
    return found


def _relations(kind: Entity) -> dict[str, list[str]]:
    """The relations to records of an entity, by the entity that has them."""
    found: dict[str, list[str]] = {}
    for inverse in kind.inverses.values():
        found.setdefault(inverse.entity, []).append(inverse.field)
    return {name: sorted(set(names)) for name, names in found.items()}


def _changes(
    kind: Entity,
    owner: Entity,
    fields: Sequence[Field],
    records: Sequence[Record],
    into: str,
    sources: set[str],
    own: Values,
) -> Iterator[tuple[str, dict[str, Any]]]:
    for record in records:
        values: dict[str, Any] = {}
        goes = owner.name == kind.name and record["id"] in sources
        stays = owner.name == kind.name and record["id"] == into
        for each in fields:
            # One that goes itself takes its relation along, unless the database would not let the other go first.
            if _refers(each, record, kind, sources) and not (goes and each.reference.on_delete != "restrict"):
                values[each.name] = own.get(each.name) if stays else _to(each, kind, into)
        if values:
            yield record["id"], values


def _join(
    connection: Connection,
    table: Any,
    kind: Entity,
    referring_: Referring,
    fields: Sequence[Field],
    records: Sequence[Record],
    into: str,
    sources: Sequence[str],
) -> None:
    """Links and relationships: what they join is to be there once."""
    owner, places = referring_.kind, {id_: place for place, id_ in enumerate(sources)}
    ends = (SOURCE, TARGET) if owner.between is None else (owner.between.source, owner.between.target)

    def first(record: Record) -> tuple[int, str]:
        named = [
            places[id_] for name in ends for _, id_ in targets_of(owner.fields[name], record[name]) if id_ in places
        ]
        return min(named, default=0), record["id"]

    ready: list[tuple[Record, Values]] = []
    for record in sorted(records, key=first):
        values = {each.name: _to(each, kind, into) for each in fields if _refers(each, record, kind, places)}
        ready.append(({**record, **values}, values))
    others = {id_ for moved, _ in ready for name in ends for _, id_ in targets_of(owner.fields[name], moved[name])}
    there = _there(connection, table, owner, fields, kind, into, others - {into}, ends)
    for moved, new in ready:
        joins = _joins(owner, moved)
        source, target = (targets_of(owner.fields[name], moved[name]) for name in ends)
        if source == target or joins in there:
            referring_.dropped.append(moved["id"])
        else:
            referring_.changes[moved["id"]] = dict(new)
            there.add(joins)


def _there(
    connection: Connection,
    table: Any,
    owner: Entity,
    fields: Sequence[Field],
    kind: Entity,
    into: str,
    others: Collection[str],
    ends: Sequence[str],
) -> set[Joins]:
    """What the record that stays is joined with, as far as that is one of some others: it may have any number."""
    at_survivor = or_(*(table.c[each.column_to(kind.name)] == into for each in fields))
    columns = [table.c[name] for end in ends for name in owner.fields[end].columns]
    found: set[Joins] = set()
    in_order = sorted(others)
    for start in range(0, len(in_order), _AT_ONCE):
        some = in_order[start : start + _AT_ONCE]
        at_others = or_(*(column.in_(some) for column in columns))
        found |= {_joins(owner, record) for record in _those(connection, table, owner, at_survivor & at_others)}
    return found


def _refers(field_: Field, record: Record, kind: Entity, sources: Collection[str]) -> bool:
    return any(entity == kind.name and id_ in sources for entity, id_ in targets_of(field_, record[field_.name]))


def _to(field_: Field, kind: Entity, id_: str) -> Any:
    return {kind.name: id_} if field_.reference.polymorphic else id_


def _joins(owner: Entity, record: Record) -> Joins:
    if owner.between is not None:
        return record[owner.between.source], record[owner.between.target]
    ends = [targets_of(owner.fields[name], record[name])[0] for name in (SOURCE, TARGET)]
    if owner.relationship is not None and owner.relationship.symmetric:
        ends.sort()
    return *ends, record[VALID_FROM]


def _those(connection: Connection, table: Any, owner: Entity, condition: ColumnElement[bool]) -> Iterator[Record]:
    for row in connection.execute(select(table).where(condition)).mappings():
        yield from_row(owner, dict(row))
