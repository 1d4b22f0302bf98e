"""The system tables of the vault: what was moved out of its tables for a time, sealed."""

from sqlalchemy import Column, ForeignKeyConstraint, Index, Integer, PrimaryKeyConstraint, Table

from xrm_core.storage.columns import Id, Instant, String
from xrm_core.storage.file_tables import FILE
from xrm_core.storage.system import METADATA

KEPT = "kept"
"""A ``kind``: values that are to lie there for long, and that are not searched."""

VAULT = Table(
    "xrm_vault",
    METADATA,
    Column("id", Id, nullable=False),
    Column("deposit", Id, nullable=False),
    Column("place", Integer, nullable=False),
    Column("subject", Id, nullable=False),
    Column("kind", String, nullable=False),
    Column("entity", String, nullable=False),
    Column("record_id", Id, nullable=False),
    Column("moved_at", Instant, nullable=False),
    Column("content", String, nullable=False),
    PrimaryKeyConstraint("id", name="pk_xrm_vault"),
    Index("ix_xrm_vault_deposit", "deposit", "place"),
    Index("ix_xrm_vault_record_id", "record_id"),
    Index("ix_xrm_vault_subject", "subject"),
    sqlite_strict=True,
)
"""One row for each record of which something is here; those that were moved together have one ``deposit``.

``kind`` is ``record`` for one that is here as a whole, ``values`` for fields of one that is still in its table,
``kept`` for such that nobody looks for, ``trashed`` for one that was in the trash.
``content`` is a JSON object, sealed by the key of the ``subject``.
"""

VAULT_FILE = Table(
    "xrm_vault_file",
    METADATA,
    Column("file_id", Id, nullable=False),
    Column("vault_id", Id, nullable=False),
    PrimaryKeyConstraint("file_id", "vault_id", name="pk_xrm_vault_file"),
    ForeignKeyConstraint(["file_id"], [FILE.c.id], name="fk_xrm_vault_file_file_id", ondelete="RESTRICT"),
    ForeignKeyConstraint(["vault_id"], [VAULT.c.id], name="fk_xrm_vault_file_vault_id", ondelete="CASCADE"),
    Index("ix_xrm_vault_file_vault_id", "vault_id"),
    sqlite_strict=True,
)
"""The files of records in the vault: as long as they are there, their files stay."""
