"""That the entries of a batch were removed is signed."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the signature."""
    op.add_column("xrm_change_batch", sa.Column("removal", sa.LargeBinary(32)))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("xrm_change_batch", "removal")
