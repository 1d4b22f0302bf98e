"""Which plugins are switched off."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Flag, Instant, String

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "xrm_plugin_switch",
        sa.Column("name", String, nullable=False),
        sa.Column("distribution", String, nullable=False),
        sa.Column("version", String, nullable=False),
        sa.Column("files", String, nullable=False),
        sa.Column("removed", Flag, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_xrm_plugin_switch"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("xrm_plugin_switch")
