"""Which record was merged into which."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, String

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "xrm_merge",
        sa.Column("entity", String, nullable=False),
        sa.Column("record_id", Id, nullable=False),
        sa.Column("into_id", Id, nullable=False),
        sa.Column("merge_id", Id, nullable=False),
        sa.Column("merged_at", Instant, nullable=False),
        sa.Column("merged_by", Id),
        sa.PrimaryKeyConstraint("entity", "record_id", name="pk_xrm_merge"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_merge_into_id", "xrm_merge", ["entity", "into_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("xrm_merge")
