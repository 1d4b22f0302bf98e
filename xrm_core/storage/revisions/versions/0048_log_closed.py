"""Values of the change log that are closed."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import String, Whole

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is closed yet."""
    op.create_table(
        "xrm_log_closed",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("position", Whole, nullable=False),
        sa.Column("fields", String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_log_closed"),
        sa.CheckConstraint("id = 1", name="ck_xrm_log_closed_id"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop it. What was closed cannot be read any more."""
    op.drop_table("xrm_log_closed")
