"""Where records and values lie that were moved out of their tables for a time."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, String

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is there yet."""
    op.create_table(
        "xrm_vault",
        sa.Column("id", Id, nullable=False),
        sa.Column("deposit", Id, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("subject", Id, nullable=False),
        sa.Column("kind", String, nullable=False),
        sa.Column("entity", String, nullable=False),
        sa.Column("record_id", Id, nullable=False),
        sa.Column("moved_at", Instant, nullable=False),
        sa.Column("content", String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_vault"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_vault_deposit", "xrm_vault", ["deposit", "place"])
    op.create_index("ix_xrm_vault_record_id", "xrm_vault", ["record_id"])
    op.create_index("ix_xrm_vault_subject", "xrm_vault", ["subject"])
    op.create_table(
        "xrm_vault_file",
        sa.Column("file_id", Id, nullable=False),
        sa.Column("vault_id", Id, nullable=False),
        sa.PrimaryKeyConstraint("file_id", "vault_id", name="pk_xrm_vault_file"),
        sa.ForeignKeyConstraint(["file_id"], ["xrm_file.id"], name="fk_xrm_vault_file_file_id", ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["vault_id"], ["xrm_vault.id"], name="fk_xrm_vault_file_vault_id", ondelete="CASCADE"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_vault_file_vault_id", "xrm_vault_file", ["vault_id"])


def downgrade() -> None:
    """Take them away: what is in the vault would be lost, so it must be empty."""
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM xrm_vault")):
        raise RuntimeError("There are records in the vault; bring them back first.")
    op.drop_table("xrm_vault_file")
    op.drop_table("xrm_vault")
