"""Answers to changes that came with an idempotency key."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, String

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

TABLE = "xrm_idempotency_key"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        TABLE,
        sa.Column("key_hash", String, nullable=False),
        sa.Column("user_id", Id),
        sa.Column("request_hash", String, nullable=False),
        sa.Column("rights_hash", String, nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name="pk_xrm_idempotency_key"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_idempotency_key_expires_at", TABLE, ["expires_at"])


def downgrade() -> None:
    """Remove it: what is repeated then is done again."""
    op.drop_table(TABLE)
