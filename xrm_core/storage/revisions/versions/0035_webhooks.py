"""Webhooks."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, String, Whole

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the two tables."""
    op.create_table(
        "xrm_webhook",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", String, nullable=False),
        sa.Column("url", String, nullable=False),
        sa.Column("role", String, nullable=False),
        sa.Column("entity", String, nullable=False),
        sa.Column("operations", String, nullable=False),
        sa.Column("filter", String),
        sa.Column("fields", String),
        sa.Column("secret", String, nullable=False),
        sa.Column("former_secret", String),
        sa.Column("former_until", Instant),
        sa.Column("state", String, nullable=False),
        sa.Column("reason", String),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failed_since", Instant),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_webhook"),
        sqlite_strict=True,
    )
    op.create_table(
        "xrm_webhook_delivery",
        sa.Column("id", Id, nullable=False),
        sa.Column("webhook", Id, nullable=False),
        sa.Column("event", String, nullable=False),
        sa.Column("position", Whole, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("error", String),
        sa.Column("milliseconds", sa.Integer, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_webhook_delivery"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_webhook_delivery_webhook", "xrm_webhook_delivery", ["webhook", "id"])
    op.create_index("ix_xrm_webhook_delivery_at", "xrm_webhook_delivery", ["at"])


def downgrade() -> None:
    """Drop them."""
    for name in ("xrm_webhook_delivery", "xrm_webhook"):
        op.drop_table(name)
