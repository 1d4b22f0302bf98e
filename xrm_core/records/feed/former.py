"""Records as they were, out of the log, and which of them somebody could have seen.

What a rule says of such a record is asked of the database, as it is of the record itself: the rule is compiled in the
same place, on a row of former values.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import CompoundSelect, Connection, Select, cast, literal, literal_column, select, union_all

from xrm_core.metadata.model import Entity
from xrm_core.metadata.predicate import EVERYTHING, NOTHING, Predicate
from xrm_core.permissions.caller import User
from xrm_core.query.context import context_values
from xrm_core.query.predicates import compile_rule, unguarded
from xrm_core.query.scan import Scope
from xrm_core.records.logged import last_state
from xrm_core.records.stored import canonical, from_row, to_columns

_AT_ONCE = 100  # rows of former values in one statement
_MAKES = frozenset({"create", "restore"})  # before them, the record was not there

State = Mapping[str, Any]


class Former(NamedTuple):
    """A record as it once was: the fields that were asked for."""

    record_id: str
    values: State

    @classmethod
    def of(cls, record_id: str, state: State, names: Iterable[str]) -> "Former":
        """So much of a state as is asked for."""
        return cls(record_id, {"id": record_id, **{name: state.get(name) for name in names if name != "id"}})


def present(connection: Connection, scope: Scope, entity: Entity, ids: Sequence[str]) -> dict[str, State]:
    """Records as the log would keep them, by their ids, without regard to rights."""
    table = scope.tables[entity.name]
    rows = connection.execute(select(table).where(table.c.id.in_(ids))).mappings()
    records = (from_row(entity, dict(row)) for row in rows)
    return {str(record["id"]): last_state(entity, record) for record in records}


def states(record_id: str, entries: Sequence[Any], now: State | None, names: frozenset[str]) -> Iterator[Former]:
    """What a record was before each of its changes, the newest first; nothing where it was not there.

    Args:
        record_id: its id.
        entries: of the log about it, all from some place on, in their order.
        now: what it is after them; None: it does not exist.
        names: the fields that are wanted; one that was erased meanwhile is empty.
    """
    found = before(list(reversed(entries)), now)
    return (Former.of(record_id, state, names) for state in found if state is not None)


def before(entries: Sequence[Any], now: State | None) -> list[State | None]:
    """What a record was before each of some changes that follow each other; None: it was not there.

    Args:
        entries: of the log about it, the newest first.
        now: what it is after them; None: it does not exist.
    """
    found: list[State | None] = []
    state = now
    for entry in entries:
        if entry.operation in _MAKES:
            state = None
        elif entry.operation == "update":
            fields = json.loads(entry.fields)
            state = {**(state or {}), **{name: _earlier(pair) for name, pair in fields.items()}}
        else:
            state = json.loads(entry.fields)
        found.append(state)
    return found


def _earlier(pair: Any) -> Any:
    """The value before a change; of one that is closed, since nobody looks at it, that it is there."""
    return pair[0] if isinstance(pair, list) else pair


def visible(
    connection: Connection,
    scope: Scope,
    caller: User,
    entity: Entity,
    rule: Predicate,
    former: Sequence[Former],
    values: Mapping[str, Any] = MappingProxyType({}),
) -> set[int]:
    """Which of these states a rule holds for, by their numbers.

    Args:
        connection: where to ask.
        scope: of the caller, for the dialect of the connection.
        caller: whose the rule is.
        entity: of the records.
        rule: needs no field that the states do not have.
        former: the states.
        values: of parameters of the rule.
    """
    if rule == NOTHING:
        return set()
    if rule == EVERYTHING:
        return set(range(len(former)))
    found: set[int] = set()
    for start in range(0, len(former), _AT_ONCE):
        rows = [
            _row(scope, entity, number, each.values)
            for number, each in enumerate(former[start : start + _AT_ONCE], start)
        ]
        source = _together(rows).subquery()
        condition = compile_rule(scope, entity, unguarded(scope, entity, source), rule)
        given = {**context_values(caller), **values}
        found |= set(connection.execute(select(source.c.xrm_number).where(condition), given).scalars())
    return found


def _row(scope: Scope, entity: Entity, number: int, values: State) -> Select[Any]:
    """One row of former values. PostgreSQL has to be told the type of a value that is NULL."""
    table = scope.tables[entity.name]
    columns: list[Any] = [literal_column(str(number)).label("xrm_number")]
    for name, value in to_columns(entity, canonical(entity, values)).items():
        type_ = table.c[name].type
        given: Any = literal(value, type_)
        columns.append((cast(given, type_) if scope.dialect.name == "postgresql" else given).label(name))
    return select(*columns)


def _together(rows: Sequence[Select[Any]]) -> Select[Any] | CompoundSelect[Any]:
    return rows[0] if len(rows) == 1 else union_all(*rows)
