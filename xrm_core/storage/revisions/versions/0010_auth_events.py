"""What happens to accounts and rights."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, String

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "xrm_auth_event",
        sa.Column("id", Id, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("event", String, nullable=False),
        sa.Column("user_id", Id),
        sa.Column("subject", String),
        sa.Column("address", String),
        sa.Column("details", String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_auth_event"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_auth_event_at", "xrm_auth_event", ["at"])
    op.create_index("ix_xrm_auth_event_user_id", "xrm_auth_event", ["user_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("xrm_auth_event")
