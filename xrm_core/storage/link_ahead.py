"""Links that a relation to one record becomes on PostgreSQL: made ahead, so that nobody waits for them.

The table of links is there before the switch, under a prepared name. A trigger on the table of the records that refer
to others keeps the links in step with whoever writes them meanwhile; those that are there are done in batches.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    ForeignKeyConstraint,
    FromClause,
    MetaData,
    Select,
    Table,
    UniqueConstraint,
    exists,
    quoted_name,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.schema import CreateIndex, CreateTable

from xrm_core import naming
from xrm_core.storage.batches import beyond, end_of_batch, in_batches
from xrm_core.storage.evolution import Evolution
from xrm_core.storage.exclusive import Turn
from xrm_core.storage.linking import Linked, became_many, link_values
from xrm_core.storage.prepared import Prepared
from xrm_core.storage.script import DIALECT, Script, literal_sql, quoted
from xrm_core.storage.tables import Tables
from xrm_core.storage.under_way import change_under_way, note


def links_ahead(evolution: Evolution, old: Tables, new: Tables) -> Iterator["LinksAhead"]:
    """All tables of links that can be made ahead.

    Where two links could not have the same default, they are not: somebody's write would fail because of a model that
    is yet to come.
    """
    for linked in became_many(evolution):
        links = new[linked.link.name]
        uniques = (found for found in links.constraints if isinstance(found, UniqueConstraint))
        if all(linked.near in found.columns for found in uniques):
            yield LinksAhead(linked, old[linked.pair.old.name], links)


@dataclass(frozen=True)
class LinksAhead:
    """The links of one relation: ``owner`` is the table that has it now, ``links`` the table that there shall be."""

    linked: Linked
    owner: Table
    links: Table

    @cached_property
    def name(self) -> str:
        """Name of the table until the switch, of the trigger and of its function."""
        return naming.prepared(f"links_{self.links.name}")

    def make(self, turn: Turn) -> None:
        """Make the table and its links, or what of it is not yet done.

        Raises:
            SchemaChangeRefused: tables or records stay in use.
        """
        turn.patiently(self._create)
        change = turn.patiently(change_under_way)
        position = change.position if change else {}
        after = position.get("after") if position.get("table") == self.name else None
        in_batches(turn, self._batch, exists(self._missing(self.owner)), after)
        turn.patiently(lambda connection: connection.execute(text(f"ANALYZE {quoted(self.name)}")))

    def stop(self, script: Script) -> None:
        """Take the trigger away: it knows the former names only."""
        script.add(f"DROP TRIGGER {quoted(self.name)} ON {quoted(self.owner.name)}")

    def take(self, script: Script) -> None:
        """Give the table and its parts their names; the foreign keys are still missing."""
        script.operations.rename_table(self.name, self.links.name)
        for name in self._part_names():
            now, wanted = quoted(naming.prepared(name)), quoted(name)
            script.add(f"ALTER TABLE {quoted(self.links.name)} RENAME CONSTRAINT {now} TO {wanted}")
        for index in self.links.indexes:
            script.add(f"ALTER INDEX {quoted(naming.prepared(str(index.name)))} RENAME TO {quoted(str(index.name))}")

    def _part_names(self) -> Iterator[str]:
        found = (part for part in self.links.constraints if not isinstance(part, ForeignKeyConstraint))
        return (str(part.name) for part in found)

    @cached_property
    def _staged(self) -> Table:
        """The table of links until the switch, without foreign keys."""
        staged = self.links.to_metadata(MetaData(), name=self.name)
        for part in list(staged.constraints):
            if isinstance(part, ForeignKeyConstraint):
                staged.constraints.remove(part)
            else:
                part.name = naming.prepared(str(part.name))
        for index in staged.indexes:
            index.name = quoted_name(naming.prepared(str(index.name)), quote=None)
        return staged

    def _create(self, connection: Connection) -> None:
        if Prepared(connection).has("table", "", self.name):
            return
        script, name, owner = Script(), quoted(self.name), quoted(self.owner.name)
        note(connection, f"Make the links {self.links.name} ahead.")
        script.add(str(CreateTable(self._staged).compile(dialect=DIALECT)))
        for index in self._staged.indexes:
            script.add(str(CreateIndex(index).compile(dialect=DIALECT)))
        values = self._values(self.owner.alias("new"))
        columns = ", ".join(quoted(column) for column in values)
        row = ", ".join(literal_sql(value) for value in values.values())
        other = literal_sql(self._other(self.owner.alias("new")))
        body = (
            f"BEGIN IF TG_OP <> 'INSERT' THEN DELETE FROM {name} WHERE id = OLD.id; END IF; IF TG_OP <> 'DELETE' THEN "
            f"IF {other} IS NOT NULL THEN INSERT INTO {name} ({columns}) VALUES ({row}); END IF; END IF; "
            "RETURN NULL; END"
        ).replace("'", "''")
        script.add(f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS '{body}'")
        script.add(
            f"CREATE TRIGGER {name} AFTER INSERT OR UPDATE OR DELETE ON {owner} FOR EACH ROW EXECUTE FUNCTION {name}()"
        )
        script.send(connection)

    def _batch(self, connection: Connection, after: str | None) -> str | None:
        last = end_of_batch(connection, self.owner, after)
        if last is None:
            return None
        # locked, so that what is read is what there is, and those who write are left to the trigger
        rows = self._missing(self.owner).where(beyond(self.owner, after, last))
        rows = rows.with_for_update(key_share=True, skip_locked=True)
        found = insert(self._staged).from_select(list(self._values(self.owner)), rows)
        connection.execute(found.on_conflict_do_nothing())
        note(connection, f"Make the links {self.links.name} ahead.", {"table": self.name, "after": last})
        return last

    def _missing(self, owner: FromClause) -> Select[Any]:
        """The links of records that have none yet."""
        there = select(self._staged.c.id).where(self._staged.c.id == owner.c.id)
        rows: Select[Any] = select(*self._values(owner).values())
        return rows.where(self._other(owner).is_not(None), ~exists(there))

    def _values(self, owner: FromClause) -> dict[str, ColumnElement[Any]]:
        return link_values(self.linked, owner, self._other(owner), self.links)

    def _other(self, owner: FromClause) -> ColumnElement[Any]:
        [column] = self.linked.field.columns
        return owner.c[column]
