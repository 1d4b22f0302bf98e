"""Whether a file may be read: scans may be pending, or have found something."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import String

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what is there may be read."""
    op.add_column("xrm_file", sa.Column("state", String, nullable=False, server_default=sa.text("'ready'")))
    op.create_index("ix_xrm_file_state", "xrm_file", ["state"])


def downgrade() -> None:
    """Drop it. What was withheld may be read then."""
    op.drop_index("ix_xrm_file_state", "xrm_file")
    op.drop_column("xrm_file", "state")
