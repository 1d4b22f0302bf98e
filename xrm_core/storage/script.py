"""Statements that are thought out first and sent all at once, so that a lock is held for the database's time only."""

from io import StringIO
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Dialect
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from xrm_core.storage.exclusive import run

DIALECT: Dialect = PGDialect_psycopg(paramstyle="named")  # type: ignore[no-untyped-call]
"""The engine's, but for the names of parameters: these need no escape, so that ``%`` is ``%`` in the text."""


class Script:
    """Statements for PostgreSQL; ``operations`` are Alembic's, which write here and do nothing yet."""

    def __init__(self) -> None:
        # Here, not above: a server that applies nothing does without Alembic.
        from alembic.migration import MigrationContext
        from alembic.operations import Operations

        self._text = StringIO()
        options = {"as_sql": True, "output_buffer": self._text}
        self.operations = Operations(MigrationContext.configure(dialect=DIALECT, opts=options))

    def add(self, statement: str) -> None:
        """Write a statement of plain SQL."""
        self._text.write(f"{statement};\n")

    def add_column(self, table: str, column: Column[Any]) -> None:
        """Write ALTER TABLE ADD COLUMN; Alembic's own has spaces where a default has a tabulator."""
        from alembic.ddl.base import AddColumn

        self.add(str(AddColumn(table, column).compile(dialect=DIALECT)))

    def send(self, connection: Connection) -> None:
        """Run all of them, in one go."""
        if self._text.tell():
            run(connection, self._text.getvalue())


def literal_sql(value: ColumnElement[Any]) -> str:
    """An expression as text, with its values in it."""
    return str(value.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True}))


def quoted(name: str) -> str:
    """A name as an identifier of SQL."""
    return DIALECT.identifier_preparer.quote(name)
