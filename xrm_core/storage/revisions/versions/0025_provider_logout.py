"""Sessions of OpenID providers, and logout tokens that were used."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, String

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "xrm_oidc_session",
        sa.Column("session_id", Id, nullable=False),
        sa.Column("provider", String, nullable=False),
        sa.Column("issuer", String, nullable=False),
        sa.Column("subject", String, nullable=False),
        sa.Column("sid", String),
        sa.Column("id_token", String),
        sa.PrimaryKeyConstraint("session_id", name="pk_xrm_oidc_session"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["xrm_session.id"], name="fk_xrm_oidc_session_session_id", ondelete="CASCADE"
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_oidc_session_subject", "xrm_oidc_session", ["issuer", "subject"])
    op.create_index("ix_xrm_oidc_session_sid", "xrm_oidc_session", ["issuer", "sid"])
    op.create_table(
        "xrm_logout_token",
        sa.Column("token_hash", String, nullable=False),
        sa.Column("provider", String, nullable=False),
        sa.Column("issuer", String, nullable=False),
        sa.Column("subject", String),
        sa.Column("sid", String),
        sa.Column("issued_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_xrm_logout_token"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_logout_token_expires_at", "xrm_logout_token", ["expires_at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("xrm_logout_token")
    op.drop_table("xrm_oidc_session")
