"""Write values of new columns beside the old ones on PostgreSQL: in batches, while others read and write."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, Table, exists, or_, select, update

from xrm_core import naming
from xrm_core.storage.batches import beyond, end_of_batch, in_batches
from xrm_core.storage.exclusive import Turn
from xrm_core.storage.prepared import FILL
from xrm_core.storage.script import Script, literal_sql, quoted
from xrm_core.storage.table_pair import in_terms_of
from xrm_core.storage.under_way import note

Refill = Mapping[str, ColumnElement[Any]]
"""New column → its value, as an expression over the columns of the old table."""


def keep_in_step(script: Script, old: Table, refill: Refill) -> None:
    """From the script on, whoever writes a record also writes its new columns. Who writes now waits for a moment.

    A value that cannot be had becomes empty: nobody's write fails because of a model that is yet to come.
    """
    table, function = quoted(old.name), quoted(naming.prepared(f"fill_{old.name}"))
    values = "".join(
        f"BEGIN NEW.{quoted(naming.prepared(name))} := {literal_sql(in_terms_of(value, old, old.alias('new')))}; "
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
    left = exists(_stale(old, staged.alias("stale"), refill))
    in_batches(turn, lambda connection, after: _batch(connection, old, staged, refill, after), left, after)


def _batch(connection: Connection, old: Table, staged: Table, refill: Refill, after: str | None) -> str | None:
    """Fill the records that come after one; returns the last of them, or None at the end."""
    last = end_of_batch(connection, old, after)
    if last is None:
        return None
    chosen = staged.alias("stale")
    stale = _stale(old, chosen, refill).where(beyond(chosen, after, last))
    values = {naming.prepared(name): in_terms_of(value, old, staged) for name, value in refill.items()}
    stale = stale.with_for_update(key_share=True, skip_locked=True)
    connection.execute(update(staged).where(staged.c.id.in_(stale)).values(values))
    note(connection, f"Fill the new columns of {old.name}.", {"table": old.name, "after": last})
    return last


def _stale(old: Table, staged: FromClause, refill: Refill) -> Select[Any]:
    """Ids of records whose new columns are not what they should be."""
    differ = (
        staged.c[naming.prepared(name)].is_distinct_from(in_terms_of(value, old, staged))
        for name, value in refill.items()
    )
    return select(staged.c.id).where(or_(*differ))
