"""The key of masks that are a hash."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.mask_hash import new_key

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table with a key of this database."""
    table = op.create_table(
        "xrm_mask_key",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("inner_block", sa.LargeBinary, nullable=False),
        sa.Column("outer_block", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_mask_key"),
        sqlite_strict=True,
    )
    op.bulk_insert(table, [new_key()])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("xrm_mask_key")
