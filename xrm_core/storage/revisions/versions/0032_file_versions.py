"""Versions of files."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, and what says which version a file is and an upload becomes."""
    op.add_column("xrm_file", sa.Column("version", sa.Integer, nullable=False, server_default=sa.text("1")))
    op.add_column("xrm_upload", sa.Column("former_id", Id))
    op.create_table(
        "xrm_file_version",
        sa.Column("file_id", Id, nullable=False),
        sa.Column("former_id", Id, nullable=False),
        sa.PrimaryKeyConstraint("file_id", "former_id", name="pk_xrm_file_version"),
        sa.ForeignKeyConstraint(["file_id"], ["xrm_file.id"], name="fk_xrm_file_version_file_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["former_id"], ["xrm_file.id"], name="fk_xrm_file_version_former_id", ondelete="CASCADE"
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_file_version_former_id", "xrm_file_version", ["former_id"])


def downgrade() -> None:
    """Drop them. Former versions are files to which no record refers then."""
    op.drop_table("xrm_file_version")
    op.drop_column("xrm_upload", "former_id")
    op.drop_column("xrm_file", "version")
