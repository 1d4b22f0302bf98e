"""Accounts of OpenID providers."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, String

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "xrm_identity",
        sa.Column("issuer", String, nullable=False),
        sa.Column("subject", String, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("issuer", "subject", name="pk_xrm_identity"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_identity_user_id", "xrm_identity", ["user_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("xrm_identity")
