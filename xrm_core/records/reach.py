"""Which records beside a record itself its row rules look at, and how these are held while a write relies on them.

On PostgreSQL writers see what others have committed. If nothing held what a rule has looked at, two of them could each
change what the other's rule has just found in order. So what a rule reaches is held until the transaction ends: for
sharing where it is one record, so that all may rely on it but nobody changes it; alone where it is a list that hangs on
a record, since then nobody may add to it, and whoever refers to a record has to share it.

It goes step by step, each in a statement of its own: what is held no longer changes where the next step leads.
SQLite has one writer at a time.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.sql import ColumnElement

from xrm_core.metadata.model import Entity, Field, Model
from xrm_core.metadata.predicate import (
    All,
    Any_,
    Compare,
    Linked,
    Not,
    OfFile,
    Predicate,
    Related,
    Search,
    Shared,
    Whole,
)
from xrm_core.metadata.uses import condition, related
from xrm_core.query.operands import KnownId
from xrm_core.query.scan import Scope
from xrm_core.records.among import MANY, among
from xrm_core.records.stored import targets_of
from xrm_core.storage.driver_statements import Call, DriverStatement


@dataclass(frozen=True, slots=True)
class Step:
    """From a record to others: along its relation ``column`` to one, or (``back``) to those whose relation it is."""

    column: str
    entity: str
    back: bool = False


@dataclass(slots=True)
class Reach:
    """What rules look at from a record on; ``looks``: at the record itself, beyond its id."""

    looks: bool = False
    steps: dict[Step, "Reach"] = field(default_factory=dict)

    @property
    def alone(self) -> bool:
        """Whether lists hang on the record, to which nobody may add."""
        return any(step.back for step in self.steps)

    @property
    def lists(self) -> bool:
        """Whether lists hang on any other record."""
        return any(each.alone or each.lists for each in self.steps.values())

    def by(self, step: Step) -> "Reach":
        """What is reached by a step."""
        return self.steps.setdefault(step, Reach())


def reach_of(model: Model, entity: Entity, rules: Iterable[Predicate]) -> Reach:
    """What rules on records of an entity look at."""
    found = Reach()
    for rule in rules:
        _look(model, entity, rule, found)
    _leave_out_ids(found)
    return found


def _look(model: Model, entity: Entity, predicate: Predicate, found: Reach) -> None:
    match predicate:
        case All(parts) | Any_(parts):
            for part in parts:
                _look(model, entity, part, found)
        case Not(part) | Whole(part):
            _look(model, entity, part, found)
        case Compare(name):
            _look_at(model, entity, entity[name], found)
        case Linked() | OfFile() | Search() | Shared():
            found.looks = True
        case Related(name, target, how, part):
            if how == "is":
                found.looks = True
                _look(model, model[target], part, found.by(Step(entity[name].column_to(target), target)))
            else:
                _look(model, model[target], part, _listed(model, entity, name, found))


def _look_at(model: Model, entity: Entity, of: Field, found: Reach) -> None:
    if of.rollup is not None:
        records = _listed(model, entity, of.rollup.relation, found)
        target = model[_target(entity, of.rollup.relation)]
        for name in filter(None, (of.rollup.field, of.rollup.order_by)):
            _look_at(model, target, target[name], records)
        _look(model, target, condition(model, entity, of), records)
    elif of.computed is not None:
        for name in entity.expressions[of.name].fields():
            _look_at(model, entity, entity[name], found)
    elif of.name != "id":
        found.looks = True


def _target(entity: Entity, name: str) -> str:
    records = related(entity, name)
    if records is None:
        raise KeyError(f"{entity.name}.{name}")
    return records.entity


def _listed(model: Model, entity: Entity, name: str, found: Reach) -> Reach:
    """The records of a list, on the way over the links that lead to them if it is many-to-many."""
    link = entity.links.get(name)
    if link is not None:
        through = model[link.through]
        joint = found.by(Step(through[link.near].column_to(entity.name), link.through, back=True))
        return joint.by(Step(through[link.far].column_to(link.target), link.target))
    inverse = entity.inverses[name]
    return found.by(Step(model[inverse.entity][inverse.field].column_to(entity.name), inverse.entity, back=True))


def _leave_out_ids(found: Reach) -> None:
    """A record of which only the id is looked at need not be held: it stays while referred to."""
    for step, further in list(found.steps.items()):
        _leave_out_ids(further)
        if not step.back and not further.looks and not further.steps:
            del found.steps[step]


def hold_from(connection: Connection, scope: Scope, entity: Entity, ids: Sequence[str], reach: Reach) -> None:
    """Hold what rules reach from some records, which are themselves held, or are nobody else's yet."""
    if connection.dialect.name == "sqlite" or not ids:
        return
    for step, further in _in_order(reach):

        def make(step: Step = step) -> ColumnElement[bool]:
            table, other = scope.tables[entity.name], scope.tables[step.entity]
            if step.back:
                return among(other.c[step.column], connection.dialect)
            return other.c.id.in_(select(table.c[step.column]).where(among(table.c.id, connection.dialect)))

        _hold(connection, scope, step, further, (entity.name, step), make, ids)


def only_step(reach: Reach) -> Step | None:
    """The step to one record beyond which nothing is looked at, if that is all; None: it is not."""
    if len(reach.steps) != 1:
        return None
    [(step, further)] = reach.steps.items()
    return None if step.back or further.steps else step


def holding_from(scope: Scope, entity: Entity, id_: str, reach: Reach) -> list[Call] | None:
    """What :func:`hold_from` does for one record, to be run together with others; None: it goes further than a step."""
    if any(further.steps for further in reach.steps.values()):
        return None
    calls = []
    for step, _ in _in_order(reach):

        def make(step: Step = step) -> DriverStatement:
            table, other = scope.tables[entity.name], scope.tables[step.entity]
            it = bindparam(_FROM, type_=KnownId())
            if step.back:
                where = other.c[step.column] == it
            else:
                where = other.c.id == select(table.c[step.column]).where(table.c.id == it).scalar_subquery()
            query = select(other.c.id).where(where).order_by(other.c.id).with_for_update(read=True)
            return DriverStatement(query, scope.dialect)

        key = ("reach one", entity.name, step)
        calls.append(scope.tables.statements.get(key, make).call({_FROM: id_}))
    return calls


def holding_for(scope: Scope, entity: Entity, record: Mapping[str, Any], reach: Reach) -> list[Call] | None:
    """What :func:`hold_for` does for one record, to be run together with others; None: it goes further than a step."""
    if scope.dialect.name == "sqlite" or not reach.steps:
        return []
    if any(further.steps for further in reach.steps.values()):
        return None
    wanted: dict[tuple[str, str], str] = {}
    for each in entity.fields.values():
        for target, id_ in targets_of(each, record.get(each.name)) if each.relation is not None else ():
            wanted[each.column_to(target), target] = id_
    calls = []
    for step, _ in _in_order(reach):
        reached = None if step.back else wanted.get((step.column, step.entity))
        if reached is None:
            continue

        def make(step: Step = step) -> DriverStatement:
            other = scope.tables[step.entity]
            mine = other.c.id == bindparam(_FROM, type_=KnownId())
            return DriverStatement(select(other.c.id).where(mine).with_for_update(read=True), scope.dialect)

        calls.append(scope.tables.statements.get(("reach this", step.entity), make).call({_FROM: reached}))
    return calls


_FROM = "xrm_from"


def hold_for(
    connection: Connection, scope: Scope, entity: Entity, records: Iterable[Mapping[str, Any]], reach: Reach
) -> None:
    """Hold what rules will reach from records with these values, before they are stored."""
    if connection.dialect.name == "sqlite" or not reach.steps:
        return
    wanted: dict[tuple[str, str], set[str]] = {}
    relations = [each for each in entity.fields.values() if each.relation is not None]
    for record in records:
        for each in relations:
            for target, id_ in targets_of(each, record.get(each.name)):
                wanted.setdefault((each.column_to(target), target), set()).add(id_)
    for step, further in _in_order(reach):
        ids = wanted.get((step.column, step.entity), set())
        if ids and not step.back:

            def make(step: Step = step) -> ColumnElement[bool]:
                return among(scope.tables[step.entity].c.id, connection.dialect)

            _hold(connection, scope, step, further, ("these", step.entity), make, ids)


def _in_order(reach: Reach) -> Iterator[tuple[Step, Reach]]:
    """The same order for everybody, so that few wait for each other."""
    yield from sorted(reach.steps.items(), key=lambda each: (each[0].entity, each[0].column, each[0].back))


def _hold(
    connection: Connection,
    scope: Scope,
    step: Step,
    further: Reach,
    key: Hashable,
    which: Callable[[], ColumnElement[bool]],
    ids: Iterable[str],
) -> None:
    def make() -> DriverStatement:
        other = scope.tables[step.entity]
        query = select(other.c.id).where(which()).order_by(other.c.id).with_for_update(read=not further.alone)
        return DriverStatement(query, scope.dialect)

    held = scope.tables.statements.get(("reach", key, further.alone), make)
    found = [str(id_) for (id_,) in held.rows(connection, {MANY: sorted(ids)})]
    if not further.steps:
        return
    hold_from(connection, scope, scope.model[step.entity], found, further)
