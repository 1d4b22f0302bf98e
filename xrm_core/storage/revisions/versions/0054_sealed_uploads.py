"""Uploads under way are sealed; and which files' contents lie in the database in passing alone."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Flag, String

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """None are yet."""
    op.add_column("xrm_upload", sa.Column("sealed", String))
    op.add_column("xrm_file", sa.Column("in_passing", Flag))


def downgrade() -> None:
    """Uploads under way that are sealed cannot be read any more: they go."""
    op.execute("DELETE FROM xrm_upload WHERE sealed IS NOT NULL")
    op.drop_column("xrm_upload", "sealed")
    op.drop_column("xrm_file", "in_passing")
