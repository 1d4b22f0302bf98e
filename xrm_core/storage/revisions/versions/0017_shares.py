"""Records that are shared."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, String

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "xrm_share",
        sa.Column("entity", String, nullable=False),
        sa.Column("record_id", Id, nullable=False),
        sa.Column("grantee", String, nullable=False),
        sa.Column("level", String, nullable=False),
        sa.Column("until", Instant),
        sa.Column("reason", String),
        sa.Column("shared_at", Instant, nullable=False),
        sa.Column("shared_by", Id),
        sa.PrimaryKeyConstraint("entity", "record_id", "grantee", name="pk_xrm_share"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_share_grantee", "xrm_share", ["grantee", "entity"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("xrm_share")
