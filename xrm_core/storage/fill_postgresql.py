"""Write values of new columns beside the old ones on PostgreSQL: in batches, while others read and write."""

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, Table, exists, or_, select, true, update

from xrm_core import naming
from xrm_core.storage.exclusive import Turn
from xrm_core.storage.prepared import FILL
from xrm_core.storage.script import DIALECT, Script, quoted
from xrm_core.storage.table_pair import in_terms_of
from xrm_core.storage.under_way import note

_BATCH = 2_000  # records of one transaction: some ten milliseconds
_PAUSE_SHARE = 0.5  # of the time that a batch took, for those who have waited for its records
_PASSES = 100
_PASS_PAUSE_SECONDS = 0.2  # for writers who hold what was skipped

Refill = Mapping[str, ColumnElement[Any]]
"""New column → its value, as an expression over the columns of the old table."""


def keep_in_step(script: Script, old: Table, refill: Refill) -> None:
    """From the script on, whoever writes a record also writes its new columns. Who writes now waits for a moment.

    A value that cannot be had becomes empty: nobody's write fails because of a model that is yet to come.
    """
    table, function = quoted(old.name), quoted(naming.prepared(f"fill_{old.name}"))
    values = "".join(
        f"BEGIN NEW.{quoted(naming.prepared(name))} := {_sql(in_terms_of(value, old, old.alias('new')))}; "
        f"EXCEPTION WHEN others THEN NEW.{quoted(naming.prepared(name))} := NULL; END; "
        for name, value in refill.items()
    )
    body = f"BEGIN {values} RETURN NEW; END".replace("'", "''")
    script.add(f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS '{body}'")
    script.add(f"DROP TRIGGER IF EXISTS {FILL} ON {table}")
    script.add(f"CREATE TRIGGER {FILL} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()")


def fill(turn: Turn, old: Table, staged: Table, refill: Refill, after: str | None) -> None:
    """Write the new columns of all records that are there, from the one after ``after`` on.

    Raises:
        SchemaChangeRefused: some records stay locked by others.
    """
    for _ in range(_PASSES):
        _pass(turn, old, staged, refill, after)
        after = None
        left = exists(_stale(old, staged.alias("stale"), refill))
        if not turn.patiently(lambda connection, left=left: connection.scalar(select(left))):  # type: ignore[misc]
            return
        time.sleep(_PASS_PAUSE_SECONDS)
    raise turn.tables_in_use()


def _pass(turn: Turn, old: Table, staged: Table, refill: Refill, after: str | None) -> None:
    while True:
        began = time.monotonic()
        after = turn.patiently(lambda connection, after=after: _batch(connection, old, staged, refill, after))  # type: ignore[misc]
        if after is None:
            return
        time.sleep((time.monotonic() - began) * _PAUSE_SHARE)


def _batch(connection: Connection, old: Table, staged: Table, refill: Refill, after: str | None) -> str | None:
    """Fill the records that come after one; returns the last of them, or None at the end."""
    beyond = true() if after is None else old.c.id > after
    ids = select(old.c.id).where(beyond).order_by(old.c.id).limit(_BATCH).subquery()
    last = connection.scalar(select(ids.c.id).order_by(ids.c.id.desc()).limit(1))
    if last is None:
        return None
    # Records that others hold are left to them or to the next pass: whoever waits for nobody is in no deadlock.
    chosen = staged.alias("stale")
    stale = _stale(old, chosen, refill).where(chosen.c.id <= last)
    if after is not None:
        stale = stale.where(chosen.c.id > after)
    values = {naming.prepared(name): in_terms_of(value, old, staged) for name, value in refill.items()}
    stale = stale.with_for_update(key_share=True, skip_locked=True)
    connection.execute(update(staged).where(staged.c.id.in_(stale)).values(values))
    note(connection, f"Fill the new columns of {old.name}.", {"table": old.name, "after": last})
    return str(last)


def _stale(old: Table, staged: FromClause, refill: Refill) -> Select[Any]:
    """Ids of records whose new columns are not what they should be."""
    differ = (
        staged.c[naming.prepared(name)].is_distinct_from(in_terms_of(value, old, staged))
        for name, value in refill.items()
    )
    return select(staged.c.id).where(or_(*differ))


def _sql(value: ColumnElement[Any]) -> str:
    return str(value.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True}))
