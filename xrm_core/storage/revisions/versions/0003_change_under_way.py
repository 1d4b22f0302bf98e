"""The change of the model that is under way."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Instant, String

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "xrm_model_change",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("fingerprint", String, nullable=False),
        sa.Column("snapshot", String, nullable=False),
        sa.Column("operations", String, nullable=False),
        sa.Column("phase", String, nullable=False),
        sa.Column("step", String, nullable=False),
        sa.Column("position", String),
        sa.Column("started_at", Instant, nullable=False),
        sa.Column("noted_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_model_change"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("xrm_model_change")
