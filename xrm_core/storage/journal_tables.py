"""What a restore must not take back, as this database has it; the journal itself lies in the key store.

An entry that the journal has for the mark of a database, and the database has not, was taken back by a restore.
"""

from sqlalchemy import CheckConstraint, Column, Connection, Index, Integer, PrimaryKeyConstraint, Table

from xrm_core.storage.columns import Id, Instant, String
from xrm_core.storage.sealed_tables import made_mark, mark_of
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
"""What has been done here, by replay or for the first time. ``written_at`` is empty until the journal has it, too;
the content is ``ELSEWHERE`` from then on.
"""

ELSEWHERE = "{}"


def journal_mark(connection: Connection) -> str | None:
    """The mark of a database; None: it has none yet."""
    return mark_of(connection, JOURNAL_MARK)


def made_journal_mark(connection: Connection) -> str:
    """The mark, made if there is none; in a write transaction."""
    return made_mark(connection, JOURNAL_MARK)
