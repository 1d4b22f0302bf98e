"""The second factor of users, and their recovery codes."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, String

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the two tables."""
    op.create_table(
        "xrm_totp",
        sa.Column("user_id", Id, nullable=False),
        sa.Column("secret", String, nullable=False),
        sa.Column("last_step", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("confirmed_at", Instant),
        sa.PrimaryKeyConstraint("user_id", name="pk_xrm_totp"),
        sqlite_strict=True,
    )
    op.create_table(
        "xrm_recovery_code",
        sa.Column("user_id", Id, nullable=False),
        sa.Column("code_hash", String, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name="pk_xrm_recovery_code"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("xrm_recovery_code", "xrm_totp"):
        op.drop_table(table)
