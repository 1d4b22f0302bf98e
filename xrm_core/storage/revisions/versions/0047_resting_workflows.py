"""The workflows of plugins that are switched off."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import String

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of those that are off already nobody knows."""
    op.add_column("xrm_plugin_switch", sa.Column("workflows", String))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("xrm_plugin_switch", "workflows")
