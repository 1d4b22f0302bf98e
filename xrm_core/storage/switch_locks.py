"""The tables that a switch to a new model touches on PostgreSQL, locked all at once or not at all."""

from collections.abc import Iterable

from sqlalchemy import Connection, ForeignKeyConstraint

from xrm_core.storage.evolution import Evolution
from xrm_core.storage.exclusive import run
from xrm_core.storage.script import quoted
from xrm_core.storage.table_pair import TablePair, foreign_keys
from xrm_core.storage.tables import Tables

_MILLISECONDS = 500  # for all tables together: those locked first are held meanwhile


def lock(
    connection: Connection,
    evolution: Evolution,
    pairs: Iterable[TablePair],
    old: Tables,
    new: Tables,
    *,
    beside: Iterable[str] = (),
) -> None:
    """Wait for a blink for the tables of ``pairs``, those that go, and those at the other end of their foreign keys.

    ``beside`` has names of tables that were made ahead.

    Raises:
        OperationalError: a table is in use.
    """
    former = {new[name].name: old[old_name].name for name, old_name in evolution.former.items()}
    changed = {pair.old.name for pair in pairs}
    came: set[str] = set()
    for pair in pairs:
        gone = {name for part, name in pair.old_parts.items() if part not in pair.new_parts}
        changed |= _targets(key for key in foreign_keys(pair.old) if key.name in gone)
        came |= _targets(key for key in foreign_keys(pair.new) if key.name in pair.missing.values())
    for entity in evolution.created:
        came |= _targets(foreign_keys(new[entity.name]))
    run(connection, f"SET LOCAL statement_timeout = {_MILLISECONDS}")
    _lock(connection, changed | set(beside), "ACCESS EXCLUSIVE")
    _lock(connection, {former[name] for name in came if name in former} - changed, "SHARE ROW EXCLUSIVE")
    run(connection, "SET LOCAL statement_timeout = 0")


def _targets(keys: Iterable[ForeignKeyConstraint]) -> set[str]:
    return {key.elements[0].target_fullname.split(".")[0] for key in keys}


def _lock(connection: Connection, tables: set[str], mode: str) -> None:
    if tables:
        run(connection, f"LOCK TABLE {', '.join(quoted(name) for name in sorted(tables))} IN {mode} MODE")
