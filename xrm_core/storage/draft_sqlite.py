"""A change on SQLite as it is drawn up before the write lock is taken, so that writers wait for the change alone.

Inside the lock it holds if nothing has changed meanwhile. If only records have, the plan is made anew, which measures
them again; if models or tables have, all of it is.
"""

from collections.abc import Callable
from dataclasses import dataclass

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError, OperationalError

from xrm_core.storage import change_sqlite
from xrm_core.storage.applied import tables_version
from xrm_core.storage.aside_tables import present_tables, wanted_tables
from xrm_core.storage.asides import Asides, read_asides
from xrm_core.storage.evolution import Evolution
from xrm_core.storage.exclusive import Turn
from xrm_core.storage.plan import Plan
from xrm_core.storage.refusals import is_about_statement, refused_by_data
from xrm_core.storage.save_change import Along, save_change
from xrm_core.storage.system import MODEL
from xrm_core.storage.tables import Tables

_ATTEMPTS = 3  # while others change models or tables; then all is done inside the lock

Planned = Callable[[Connection, Evolution, Tables], Plan]
"""Plans an evolution from the tables that there are; refuses what may not be done."""


class _Outdated(Exception):
    """Models or tables are no longer those of the draft."""


@dataclass(frozen=True)
class _Seen:
    """All of the database that a draft depends on, but for the records."""

    tables: int | None
    changes: int | None
    contracted: int
    asides: Asides

    @classmethod
    def by(cls, connection: Connection) -> "_Seen":
        changes, contracted = connection.execute(select(func.max(MODEL.c.id), func.count(MODEL.c.contracted_at))).one()
        return cls(tables_version(connection), changes, contracted, read_asides(connection))


@dataclass(frozen=True)
class _Draft:
    """What was found out in one snapshot of the database. ``after`` is None if there is nothing to do."""

    seen: _Seen
    records: int
    evolution: Evolution
    plan: Plan
    before: Tables
    after: Tables | None
    rebuilt: frozenset[str]


@dataclass(frozen=True)
class AtOnce:
    """A change in one transaction, as SQLite can.

    Args:
        evolution: reads the way from the model that the database has to the wanted one.
        check: refuses tables that are not as they should be.
        planned: see :data:`Planned`.
        along: called in the transaction, before the new model becomes the applied one, also if there is nothing to do.
    """

    evolution: Callable[[Connection], Evolution]
    check: Callable[[Connection, Evolution, Tables], None]
    planned: Planned
    along: Along

    def carry_out(self, turn: Turn) -> Plan:
        """Draw it up, take the lock, carry it out; raises what the callables and the database do."""
        for _ in range(_ATTEMPTS):
            draft = turn.ahead(self._draft)
            try:
                return turn.patiently(lambda connection, draft=draft: self._carry_out(connection, draft))  # type: ignore[misc]
            except _Outdated:
                continue
        return turn.patiently(lambda connection: self._carry_out(connection, self._draft(connection)))

    def _draft(self, connection: Connection) -> _Draft:
        records = _records_version(connection)  # comes first: the snapshot is that of this moment
        seen = _Seen.by(connection)
        evolution = self.evolution(connection)
        before = present_tables(connection, evolution)
        self.check(connection, evolution, before)
        plan = self.planned(connection, evolution, before)
        if _idle(evolution, plan):
            return _Draft(seen, records, evolution, plan, before, None, frozenset())
        after = wanted_tables(connection, evolution)
        _ = evolution.snapshot  # made here, kept for later
        rebuilt = change_sqlite.rebuilt(connection.dialect, evolution, before, after)
        return _Draft(seen, records, evolution, plan, before, after, rebuilt)

    def _carry_out(self, connection: Connection, draft: _Draft) -> Plan:
        plan = draft.plan
        if _records_version(connection) != draft.records:
            if _Seen.by(connection) != draft.seen:
                raise _Outdated
            plan = self.planned(connection, draft.evolution, draft.before)
        if draft.after is None:
            if not plan.is_empty:
                raise _Outdated
            self.along(connection, draft.evolution.new)
            return plan
        operations = Operations(MigrationContext.configure(connection))
        try:
            change_sqlite.change(operations, draft.evolution, draft.before, draft.after, draft.rebuilt)
        except DBAPIError as error:
            if isinstance(error, OperationalError) and not is_about_statement(error):
                raise
            raise refused_by_data(error) from error
        self.along(connection, draft.evolution.new)
        save_change(connection, draft.evolution, plan)
        return plan


def _idle(evolution: Evolution, plan: Plan) -> bool:
    return evolution.old is not None and evolution.undone is None and plan.is_empty


def _records_version(connection: Connection) -> int:
    """A number that is another one, on this connection, after others have committed whatever it was."""
    found: int = connection.exec_driver_sql("PRAGMA data_version").scalar_one()
    return found
