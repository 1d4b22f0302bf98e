"""Records as they are stored, held until the transaction ends, if the caller may do something with them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, select, true

from xrm_core.errors import Forbidden
from xrm_core.metadata.model import Entity
from xrm_core.permissions.caller import Caller
from xrm_core.permissions.policy import Action
from xrm_core.query.scan import Scope
from xrm_core.records.among import MANY, among
from xrm_core.records.reach import Reach, Step, hold_from, holding_from, only_step
from xrm_core.records.rights import ONE, Conditions, all_hold, denied, holding, holds, kept, values_for
from xrm_core.records.stored import Record, record_maker
from xrm_core.storage.driver_statements import DriverStatement, run_together

MakeRecord = Callable[[Sequence[Any]], Record]
"""Makes a record of a row."""


def locked(
    connection: Connection,
    scope: Scope,
    caller: Caller,
    kind: Entity,
    ids: Sequence[str],
    action: Action,
    conditions: list[Any],
) -> list[Record]:
    """The records of these ids, in their order. Always held in the order of ids, so that no two wait for each other.

    With them is held what the conditions look at beside them, and that they hold is asked once more after that.

    Raises:
        NotFound, Forbidden: the first of which the caller may not do this, and why.
    """
    table = scope.tables[kind.name]
    # Ids never change, so others may go on to refer to a record that is only updated, but not to one that goes.
    reach = conditions.reach if isinstance(conditions, Conditions) else Reach()
    keeps_id = action is not Action.DELETE and not reach.alone
    one = len(ids) == 1
    if reach.lists and connection.dialect.name == "postgresql":
        # First what many may want alone: else each of two would hold its own record, and wait for the other's.
        first = kept(scope, "allowed", conditions, partial(_allowed, scope, table, conditions))
        allowed = [str(id_) for (id_,) in first.rows(connection, values_for(caller, {MANY: sorted(ids)}))]
        hold_from(connection, scope, kind, allowed, reach)

    query, make_record = _query(scope, kind, conditions, one=one, keeps_id=keeps_id)
    wanted = {ONE: ids[0]} if one else {MANY: sorted(ids)}
    calls = [query.call(values_for(caller, wanted))]
    further = bool(reach.steps) and connection.dialect.name == "postgresql"
    at_once = holding_from(scope, kind, ids[0], reach) if further and one else None
    question = holding(scope, caller, kind, ids[0], conditions) if at_once is not None else None
    if at_once is not None and question is not None:
        calls += [*at_once, question]
    outcomes = run_together(connection, calls)
    found = {record["id"]: record for record in map(make_record, outcomes[0][0])}
    for id_ in ids:
        if id_ not in found or not outcomes[-1][0]:
            raise _denied(connection, scope, caller, kind, id_, action, conditions)
    if further and at_once is None:
        hold_from(connection, scope, kind, ids, reach)
        for id_ in ids if not all_hold(connection, scope, caller, kind, ids, conditions) else ():
            if not holds(connection, scope, caller, kind, id_, conditions):
                raise _denied(connection, scope, caller, kind, id_, action, conditions)
    return [found[id_] for id_ in ids]


def locking_one(
    scope: Scope, kind: Entity, conditions: Conditions
) -> tuple[DriverStatement, MakeRecord, Reach | None] | None:
    """What :func:`locked` runs on PostgreSQL for one record that is to be changed, to be run together with others.

    It finds its row by :data:`~xrm_core.records.rights.ONE`; the function makes a record of that, without who has made
    and changed it, and when. What the conditions
    look at is held, too, but for what :func:`~xrm_core.records.reach.holding_from` holds from there (None: nothing).
    That the conditions hold still is to be asked after that. None: it takes more than can be said before.
    """
    reach = conditions.reach
    if reach.lists or any(further.steps for further in reach.steps.values()):
        return None
    table = scope.tables[kind.name]
    columns = [each for each in table.c if each.name not in _STAMPS]
    query = select(*columns).where(table.c.id == bindparam(ONE, type_=table.c.id.type), *conditions)
    query = query.with_for_update(key_share=not reach.alone)
    step = only_step(reach)
    statement = DriverStatement(query if step is None else _with_one(scope, query, step), scope.dialect)
    further = reach if reach.steps and step is None else None
    return statement, record_maker(kind, [each.name for each in columns]), further


def _with_one(scope: Scope, query: Select[Any], step: Step) -> Select[Any]:
    """What holds one record, and then the one to which it leads by a step."""
    other, record = scope.tables[step.entity], query.cte("xrm_record")
    its = select(record.c[step.column]).scalar_subquery()
    held = select(other.c.id).where(other.c.id == its).with_for_update(read=True).cte("xrm_held")
    return select(*record.c).select_from(record.outerjoin(held, true()))


_STAMPS = frozenset({"created_at", "created_by", "updated_at", "updated_by"})


def _query(
    scope: Scope, kind: Entity, conditions: list[Any], *, one: bool, keeps_id: bool
) -> tuple[DriverStatement, MakeRecord]:
    table = scope.tables[kind.name]

    def make() -> tuple[DriverStatement, MakeRecord]:
        mine = table.c.id == bindparam(ONE, type_=table.c.id.type) if one else among(table.c.id, scope.dialect)
        query = select(table).where(mine, *conditions).with_for_update(key_share=keeps_id)
        statement = DriverStatement(query if one else query.order_by(table.c.id), scope.dialect)
        return statement, record_maker(kind, table.c.keys())

    return kept(scope, f"locked {one} {keeps_id}", conditions, make)


def _denied(
    connection: Connection,
    scope: Scope,
    caller: Caller,
    kind: Entity,
    id_: str,
    action: Action,
    conditions: list[Any],
) -> Exception:
    """Why a record was not among those that the caller may change.

    Each statement on PostgreSQL sees what was committed before it: a record that has come within the caller's reach
    since they asked for it is none that they may only read. Then the change is made once more.
    """
    error = denied(connection, scope, caller, kind, id_, action)
    if isinstance(error, Forbidden) and connection.dialect.name == "postgresql":
        error.overtaken = holds(connection, scope, caller, kind, id_, conditions)
    return error


def _allowed(scope: Scope, table: Table, conditions: Sequence[Any]) -> DriverStatement:
    return DriverStatement(select(table.c.id).where(among(table.c.id, scope.dialect), *conditions), scope.dialect)


def hold(connection: Connection, table: Table, ids: Sequence[str], *, goes: bool) -> None:
    """Hold rows until the transaction ends, in the order of :func:`locked`; ``goes``: they are to be deleted."""
    mine = select(table.c.id).where(among(table.c.id, connection.dialect)).order_by(table.c.id)
    connection.execute(mine.with_for_update(key_share=not goes), {MANY: sorted(ids)})
