"""Carry out a plan: everything or nothing, one process at a time."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from xrm_core.errors import SchemaChangeRefused
from xrm_core.metadata.model import Model
from xrm_core.storage.applied import current_model
from xrm_core.storage.aside_tables import present_tables
from xrm_core.storage.asides import read_asides
from xrm_core.storage.drift import differences
from xrm_core.storage.engines import Database
from xrm_core.storage.evolution import Evolution
from xrm_core.storage.exclusive import TablesInUse, Turn, exclusive
from xrm_core.storage.history import Back, way_back
from xrm_core.storage.misfits_postgresql import NoLongerFits
from xrm_core.storage.operations import Operation
from xrm_core.storage.plan import Plan, plan_evolution
from xrm_core.storage.refusals import is_about_statement, refused_by_data, stopped_by
from xrm_core.storage.save_change import Along
from xrm_core.storage.system_upgrade import upgrade_system
from xrm_core.storage.tables import Tables
from xrm_core.storage.under_way import change_under_way

_ATTEMPTS = 3  # while others keep writing what the plan did not expect


def _nothing(_connection: Connection, _model: Model) -> None:
    """What is done with the model by default."""


def apply(
    database: Database,
    new: Model,
    accept: Collection[str] = (),
    *,
    only_safe: bool = False,
    along: Along = _nothing,
) -> Plan:
    """Give the database the tables of ``new`` and remember it as the applied model.

    The plan is made anew while nobody else may change tables; it is returned as it was carried out (empty: there was
    nothing to do). On PostgreSQL what takes time is made ahead; if the process is killed, the same call goes on from
    there, and a call with another model takes it away first.

    Args:
        database: where to; its system tables are created or upgraded on the way.
        new: the model that the database shall have.
        accept: keys of the lossy operations that are consented to, e.g. ``drop_field:customer.fax``.
        only_safe: refuse whatever is not safe, accepted or not.
        along: called with the model in the transaction that makes it the applied one, just before it does; also if
            there is nothing to do. What it raises undoes everything.

    Raises:
        SchemaChangeRefused: operations are blocked, not accepted or not safe, ``accept`` names one that is not in
            the plan, the data does not allow them, the tables stay in use, or somebody else changes them; nothing was
            changed.
        DatabaseUnavailable: the database does not answer.
    """

    def way(connection: Connection) -> Evolution:
        return Evolution(current_model(connection), new, read_asides(connection))

    return _change(database, _Wish(way, accept, only_safe, along))


def undo(database: Database, accept: Collection[str] = (), *, redo: bool = False, along: Along = _nothing) -> Plan:
    """Go back to the model before the last change, with the data that it had; ``redo``: take back the last undo.

    Values that are as the change made them become what they were; others are converted back. What has no place in the
    former model is put aside.

    Args:
        database: where.
        accept: keys of the lossy operations that are consented to.
        redo: take back the last undo instead.
        along: as in :func:`apply`.

    Raises:
        SchemaChangeRefused: there is nothing to take back, or as :func:`apply`; nothing was changed.
        DatabaseUnavailable: the database does not answer.
    """
    return _change(
        database,
        _Wish(
            lambda connection: way_back(connection, redo=redo), accept, False, along, back="redo" if redo else "undo"
        ),
    )


def _change(database: Database, wish: "_Wish") -> Plan:
    upgrade_system(database)
    try:
        with exclusive(database) as turn:
            return _carry_out(turn, database, wish)
    except OperationalError as error:
        raise stopped_by(database, error) from error


def abort(database: Database) -> bool:
    """Give up the change that is under way, if there is one; the model and the data stay as they are.

    Raises:
        SchemaChangeRefused: the change has been made and only remains to be finished, a table stays in use, or
            somebody is at work on the change.
        DatabaseUnavailable: the database does not answer.
    """
    from xrm_core.storage.phases_postgresql import give_up

    upgrade_system(database)
    try:
        with exclusive(database) as turn:
            change = turn.patiently(change_under_way)
            if change is not None and change.phase == "finish":
                way = "the same «xrm schema undo» or «redo»" if change.step_back else "«xrm schema apply»"
                raise SchemaChangeRefused(
                    "The change has been made; a last step remains.", hint=f"To finish it, run {way} again."
                )
            if change is not None:
                give_up(turn)
            return change is not None
    except OperationalError as error:
        raise stopped_by(database, error) from error


@dataclass(frozen=True)
class _Wish:
    """What somebody wants: ``evolution`` leads from the model that the database has to the one that it shall have."""

    evolution: Callable[[Connection], Evolution]
    accept: Collection[str]
    only_safe: bool
    along: Along
    back: Back | None = None

    def planned(self, connection: Connection) -> tuple[Evolution, Plan]:
        """The way from the model that the database has.

        Raises:
            SchemaChangeRefused: not all of it may be done.
        """
        evolution = self.evolution(connection)
        before = present_tables(connection, evolution)
        _refuse_drift(connection, evolution, before)
        return evolution, self.plan(connection, evolution, before)

    def plan(self, connection: Connection, evolution: Evolution, before: Tables) -> Plan:
        """The plan of an evolution from the tables that there are. Raises as :meth:`planned`."""
        planned = plan_evolution(connection, evolution, before)
        _refuse_unknown(planned, self.accept)
        _refuse(planned, self.accept, self.only_safe)
        return planned


def _carry_out(turn: Turn, database: Database, wish: _Wish) -> Plan:
    # Both bring Alembic, which takes as long to import as a sixth of the server: not before something is applied.
    if database.is_sqlite:
        from xrm_core.storage.draft_sqlite import AtOnce

        return AtOnce(wish.evolution, _refuse_drift, wish.plan, wish.along).carry_out(turn)
    from xrm_core.storage.phases_postgresql import give_up, in_phases

    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return in_phases(turn, wish.evolution, wish.planned, wish.along, back=wish.back)
        except TablesInUse:
            raise  # what was made ahead waits for the next attempt
        except (DBAPIError, NoLongerFits) as error:
            if isinstance(error, OperationalError) and not is_about_statement(error):
                raise  # as well
            # The data has changed since the plan was made: a new plan says what is in the way, or finds a way.
            give_up(turn)
            turn.patiently(wish.planned)
            if attempt == _ATTEMPTS or not isinstance(error, IntegrityError | NoLongerFits):
                raise refused_by_data(error) from error
        except Exception:
            # The plan or ``along`` refuse: what was made ahead would go on refusing what only the new model does.
            give_up(turn)
            raise
    raise AssertionError("the loop returns or raises")


def _refuse_drift(connection: Connection, evolution: Evolution, before: Tables) -> None:
    found = [] if evolution.old is None else differences(connection, before)
    if found:
        raise SchemaChangeRefused(
            "The tables are not as the applied model says:\n" + "\n".join(found),
            hint="Nothing was changed. Undo what was done to the tables by hand.",
            details={"drift": found},
        )


def _refuse_unknown(planned: Plan, accept: Collection[str]) -> None:
    """A consent to nothing is a slip of the pen, unless all is done already: the same command may run again."""
    keys = [operation.key for operation in planned.operations]
    unknown = sorted(set(accept).difference(keys))
    if unknown and keys:
        raise SchemaChangeRefused(
            f"The plan has no operation {', '.join(unknown)}.",
            hint=f"Nothing was changed. The operations of the plan are: {', '.join(keys)}",
            details={"unknown": unknown, "operations": [operation.to_json() for operation in planned.operations]},
        )


def _refuse(planned: Plan, accept: Collection[str], only_safe: bool) -> None:
    refused = [operation for operation in planned.operations if not _allowed(operation, accept, only_safe)]
    if refused:
        lines = [f"{operation.key} ({operation.risk}): {operation.text} {operation.remedy}" for operation in refused]
        raise SchemaChangeRefused(
            f"{len(refused)} of {len(planned.operations)} operations cannot be carried out:\n"
            + "\n".join(line.strip() for line in lines),
            hint="Nothing was changed." + _consent(refused, only_safe),
            details={"operations": [operation.to_json() for operation in refused]},
        )


def _allowed(operation: Operation, accept: Collection[str], only_safe: bool) -> bool:
    if only_safe:
        return operation.risk == "safe"
    return operation.risk in ("safe", "slow") or (operation.risk == "lossy" and operation.key in accept)


def _consent(refused: Collection[Operation], only_safe: bool) -> str:
    lossy = [f"--accept {operation.key}" for operation in refused if operation.risk == "lossy"]
    if only_safe:
        return " Only safe operations are done here; use 'xrm schema apply' for the others."
    return f" If these values may go: {' '.join(lossy)}" if lossy else ""
