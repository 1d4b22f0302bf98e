"""Versions of the roles, rules and policies of a database."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, String

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "xrm_policy_set",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("digest", String, nullable=False),
        sa.Column("files", String, nullable=False),
        sa.Column("applied_at", Instant, nullable=False),
        sa.Column("applied_by", Id),
        sa.Column("note", String, nullable=False),
        sa.Column("reverts", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_policy_set"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("xrm_policy_set")
