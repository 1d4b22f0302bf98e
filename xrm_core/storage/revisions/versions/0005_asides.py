"""What changes of the model have put aside, and which change takes back which."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Instant, String

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, and two columns of the applied models."""
    op.add_column("xrm_model", sa.Column("reverts", sa.Integer))
    op.add_column("xrm_model", sa.Column("contracted_at", Instant))
    op.create_table(
        "xrm_aside",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("change_id", sa.Integer, nullable=False),
        sa.Column("entity", String, nullable=False),
        sa.Column("former", String, nullable=False),
        sa.Column("place", String, nullable=False),
        sa.Column("name", String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_aside"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("xrm_aside")
    op.drop_column("xrm_model", "contracted_at")
    op.drop_column("xrm_model", "reverts")
