"""Passwords, sessions, and what holds up those who guess."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, String

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the five tables."""
    op.create_table(
        "xrm_password",
        sa.Column("user_id", Id, nullable=False),
        sa.Column("hash", String, nullable=False),
        sa.Column("changed_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_xrm_password"),
        sqlite_strict=True,
    )
    op.create_table(
        "xrm_session",
        sa.Column("id", Id, nullable=False),
        sa.Column("token_hash", String, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("device", String, nullable=False),
        sa.Column("address", String),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("seen_at", Instant, nullable=False),
        sa.Column("idle_seconds", sa.Integer, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_session"),
        sa.UniqueConstraint("token_hash", name="uq_xrm_session_token_hash"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_session_user_id", "xrm_session", ["user_id"])
    op.create_index("ix_xrm_session_expires_at", "xrm_session", ["expires_at"])
    op.create_table(
        "xrm_known_device",
        sa.Column("token_hash", String, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("seen_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_xrm_known_device"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_known_device_user_id", "xrm_known_device", ["user_id"])
    op.create_table(
        "xrm_attempts",
        sa.Column("key", String, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_at", Instant, nullable=False),
        sa.Column("free_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_xrm_attempts"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_attempts_last_at", "xrm_attempts", ["last_at"])
    op.create_table(
        "xrm_one_time_token",
        sa.Column("token_hash", String, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("purpose", String, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_xrm_one_time_token"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_one_time_token_user_id", "xrm_one_time_token", ["user_id"])


def downgrade() -> None:
    """Drop them."""
    for table in ("xrm_one_time_token", "xrm_attempts", "xrm_known_device", "xrm_session", "xrm_password"):
        op.drop_table(table)
