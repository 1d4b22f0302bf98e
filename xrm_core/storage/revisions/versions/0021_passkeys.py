"""Passkeys."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Flag, Id, Instant, String

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "xrm_passkey",
        sa.Column("id", Id, nullable=False),
        sa.Column("credential_id", String, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("name", String, nullable=False),
        sa.Column("public_key", String, nullable=False),
        sa.Column("sign_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("transports", String, nullable=False),
        sa.Column("aaguid", String, nullable=False),
        sa.Column("backup_eligible", Flag, nullable=False),
        sa.Column("backed_up", Flag, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("last_used_at", Instant),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_passkey"),
        sa.UniqueConstraint("credential_id", name="uq_xrm_passkey_credential_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_passkey_user_id", "xrm_passkey", ["user_id"])
    op.create_table(
        "xrm_passkey_challenge",
        sa.Column("challenge_hash", String, nullable=False),
        sa.Column("purpose", String, nullable=False),
        sa.Column("user_id", Id),
        sa.Column("session_id", Id),
        sa.Column("client", String, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("challenge_hash", name="pk_xrm_passkey_challenge"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_passkey_challenge_client", "xrm_passkey_challenge", ["client", "expires_at"])
    op.create_index("ix_xrm_passkey_challenge_expires_at", "xrm_passkey_challenge", ["expires_at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("xrm_passkey_challenge")
    op.drop_table("xrm_passkey")
