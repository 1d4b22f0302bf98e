"""Scopes of tokens, tokens of services, and when a token was last used."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, String

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_BEFORE = "id, token_hash, user_id, label, created_at, expires_at, revoked_at"


def _added() -> "list[sa.Column[Any]]":
    texts = [sa.Column(name, String) for name in ("roles", "grants", "networks")]
    more = [sa.Column("created_by", Id), sa.Column("last_used_at", Instant), sa.Column("last_used_from", String)]
    return [*texts, *more]


def upgrade() -> None:
    """Add the columns; a token need not have a user any more, for which SQLite needs another table."""
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("xrm_token", "user_id", nullable=True)
        for column in _added():
            op.add_column("xrm_token", column)
        return
    op.create_table(
        "xrm_token_new",
        sa.Column("id", Id, nullable=False),
        sa.Column("token_hash", String, nullable=False),
        sa.Column("user_id", Id),
        sa.Column("label", String, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant),
        sa.Column("revoked_at", Instant),
        *_added(),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_token"),
        sa.UniqueConstraint("token_hash", name="uq_xrm_token_token_hash"),
        sqlite_strict=True,
    )
    op.execute(f"INSERT INTO xrm_token_new ({_BEFORE}) SELECT {_BEFORE} FROM xrm_token")
    op.drop_table("xrm_token")
    op.rename_table("xrm_token_new", "xrm_token")
    op.create_index("ix_xrm_token_user_id", "xrm_token", ["user_id"])


def downgrade() -> None:
    """Drop the columns, and the tokens of services, which nothing can hold to their roles any more."""
    op.execute("DELETE FROM xrm_token WHERE user_id IS NULL OR roles IS NOT NULL OR grants IS NOT NULL")
    for column in _added():
        op.drop_column("xrm_token", column.name)
