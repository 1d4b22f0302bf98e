"""The trash."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, JsonObject, String

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the two tables."""
    op.create_table(
        "xrm_trash",
        sa.Column("entity", String, nullable=False),
        sa.Column("record_id", Id, nullable=False),
        sa.Column("deletion", Id, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("deleted_at", Instant, nullable=False),
        sa.Column("record", JsonObject, nullable=False),
        sa.Column("lost", String),
        sa.PrimaryKeyConstraint("entity", "record_id", name="pk_xrm_trash"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_trash_deletion", "xrm_trash", ["deletion", "place"])
    op.create_index("ix_xrm_trash_deleted_at", "xrm_trash", ["deleted_at"])
    op.create_table(
        "xrm_trash_file",
        sa.Column("file_id", Id, nullable=False),
        sa.Column("entity", String, nullable=False),
        sa.Column("record_id", Id, nullable=False),
        sa.PrimaryKeyConstraint("file_id", "entity", "record_id", name="pk_xrm_trash_file"),
        sa.ForeignKeyConstraint(["file_id"], ["xrm_file.id"], name="fk_xrm_trash_file_file_id", ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["entity", "record_id"],
            ["xrm_trash.entity", "xrm_trash.record_id"],
            name="fk_xrm_trash_file_record_id",
            ondelete="CASCADE",
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_trash_file_record_id", "xrm_trash_file", ["entity", "record_id"])


def downgrade() -> None:
    """Drop them, and what is in them."""
    op.drop_table("xrm_trash_file")
    op.drop_table("xrm_trash")
