"""By what the key store knows a database: a mark by chance, which goes along wherever the data go."""

from functools import cache

from sqlalchemy import CheckConstraint, Column, Connection, Integer, PrimaryKeyConstraint, Table, select
from sqlalchemy.dialects import postgresql, sqlite
from uuid_utils import uuid7

from xrm_core.storage.columns import Id
from xrm_core.storage.system import METADATA
from xrm_core.storage.system_statements import SystemStatement

SEALED_DATA = Table(
    "xrm_sealed_data",
    METADATA,
    Column("id", Integer, nullable=False),
    Column("mark", Id, nullable=False),
    PrimaryKeyConstraint("id", name="pk_xrm_sealed_data"),
    CheckConstraint("id = 1", name="ck_xrm_sealed_data_id"),
    sqlite_strict=True,
)
"""One row as soon as something was sealed; none before. Not the tenant's name, under which it may not come back."""


def mark_of(connection: Connection, table: Table = SEALED_DATA) -> str | None:
    """The mark of a database in a table of one row; None: it has none there, such as nothing that was sealed."""
    found = _mark(table).value(connection)
    return None if found is None else str(found)


@cache
def _mark(table: Table) -> SystemStatement:
    return SystemStatement(lambda _: select(table.c.mark))


def made_mark(connection: Connection, table: Table = SEALED_DATA) -> str:
    """The mark, made if there is none; in a write transaction."""
    found = mark_of(connection, table)
    if found is not None:
        return found
    insert = sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
    connection.execute(insert.values(id=1, mark=str(uuid7())).on_conflict_do_nothing())
    return str(connection.scalar(select(table.c.mark)))
