"""Let go of what changes have put aside: from then on they cannot be taken back."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlalchemy.exc import DBAPIError, OperationalError

from xrm_core.errors import SchemaChangeRefused
from xrm_core.metadata.model import Model
from xrm_core.storage.applied import current_model
from xrm_core.storage.aside_tables import present_tables
from xrm_core.storage.asides import Aside, read_asides, write_asides
from xrm_core.storage.engines import Database
from xrm_core.storage.evolution import Evolution
from xrm_core.storage.exclusive import TablesInUse, Turn, exclusive
from xrm_core.storage.phases_postgresql import give_up_step_back
from xrm_core.storage.refusals import hint_of, is_about_statement, stopped_by, words_of
from xrm_core.storage.system import MODEL
from xrm_core.storage.system_upgrade import upgrade_system

_UNFINISHED = "What is gone is gone; «xrm schema contract» goes on with the rest."


@dataclass(frozen=True)
class Doomed:
    """What would go: an aside, and how many records have a value in it."""

    aside: Aside
    rows: int

    @property
    def text(self) -> str:
        """One line for people."""
        what = self.aside.entity if self.aside.whole_table else f"{self.aside.entity}.{self.aside.column}"
        kind = "record" if self.aside.whole_table else "value"
        return f"{what}, put aside by change {self.aside.change}: {self.rows} {kind if self.rows == 1 else f'{kind}s'}"

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        names = {"change": self.aside.change, "entity": self.aside.entity, "column": self.aside.column or None}
        return {**names, "rows": self.rows}


@dataclass(frozen=True)
class Contract:
    """Changes up to number ``last`` lose what they have put aside."""

    last: int
    doomed: tuple[Doomed, ...]

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {"last_change": self.last, "destroys": [each.to_json() for each in self.doomed]}


def plan_contract(connection: Connection, before: dt.datetime | None = None, *, up_to: int | None = None) -> Contract:
    """What would be destroyed: what was put aside by changes that were applied before a moment, or by all.

    ``up_to``: by no later change than this.
    """
    asides = read_asides(connection)
    wanted = select(func.coalesce(func.max(MODEL.c.id), 0))
    if before is not None:
        wanted = wanted.where(MODEL.c.applied_at < before)
    if up_to is not None:
        wanted = wanted.where(MODEL.c.id <= up_to)
    last = 0 if asides.number == 1 else connection.scalar(wanted) or 0
    model = current_model(connection) or Model({})
    tables = present_tables(connection, Evolution(model, model, asides))
    by_name = {table.name: table for table in tables.metadata.tables.values()}
    doomed = []
    for aside in asides:
        if aside.change <= last:
            table = by_name[aside.table]
            value = table.c.id if aside.whole_table else table.c[aside.name]
            doomed.append(Doomed(aside, connection.scalar(select(func.count(value))) or 0))
    return Contract(last, tuple(doomed))


def contract(database: Database, before: dt.datetime | None = None, *, up_to: int | None = None) -> Contract:
    """Destroy it: one short transaction for each column and table, so that nobody waits for long.

    A step back that was begun and has not ended is given up first: it needs what goes.

    Args:
        database: where.
        before: only of changes that were applied before this moment.
        up_to: only of changes up to this number, such as that of the plan which somebody has seen.

    Raises:
        SchemaChangeRefused: tables stay in use, or something needs what would go, or somebody changes the model. What
            is gone by then is gone; the same call goes on.
        DatabaseUnavailable: the database does not answer.
    """
    upgrade_system(database)
    try:
        with exclusive(database) as turn:
            give_up_step_back(turn)
            planned = turn.patiently(lambda connection: plan_contract(connection, before, up_to=up_to))
            turn.patiently(lambda connection: _note(connection, planned.last))
            # Columns first: a table that is aside may have some in it.
            for each in sorted(planned.doomed, key=lambda found: found.aside.whole_table):
                _destroy(turn, each)
            return planned
    except OperationalError as error:
        raise stopped_by(database, error) from error


def _note(connection: Connection, last: int) -> None:
    """First, so that a process that is killed in between leaves nothing that pretends to be complete."""
    open_ones = update(MODEL).where(MODEL.c.id <= last, MODEL.c.contracted_at.is_(None))
    connection.execute(open_ones.values(contracted_at=dt.datetime.now(dt.UTC)))


def _destroy(turn: Turn, doomed: Doomed) -> None:
    aside = doomed.aside

    def work(connection: Connection) -> None:
        quote = connection.dialect.identifier_preparer.quote
        if aside.whole_table:
            connection.exec_driver_sql(f"DROP TABLE {quote(aside.table)}")
        else:
            connection.exec_driver_sql(f"ALTER TABLE {quote(aside.table)} DROP COLUMN {quote(aside.name)}")
        gone = {aside.table} if aside.whole_table else set()
        write_asides(connection, [one for one in read_asides(connection) if one != aside and one.table not in gone])

    try:
        turn.patiently(work)
    except TablesInUse as error:
        raise SchemaChangeRefused(
            f"The table {aside.table} is in use by other transactions for too long.", hint=_UNFINISHED
        ) from error
    except DBAPIError as error:
        if isinstance(error, OperationalError) and not is_about_statement(error):
            raise
        raise SchemaChangeRefused(
            f"The database does not let go of {doomed.text}: {words_of(error)}.", hint=f"{hint_of(error)} {_UNFINISHED}"
        ) from error
