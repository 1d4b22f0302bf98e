"""Uploads that can be resumed, with their content as far as it has come; and where content lies."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, String

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and say of each file that its content is in the database."""
    op.add_column("xrm_file", sa.Column("content_key", String))
    op.create_table(
        "xrm_content_leftover",
        sa.Column("content_key", String, nullable=False),
        sa.Column("due_at", Instant, nullable=False),
        sa.Column("claimed_at", Instant),
        sa.PrimaryKeyConstraint("content_key", name="pk_xrm_content_leftover"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_content_leftover_due_at", "xrm_content_leftover", ["due_at"])
    op.create_table(
        "xrm_upload",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", String, nullable=False),
        sa.Column("media_type", String),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("sha256", String),
        sa.Column("received", sa.Integer, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("created_by", Id, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_upload"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_upload_created_by", "xrm_upload", ["created_by"])
    op.create_index("ix_xrm_upload_expires_at", "xrm_upload", ["expires_at"])
    op.create_table(
        "xrm_upload_chunk",
        sa.Column("upload_id", Id, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("upload_id", "number", name="pk_xrm_upload_chunk"),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["xrm_upload.id"], name="fk_xrm_upload_chunk_upload_id", ondelete="CASCADE"
        ),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop them. Content that lies elsewhere is lost to files: move it into the database before."""
    op.drop_table("xrm_content_leftover")
    op.drop_column("xrm_file", "content_key")
    op.drop_table("xrm_upload_chunk")
    op.drop_table("xrm_upload")
