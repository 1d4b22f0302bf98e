"""What a restore must not take back: the mark of a database, and what it has of the journal."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, String

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is there yet."""
    op.create_table(
        "xrm_journal_mark",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("mark", Id, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_journal_mark"),
        sa.CheckConstraint("id = 1", name="ck_xrm_journal_mark_id"),
        sqlite_strict=True,
    )
    op.create_table(
        "xrm_journal_entry",
        sa.Column("id", Id, nullable=False),
        sa.Column("kind", String, nullable=False),
        sa.Column("content", String, nullable=False),
        sa.Column("kept_at", Instant, nullable=False),
        sa.Column("written_at", Instant),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_journal_entry"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_journal_entry_written_at", "xrm_journal_entry", ["written_at"])


def downgrade() -> None:
    """Take them away; the journal in the key store stays."""
    op.drop_table("xrm_journal_entry")
    op.drop_table("xrm_journal_mark")
