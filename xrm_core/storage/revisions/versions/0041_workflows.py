"""Workflows."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, String

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "xrm_workflow_run",
        sa.Column("id", Id, nullable=False),
        sa.Column("workflow", String, nullable=False),
        sa.Column("entity", String, nullable=False),
        sa.Column("record_id", Id, nullable=False),
        sa.Column("key", String, nullable=False),
        sa.Column("state", String, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("program", String, nullable=False),
        sa.Column("created", String, nullable=False),
        sa.Column("causes", String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", String),
        sa.Column("due_at", Instant),
        sa.Column("begun_at", Instant, nullable=False),
        sa.Column("ended_at", Instant),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_workflow_run"),
        sqlite_strict=True,
    )
    unique = ["workflow", "record_id", "key"]
    op.create_index("uq_xrm_workflow_run_key", "xrm_workflow_run", unique, unique=True)
    op.create_index("ix_xrm_workflow_run_state", "xrm_workflow_run", ["state", "workflow"])
    op.create_index("ix_xrm_workflow_run_ended_at", "xrm_workflow_run", ["ended_at"])
    op.create_table(
        "xrm_workflow_look",
        sa.Column("workflow", String, nullable=False),
        sa.Column("until", Instant, nullable=False),
        sa.PrimaryKeyConstraint("workflow", name="pk_xrm_workflow_look"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("xrm_workflow_look")
    op.drop_table("xrm_workflow_run")
