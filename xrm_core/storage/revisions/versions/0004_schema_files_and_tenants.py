"""The tenant layer's schema files, and the catalogue of tenants."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, String

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the three tables."""
    op.create_table(
        "xrm_schema_file",
        sa.Column("name", String, nullable=False),
        sa.Column("text", String, nullable=False),
        sa.Column("changed_at", Instant, nullable=False),
        sa.Column("changed_by", Id),
        sa.PrimaryKeyConstraint("name", name="pk_xrm_schema_file"),
        sqlite_strict=True,
    )
    op.create_table(
        "xrm_tenant",
        sa.Column("name", String, nullable=False),
        sa.Column("state", String, nullable=False),
        sa.Column("database_url", String),
        sa.Column("schema_name", String),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_xrm_tenant"),
        sqlite_strict=True,
    )
    op.create_table(
        "xrm_tenant_host",
        sa.Column("host", String, nullable=False),
        sa.Column("tenant", String, nullable=False),
        sa.PrimaryKeyConstraint("host", name="pk_xrm_tenant_host"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("xrm_tenant_host", "xrm_tenant", "xrm_schema_file"):
        op.drop_table(table)
