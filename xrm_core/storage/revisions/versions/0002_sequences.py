"""The counters of sequence numbers."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import String

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create their table."""
    op.create_table(
        "xrm_sequence",
        sa.Column("entity", String, nullable=False),
        sa.Column("field", String, nullable=False),
        sa.Column("period", String, nullable=False),
        sa.Column("last", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("entity", "field", "period", name="pk_xrm_sequence"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("xrm_sequence")
