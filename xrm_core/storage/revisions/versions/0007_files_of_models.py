"""The tenant layer's files of each model, so that undoing a change brings back the files, too."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import String

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("xrm_model", sa.Column("schema_files", String))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("xrm_model", "schema_files")
