"""What a relationship has to be beyond its fields: an allowed pair, a period in order, and none beside it.

The last of these is about other records, so whoever writes one holds its ends until the transaction is over: two
that write at the same time see each other.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, and_, false, or_, select, true
from sqlalchemy.sql import ColumnElement

from xrm_core.metadata.model import USER, Entity, Model, Relationship
from xrm_core.metadata.relationships import SOURCE, TARGET, VALID_FROM, VALID_TO
from xrm_core.records.stored import Record, from_row, targets_of
from xrm_core.records.wording import Problem, noun
from xrm_core.storage.tables import Tables
from xrm_core.translation import say


def relationship_problems(model: Model, entity: Entity, record: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with the ends and the period of a relationship, by itself."""
    if entity.relationship is None:
        return
    ends = [end for name in (SOURCE, TARGET) for end in targets_of(entity.fields[name], record.get(name))]
    if len(ends) == 2:
        (source, source_id), (target, target_id) = ends
        if (source, target) not in entity.relationship.pairs:
            # Not which it can: the caller need not know all of these entities.
            called = {"source": noun(model[source]), "target": noun(model[target])}
            message = say("a {source} cannot have this with a {target}", **called)
            yield _problem(TARGET, "pairs", message)
        elif (source, source_id.lower()) == (target, target_id.lower()):
            yield _problem(TARGET, "pairs", say("is the same record as the source"))
    first, last = record.get(VALID_FROM), record.get(VALID_TO)
    if isinstance(first, str) and isinstance(last, str) and last < first:
        yield _problem(VALID_TO, "period", say("lies before valid_from"))


def stands_alone(entity: Entity) -> bool:
    """Whether nothing is to be asked of other records when one of these is written: unlike users and relationships."""
    return entity.relationship is None and entity.name != USER


def conflicts(connection: Connection, tables: Tables, entity: Entity, ids: Sequence[str]) -> list[Problem]:
    """What stored relationships have against the first of these that may not stand beside them: one is there already,
    or its source may have one at a time and has another.
    """
    if entity.relationship is None:
        return []
    table = tables[entity.name]
    for id_ in ids:
        row = connection.execute(select(table).where(table.c.id == id_)).mappings().one()
        record = from_row(entity, dict(row))
        _hold_ends(connection, tables, entity, record)
        for field, condition, message in _conflicts(entity, entity.relationship, table, record):
            found = connection.execute(select(table.c.id).where(table.c.id != id_, condition).limit(1)).first()
            if found is not None:
                return [_problem(field, "period", message)]
    return []


def _hold_ends(connection: Connection, tables: Tables, entity: Entity, record: Record) -> None:
    if connection.dialect.name == "sqlite":
        return  # there one transaction writes at a time
    ends = [end for name in (SOURCE, TARGET) for end in targets_of(entity.fields[name], record[name])]
    for name, id_ in sorted(ends):
        # Not «for update»: the foreign keys of others who write hold the ends, too, and each would wait for the other.
        table = tables[name]
        connection.execute(select(table.c.id).where(table.c.id == id_).with_for_update(key_share=True))


def _conflicts(
    entity: Entity, relationship: Relationship, table: Table, record: Record
) -> Iterator[tuple[str, ColumnElement[bool], str]]:
    first, last = record[VALID_FROM], record[VALID_TO]
    source, target = _column(entity, table, SOURCE, record), _column(entity, table, TARGET, record)
    same = and_(*(column == id_ for column, id_ in (source, target)))
    if relationship.symmetric:
        turned = _turned(entity, table, record, SOURCE, TARGET), _turned(entity, table, record, TARGET, SOURCE)
        same = or_(same, and_(*turned))
    begins = table.c.valid_from.is_(None) if first is None else table.c.valid_from == first
    message = say("there is such a {entity} with the same valid_from already", entity=noun(entity))
    yield VALID_FROM, and_(same, begins), message
    if relationship.one_at_a_time:
        column, id_ = source
        starts = true() if last is None else or_(table.c.valid_from.is_(None), table.c.valid_from <= last)
        ends = true() if first is None else or_(table.c.valid_to.is_(None), table.c.valid_to >= first)
        message = say("the source has another {entity} at that time, and may have only one", entity=noun(entity))
        yield VALID_FROM, and_(column == id_, starts, ends), message


def _column(entity: Entity, table: Table, name: str, record: Record) -> tuple[ColumnElement[Any], str]:
    """The column of an end, and the id in it."""
    field = entity.fields[name]
    [(target, id_)] = targets_of(field, record[name])
    return table.c[field.column_to(target)], id_


def _turned(entity: Entity, table: Table, record: Record, name: str, other: str) -> ColumnElement[bool]:
    """That an end of another relationship is the other end of this."""
    [(target, id_)] = targets_of(entity.fields[other], record[other])
    field = entity.fields[name]
    return table.c[field.column_to(target)] == id_ if target in field.reference.targets else false()


def _problem(field: str, rule: str, message: str) -> Problem:
    return {"field": field, "rule": rule, "message": message}
