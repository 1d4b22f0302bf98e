"""What was made ahead of a change on PostgreSQL: found by name in the catalogue, taken away if the change is off."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import Connection, text

from xrm_core import naming
from xrm_core.storage.exclusive import Turn, run
from xrm_core.storage.script import quoted

FILL = naming.prepared("fill")
"""Name of the trigger that keeps refilled columns in step with the old ones."""

_FOUND = text(
    r"""
    SELECT 'column', t.relname, a.attname, true
    FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid
    WHERE t.relkind = 'r' AND NOT a.attisdropped AND a.attname LIKE 'xrm\_new\_%'
        AND t.relnamespace = current_schema()::regnamespace
    UNION ALL
    SELECT 'constraint', t.relname, c.conname, c.convalidated
    FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
    WHERE c.conname LIKE 'xrm\_new\_%' AND t.relnamespace = current_schema()::regnamespace
        AND c.contype <> 'n' -- PostgreSQL's own names for NOT NULL, from version 18 on: they stay with the table
    UNION ALL
    SELECT 'index', t.relname, i.relname, x.indisvalid
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
    WHERE i.relname LIKE 'xrm\_new\_%' AND t.relnamespace = current_schema()::regnamespace
    UNION ALL
    SELECT 'trigger', t.relname, g.tgname, true
    FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid
    WHERE g.tgname LIKE 'xrm\_new\_%' AND t.relnamespace = current_schema()::regnamespace
    UNION ALL
    SELECT 'function', '', p.proname, true
    FROM pg_proc p
    WHERE p.proname LIKE 'xrm\_new\_%' AND p.pronamespace = current_schema()::regnamespace
    UNION ALL
    SELECT 'table', '', t.relname, true
    FROM pg_class t
    WHERE t.relkind = 'r' AND t.relname LIKE 'xrm\_new\_%' AND t.relnamespace = current_schema()::regnamespace
    """
)


@dataclass(frozen=True)
class Found:
    """A thing made ahead; ``ready`` is false for an index that is invalid and a constraint that is not validated."""

    kind: str
    table: str
    name: str
    ready: bool


class Prepared:
    """All that was made ahead, as the catalogue has it at this moment."""

    def __init__(self, connection: Connection) -> None:
        self.found = [Found(*row) for row in connection.execute(_FOUND)]
        self._ready = {(one.kind, one.table, one.name): one.ready for one in self.found}

    def has(self, kind: str, table: str, name: str) -> bool:
        """Whether there is one of this prepared name on the table."""
        return (kind, table, name) in self._ready

    def is_ready(self, kind: str, table: str, name: str) -> bool:
        """Whether there is one and it may be used."""
        return self._ready.get((kind, table, name), False)

    @cached_property
    def tables(self) -> list[str]:
        """Tables of records on which anything was made."""
        beside = {one.name for one in self.found if one.kind == "table"}
        return sorted({one.table for one in self.found if one.table} - beside)


def remove(turn: Turn) -> None:
    """Take away all that was made ahead: one short transaction for each table.

    Raises:
        SchemaChangeRefused: a table stays in use.
    """
    for table in turn.patiently(lambda connection: Prepared(connection).tables):
        turn.patiently(lambda connection, table=table: remove_from(connection, table))  # type: ignore[misc]
    turn.patiently(_remove_helpers)


def remove_from(connection: Connection, table: str) -> None:
    """Take away what was made ahead on one table."""
    for statement in removal(Prepared(connection), table, table, frozenset()):
        run(connection, statement)


def removal(prepared: Prepared, table: str, new_name: str, taken: Collection[str]) -> Iterator[str]:
    """Statements that take away what was made ahead on a table.

    Args:
        prepared: what there is.
        table: the table's name there.
        new_name: its name when the statements run.
        taken: names of things that have been put to use, so that they stay.
    """
    names: dict[str, list[str]] = defaultdict(list)
    for one in prepared.found:
        if one.table == table and one.name not in taken:
            names[one.kind].append(quoted(one.name))
    for trigger in names["trigger"]:
        yield f"DROP TRIGGER IF EXISTS {trigger} ON {quoted(new_name)}"
    drops = [f"DROP CONSTRAINT {name}" for name in names["constraint"]]
    drops += [f"DROP COLUMN IF EXISTS {name}" for name in names["column"]]
    if drops:
        yield f"ALTER TABLE {quoted(new_name)} {', '.join(drops)}"
    for index in names["index"]:
        yield f"DROP INDEX IF EXISTS {index}"  # one of a dropped column has gone with it


def removal_of_helpers(prepared: Prepared, taken: Collection[str] = ()) -> Iterator[str]:
    """Statements that take away functions whose triggers are gone, and tables beside; names in ``taken`` stay."""
    yield from (f"DROP FUNCTION {quoted(one.name)}" for one in prepared.found if one.kind == "function")
    yield from (
        f"DROP TABLE {quoted(one.name)}" for one in prepared.found if one.kind == "table" and one.name not in taken
    )


def _remove_helpers(connection: Connection) -> None:
    for statement in removal_of_helpers(Prepared(connection)):
        run(connection, statement)
