"""Security notices that are to be sent."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Flag, Id, Instant, String

revision = "0024"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "xrm_notice",
        sa.Column("id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("kind", String, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("own", Flag, nullable=False),
        sa.Column("address", String),
        sa.Column("email", String),
        sa.Column("due_at", Instant, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_notice"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_notice_user_id", "xrm_notice", ["user_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("xrm_notice")
