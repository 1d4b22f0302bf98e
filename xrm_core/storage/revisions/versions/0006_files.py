"""Files and their content in chunks."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, String

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the two tables."""
    op.create_table(
        "xrm_file",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", String, nullable=False),
        sa.Column("media_type", String, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("sha256", String, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("created_by", Id),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_file"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_file_created_at", "xrm_file", ["created_at"])
    op.create_table(
        "xrm_file_chunk",
        sa.Column("file_id", Id, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("file_id", "number", name="pk_xrm_file_chunk"),
        sa.ForeignKeyConstraint(["file_id"], ["xrm_file.id"], name="fk_xrm_file_chunk_file_id", ondelete="CASCADE"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("xrm_file_chunk")
    op.drop_table("xrm_file")
