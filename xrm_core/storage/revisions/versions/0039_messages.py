"""The outbox."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, String

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "xrm_message",
        sa.Column("id", Id, nullable=False),
        sa.Column("kind", String, nullable=False),
        sa.Column("channel", String, nullable=False),
        sa.Column("key", String),
        sa.Column("about_entity", String, nullable=False),
        sa.Column("about_id", Id, nullable=False),
        sa.Column("person_entity", String),
        sa.Column("person_id", Id),
        sa.Column("payload", String, nullable=False),
        sa.Column("owner", Id),
        sa.Column("state", String, nullable=False),
        sa.Column("reason", String),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("handed_over_at", Instant),
        sa.Column("ended_at", Instant),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_message"),
        sqlite_strict=True,
    )
    op.create_index("uq_xrm_message_key", "xrm_message", ["key"], unique=True)
    for column in ("about_id", "person_id", "ended_at"):
        op.create_index(f"ix_xrm_message_{column}", "xrm_message", [column])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("xrm_message")
