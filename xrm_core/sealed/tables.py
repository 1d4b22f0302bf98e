"""The tables of the key store, which is a database of its own: backups of the data do not hold the keys."""

from sqlalchemy import Column, Index, Integer, MetaData, PrimaryKeyConstraint, Table

from xrm_core.storage.columns import Instant, String

KEYS = MetaData()

KEY = Table(
    "sealed_key",
    KEYS,
    Column("id", String, nullable=False),
    Column("tenant", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("class_name", String, nullable=False),
    Column("wrapped", String),
    Column("created_at", Instant, nullable=False),
    Column("destroyed_at", Instant),
    PrimaryKeyConstraint("id", name="pk_sealed_key"),
    Index("uq_sealed_key", "tenant", "subject", "class_name", unique=True),
    sqlite_strict=True,
)
"""One key for what is of a subject in a class. A destroyed one has no ``wrapped`` key, and stays as a mark, so that
nobody makes another one for who was erased."""

BLIND = Table(
    "blind_index",
    KEYS,
    Column("tenant", String, nullable=False),
    Column("field", String, nullable=False),
    Column("value", String, nullable=False),
    Column("record", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("class_name", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("written_at", Instant, nullable=False),
    PrimaryKeyConstraint("tenant", "field", "version", "value", "record", name="pk_blind_index"),
    Index("ix_blind_index_subject", "tenant", "subject"),
    sqlite_strict=True,
)
"""Which records may have a value: ``value`` is a part of a keyed hash. ``field`` is ``entity.field``. Whoever finds a
record here opens its value and compares."""

JOURNAL = Table(
    "restore_journal",
    KEYS,
    Column("id", String, nullable=False),
    Column("mark", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("content", String, nullable=False),
    Column("kept_at", Instant, nullable=False),
    PrimaryKeyConstraint("id", "mark", name="pk_restore_journal"),
    Index("ix_restore_journal_mark", "mark"),
    sqlite_strict=True,
)
"""What was done in the data with a mark, and is to be done again if a restore takes it back: ids and names, no content.
It lies here because a backup of the data does not hold this database, so that restoring one leaves it as it is."""
