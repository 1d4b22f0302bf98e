"""The table of answers to changes that came with an idempotency key."""

from sqlalchemy import Column, Index, LargeBinary, PrimaryKeyConstraint, Table

from xrm_core.storage.columns import Id, Instant, String
from xrm_core.storage.system import METADATA

IDEMPOTENCY_KEY = Table(
    "xrm_idempotency_key",
    METADATA,
    Column("key_hash", String, nullable=False),
    Column("user_id", Id),
    Column("request_hash", String, nullable=False),
    Column("rights_hash", String, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("expires_at", Instant, nullable=False),
    PrimaryKeyConstraint("key_hash", name="pk_xrm_idempotency_key"),
    Index("ix_xrm_idempotency_key_expires_at", "expires_at"),
    sqlite_strict=True,
)
"""Answers of changes that are committed, until they expire. ``user_id`` empty: a service has asked.

Neither the key nor what was asked stands here, and ``answer`` can be read only by whoever has the key. It is empty
if it was erased.
"""
