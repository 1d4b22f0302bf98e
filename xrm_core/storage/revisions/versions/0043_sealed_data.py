"""By what the key store of sealed values knows a database."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is sealed yet."""
    op.create_table(
        "xrm_sealed_data",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("mark", Id, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_sealed_data"),
        sa.CheckConstraint("id = 1", name="ck_xrm_sealed_data_id"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_table("xrm_sealed_data")
