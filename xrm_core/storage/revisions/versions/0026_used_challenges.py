"""Challenges of passkeys are kept when they are used, not when they are made."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, String

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

TABLE, EXPIRES = "xrm_passkey_challenge", "ix_xrm_passkey_challenge_expires_at"


def upgrade() -> None:
    """Replace the table. Who is signing in at this moment begins again."""
    _replace()


def downgrade() -> None:
    """Replace it by the former one."""
    _replace(
        sa.Column("purpose", String, nullable=False),
        sa.Column("user_id", Id),
        sa.Column("session_id", Id),
        sa.Column("client", String, nullable=False),
    )
    op.create_index("ix_xrm_passkey_challenge_client", TABLE, ["client", "expires_at"])


def _replace(*more: "sa.Column[object]") -> None:
    op.drop_table(TABLE)
    op.create_table(
        TABLE,
        sa.Column("challenge_hash", String, nullable=False),
        *more,
        sa.Column("expires_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("challenge_hash", name="pk_xrm_passkey_challenge"),
        sqlite_strict=True,
    )
    op.create_index(EXPIRES, TABLE, ["expires_at"])
