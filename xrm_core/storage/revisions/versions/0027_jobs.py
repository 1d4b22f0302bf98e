"""Jobs and schedules."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Flag, Id, Instant, String

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

PENDING = sa.text("state = 'pending'")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "xrm_job",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", String, nullable=False),
        sa.Column("payload", String, nullable=False),
        sa.Column("key", String),
        sa.Column("state", String, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("due_at", Instant, nullable=False),
        sa.Column("scheduled_for", Instant),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("max_attempts", sa.Integer),
        sa.Column("lease", Id),
        sa.Column("beat", sa.Integer, nullable=False),
        sa.Column("worker", String),
        sa.Column("cancel", Flag, nullable=False),
        sa.Column("progress", sa.Integer, nullable=False),
        sa.Column("message", String),
        sa.Column("result", String),
        sa.Column("error", String),
        sa.Column("owner", Id),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("started_at", Instant),
        sa.Column("finished_at", Instant),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_job"),
        sqlite_strict=True,
    )
    op.create_index("uq_xrm_job_key", "xrm_job", ["key"], unique=True, postgresql_where=PENDING, sqlite_where=PENDING)
    op.create_index("ix_xrm_job_due", "xrm_job", ["state", sa.text("priority DESC"), "due_at"])
    op.create_index("ix_xrm_job_owner", "xrm_job", ["owner"])
    op.create_index("ix_xrm_job_finished_at", "xrm_job", ["finished_at"])
    op.create_table(
        "xrm_schedule",
        sa.Column("name", String, nullable=False),
        sa.Column("cron", String, nullable=False),
        sa.Column("zone", String, nullable=False),
        sa.Column("next_at", Instant, nullable=False),
        sa.Column("last_at", Instant),
        sa.PrimaryKeyConstraint("name", name="pk_xrm_schedule"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("xrm_schedule")
    op.drop_table("xrm_job")
