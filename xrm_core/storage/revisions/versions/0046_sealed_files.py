"""What there is to say of files whose content is sealed."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import String

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; nothing is sealed yet."""
    op.add_column("xrm_file", sa.Column("sealed", String))


def downgrade() -> None:
    """Drop it. What was sealed cannot be read any more."""
    op.drop_column("xrm_file", "sealed")
