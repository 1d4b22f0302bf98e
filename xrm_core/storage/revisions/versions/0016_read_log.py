"""Who read which record."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, String

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the two tables."""
    op.create_table(
        "xrm_read",
        sa.Column("id", Id, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("request_id", Id, nullable=False),
        sa.Column("user_id", Id),
        sa.Column("token_id", Id),
        sa.Column("address", String),
        sa.Column("entity", String, nullable=False),
        sa.Column("fields", String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_read"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_read_at", "xrm_read", ["at"])
    op.create_index("ix_xrm_read_user_id", "xrm_read", ["user_id"])
    op.create_table(
        "xrm_read_record",
        sa.Column("record_id", Id, nullable=False),
        sa.Column("read_id", Id, nullable=False),
        sa.PrimaryKeyConstraint("record_id", "read_id", name="pk_xrm_read_record"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_read_record_read_id", "xrm_read_record", ["read_id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("xrm_read_record")
    op.drop_table("xrm_read")
