"""Carry out a plan: everything in one transaction, or nothing."""

import sqlite3
import time
from collections.abc import Collection

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, OperationalError

from xrm_core.errors import SchemaChangeRefused
from xrm_core.metadata.model import Model
from xrm_core.storage import change_postgresql, change_sqlite
from xrm_core.storage.applied import current_model, save_model
from xrm_core.storage.counters import rename_counters
from xrm_core.storage.drift import drift
from xrm_core.storage.engines import Database
from xrm_core.storage.evolution import Evolution
from xrm_core.storage.exclusive import exclusive
from xrm_core.storage.operations import Operation
from xrm_core.storage.plan import Plan, plan
from xrm_core.storage.system import upgrade_system
from xrm_core.storage.tables import Tables

_ATTEMPTS = 5
_PAUSE_SECONDS = 0.5  # between attempts, so that those who wait behind us for a busy table get their turn
_IN_USE = frozenset({"55P03", "40P01"})  # lock_timeout, deadlock


def apply(database: Database, new: Model, accept: Collection[str] = (), *, only_safe: bool = False) -> Plan:
    """Give the database the tables of ``new`` and remember it as the applied model.

    The plan is made anew under the lock; it is returned as it was carried out (empty: there was nothing to do).

    Args:
        database: where to; its system tables are created or upgraded on the way.
        new: the model that the database shall have.
        accept: keys of the lossy operations that are consented to, e.g. ``drop_field:customer.fax``.
        only_safe: refuse whatever is not safe, accepted or not.

    Raises:
        SchemaChangeRefused: operations are blocked, not accepted or not safe, ``accept`` names one that is not in
            the plan, the data does not allow them, or the tables stay in use; nothing was changed.
        DatabaseUnavailable: the database does not answer.
    """
    upgrade_system(database)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _apply(database, new, accept, only_safe)
        except OperationalError as error:
            if not _in_use(error):
                raise database.unavailable() from error
            if attempt == _ATTEMPTS:
                raise SchemaChangeRefused(
                    "The tables are in use by other transactions for too long.",
                    hint="Nothing was changed. Look for transactions that stay open, then apply again.",
                ) from error
            time.sleep(_PAUSE_SECONDS * attempt)
    raise AssertionError("the loop returns or raises")


def _apply(database: Database, new: Model, accept: Collection[str], only_safe: bool) -> Plan:
    with exclusive(database) as connection:
        old = current_model(connection)
        _refuse_drift(connection, old)
        planned = plan(connection, old, new)
        _refuse_unknown(planned, accept)
        _refuse(planned, accept, only_safe)
        if old is not None and planned.is_empty:
            return planned
        try:
            _carry_out(connection, old, new)
        except OperationalError:
            raise
        except DBAPIError as error:
            raise SchemaChangeRefused(
                f"The database refused the change: {_reason(error)}.", hint="Nothing was changed. Mend the data first."
            ) from error
        save_model(connection, new, planned.to_json())
        return planned


def _carry_out(connection: Connection, old: Model | None, new: Model) -> None:
    operations = Operations(MigrationContext.configure(connection))
    change = change_sqlite.change if connection.dialect.name == "sqlite" else change_postgresql.change
    evolution = Evolution(old, new)
    change(operations, evolution, Tables(old or Model({})), Tables(new))
    rename_counters(connection, evolution)


def _refuse_drift(connection: Connection, old: Model | None) -> None:
    differences = [] if old is None else drift(connection, old)
    if differences:
        raise SchemaChangeRefused(
            "The tables are not as the applied model says:\n" + "\n".join(differences),
            hint="Nothing was changed. Undo what was done to the tables by hand.",
            details={"drift": differences},
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


def _in_use(error: OperationalError) -> bool:
    if getattr(error.orig, "sqlstate", None) in _IN_USE:
        return True
    return getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY


def _reason(error: DBAPIError) -> str:
    """The database's own words, without the statement and its values."""
    diagnosis = getattr(error.orig, "diag", None)
    return str(getattr(diagnosis, "message_primary", None) or error.orig).rstrip(".")
