"""What a restore must not take back, as this database has it; the journal itself lies in the key store.

An entry that the journal has for the mark of a database, and the database has not, was taken back by a restore.
"""

from sqlalchemy import CheckConstraint, Column, Connection, Index, Integer, PrimaryKeyConstraint, Table, select
from sqlalchemy.dialects import postgresql, sqlite
from uuid_utils import uuid7

from xrm_core.storage.columns import Id, Instant, String
from xrm_core.storage.system import METADATA

JOURNAL_MARK = Table(
    "xrm_journal_mark",
    METADATA,
    Column("id", Integer, nullable=False),
    Column("mark", Id, nullable=False),
    PrimaryKeyConstraint("id", name="pk_xrm_journal_mark"),
    CheckConstraint("id = 1", name="ck_xrm_journal_mark_id"),
    sqlite_strict=True,
)
"""By what the journal knows a database: one row, made at the first start of a server that may have to replay."""

JOURNAL_ENTRY = Table(
    "xrm_journal_entry",
    METADATA,
    Column("id", Id, nullable=False),
    Column("kind", String, nullable=False),
    Column("content", String, nullable=False),
    Column("kept_at", Instant, nullable=False),
    Column("written_at", Instant),
    PrimaryKeyConstraint("id", name="pk_xrm_journal_entry"),
    Index("ix_xrm_journal_entry_written_at", "written_at"),
    sqlite_strict=True,
)
"""What has been done here, by replay or for the first time. ``written_at`` is empty until the journal has it, too."""


def journal_mark(connection: Connection) -> str | None:
    """The mark of a database; None: it has none yet."""
    found = connection.scalar(select(JOURNAL_MARK.c.mark))
    return None if found is None else str(found)


def made_journal_mark(connection: Connection) -> str:
    """The mark, made if there is none; in a write transaction."""
    found = journal_mark(connection)
    if found is not None:
        return found
    insert = sqlite.insert(JOURNAL_MARK) if connection.dialect.name == "sqlite" else postgresql.insert(JOURNAL_MARK)
    connection.execute(insert.values(id=1, mark=str(uuid7())).on_conflict_do_nothing())
    return str(connection.scalar(select(JOURNAL_MARK.c.mark)))
