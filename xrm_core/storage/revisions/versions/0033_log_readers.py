"""Readers of the change log."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, String, Whole

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the two tables."""
    op.create_table(
        "xrm_log_reader",
        sa.Column("name", String, nullable=False),
        sa.Column("position", Whole, nullable=False),
        sa.Column("lease", Id),
        sa.Column("beat", Whole, nullable=False),
        sa.Column("worker", String),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("due_at", Instant),
        sa.Column("error", String),
        sa.Column("read_at", Instant),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_xrm_log_reader"),
        sqlite_strict=True,
    )
    op.create_table(
        "xrm_log_waiting",
        sa.Column("reader", String, nullable=False),
        sa.Column("position", Whole, nullable=False),
        sa.Column("entity", String, nullable=False),
        sa.Column("record_id", Id, nullable=False),
        sa.Column("state", String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", Instant),
        sa.Column("error", String),
        sa.Column("failed_at", Instant),
        sa.PrimaryKeyConstraint("reader", "position", name="pk_xrm_log_waiting"),
        sqlite_strict=True,
    )
    columns = ["reader", "record_id", "state", "position"]
    op.create_index("ix_xrm_log_waiting_record_id", "xrm_log_waiting", columns)


def downgrade() -> None:
    """Drop them."""
    op.drop_table("xrm_log_waiting")
    op.drop_table("xrm_log_reader")
