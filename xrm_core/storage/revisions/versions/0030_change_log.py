"""The change log."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Flag, Id, Instant, String, Whole

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the two tables."""
    op.create_table(
        "xrm_change",
        sa.Column("id", Whole, sa.Identity(), nullable=False),
        sa.Column("position", Whole),
        sa.Column("at", Instant, nullable=False),
        sa.Column("entity", String, nullable=False),
        sa.Column("record_id", Id, nullable=False),
        sa.Column("operation", String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("actor", Id),
        sa.Column("causes", String, nullable=False),
        sa.Column("fields", String, nullable=False),
        sa.Column("salt", sa.LargeBinary(32)),
        sa.Column("erased", String),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_change"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_change_record_id", "xrm_change", ["record_id", "id"])
    _partial("ix_xrm_change_unsealed", "id", "position IS NULL", unique=False)
    _partial("uq_xrm_change_position", "position", "position IS NOT NULL", unique=True)
    op.create_table(
        "xrm_change_batch",
        sa.Column("number", Whole, nullable=False, autoincrement=False),
        sa.Column("first", Whole, nullable=False),
        sa.Column("last", Whole, nullable=False),
        sa.Column("sealed_at", Instant, nullable=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sa.Column("chain", sa.LargeBinary(32), nullable=False),
        sa.Column("mac", sa.LargeBinary(32)),
        sa.Column("removed", Flag, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_xrm_change_batch"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("xrm_change_batch")
    op.drop_table("xrm_change")


def _partial(name: str, column: str, where: str, *, unique: bool) -> None:
    only = sa.text(where)
    op.create_index(name, "xrm_change", [column], unique=unique, postgresql_where=only, sqlite_where=only)
