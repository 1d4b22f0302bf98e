"""What the deletion of a record does to others: those that go with it, and those that lose their relation to it.

The database would do it by itself, but in silence: nobody would know what has gone, and versions would stay.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, select, update

from xrm_core.changes.entry import Change, Operation
from xrm_core.errors import DeletionTooLarge
from xrm_core.metadata.model import Entity, Field, Model
from xrm_core.permissions.caller import Caller
from xrm_core.records.stored import Record, from_row
from xrm_core.records.wording import noun
from xrm_core.storage.tables import Tables
from xrm_core.translation import say

_AT_ONCE = 500

MOST_ALONG = 50_000
"""Records that one deletion may take along or change, if the setting ``max_deletion`` does not say."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A record that is deleted, as it is stored; ``root`` is the id of the one with which it goes, if with another."""

    kind: Entity
    record: Record
    root: str = ""


def going_along(
    connection: Connection,
    model: Model,
    tables: Tables,
    kind: Entity,
    ids: Sequence[str],
    most: int,
    by: Sequence[str] = ("cascade",),
) -> list[Gone]:
    """The records that the database will delete with these, held until the transaction ends; the nearest first.

    Args:
        connection: in the transaction of the deletion, which holds the records themselves: so nobody can add others.
        model: with all relations.
        tables: where the records are.
        kind: the entity of the records.
        ids: theirs.
        most: so many at most, since all of them are in memory, in the trash and in the log at once.
        by: what the relations by which they go say of a deletion; also ``restrict`` where those that could not be
            without these are to go with them.

    Raises:
        DeletionTooLarge: they are more.
    """
    found: list[Gone] = []
    roots = {(kind.name, id_): id_ for id_ in ids}
    waiting = {kind.name: list(ids)}
    while waiting:
        target, reached = waiting.popitem()
        for owner, field in (each for kind_of in by for each in _relations(model, target, kind_of)):
            table = tables[owner.name]
            column = table.c[_column(field, target)]
            for some in _some(reached):
                query = select(table).where(column.in_(some)).order_by(table.c.id).limit(most + 1).with_for_update()
                for row in connection.execute(query).mappings().all():
                    record = from_row(owner, dict(row))
                    if (owner.name, record["id"]) not in roots:
                        root = roots[target, row[column.name]]
                        roots[owner.name, record["id"]] = root
                        found.append(Gone(owner, record, root))
                        require_few(kind, len(found), most)
                        waiting.setdefault(owner.name, []).append(record["id"])
    return found


def let_go(
    connection: Connection,
    model: Model,
    tables: Tables,
    caller: Caller,
    gone: Sequence[tuple[str, str]],
    now: dt.datetime,
    most: int,
) -> list[Change]:
    """Empty the relations of other records to those that will be deleted, and say which records that has changed.

    Args:
        connection: as for :func:`going_along`.
        model: with all relations.
        tables: where the records are.
        caller: who deletes.
        gone: entity and id of each record that will be deleted.
        now: aware.
        most: so many at most.

    Raises:
        DeletionTooLarge: they are more; some of them may have been changed, so the transaction is to be taken back.
    """
    by_entity: dict[str, list[str]] = {}
    for entity, id_ in gone:
        by_entity.setdefault(entity, []).append(id_)
    changes: list[Change] = []
    for target, ids in by_entity.items():
        for owner, field in _relations(model, target, "set_null"):
            going = set(by_entity.get(owner.name, ()))
            for change in _emptied(connection, tables[owner.name], caller, owner, field, target, ids, going, now, most):
                changes.append(change)
                require_few(model[gone[0][0]], len(changes), most)
    return changes


def _emptied(
    connection: Connection,
    table: Table,
    caller: Caller,
    owner: Entity,
    field: Field,
    target: str,
    ids: Sequence[str],
    going: set[str],
    now: dt.datetime,
    most: int,
) -> Iterator[Change]:
    column = table.c[_column(field, target)]
    for some in _some(ids):
        query = select(table.c.id, table.c.version, column).where(column.in_(some)).order_by(table.c.id)
        query = query.limit(most + len(going) + 1)
        left = [row for row in connection.execute(query.with_for_update(key_share=True)).all() if row[0] not in going]
        for rows in _some(left):
            stamped = {column.name: None, "version": table.c.version + 1, "updated_at": now}
            mine = table.c.id.in_([row[0] for row in rows])
            connection.execute(update(table).where(mine).values({**stamped, "updated_by": caller.actor}))
            for id_, version, value in rows:
                old = {target: value} if field.reference.polymorphic else value
                pair = {field.name: [old, None]}
                yield Change(owner.name, id_, Operation.UPDATE, version + 1, caller.actor, caller.causes, pair)


def require_few(kind: Entity, count: int, most: int) -> None:
    """Raise DeletionTooLarge if so many records would be changed by the deletion of some of an entity."""
    if count > most:
        raise DeletionTooLarge(
            say(
                "More than {limit} records would go along, or lose their relation to the {entity}.",
                limit=most,
                entity=noun(kind),
            ),
            hint=say("Nothing was deleted. Delete these records first, in parts, or let them refer to another one."),
            details={"limit": most},
        )


def _relations(model: Model, target: str, on_delete: str) -> Iterator[tuple[Entity, Field]]:
    """Entity and field of the relations to records of an entity that do this when one is deleted."""
    for inverse in model[target].inverses.values():
        owner = model[inverse.entity]
        if owner[inverse.field].reference.on_delete == on_delete:
            yield owner, owner[inverse.field]


def _column(field: Field, target: str) -> str:
    relation = field.reference
    return field.columns[relation.targets.index(target)] if relation.polymorphic else field.columns[0]


def _some(all_: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(all_), _AT_ONCE):
        yield all_[start : start + _AT_ONCE]
