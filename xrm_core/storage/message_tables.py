"""The system table of the outbox: messages that go to people outside, and what became of each."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table

from xrm_core.storage.columns import Id, Instant, String
from xrm_core.storage.system import METADATA

MESSAGE = Table(
    "xrm_message",
    METADATA,
    Column("id", Id, nullable=False),
    Column("kind", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("key", String),
    Column("about_entity", String, nullable=False),
    Column("about_id", Id, nullable=False),
    Column("person_entity", String),
    Column("person_id", Id),
    Column("payload", String, nullable=False),
    Column("owner", Id),
    Column("state", String, nullable=False),
    Column("reason", String),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("handed_over_at", Instant),
    Column("ended_at", Instant),
    PrimaryKeyConstraint("id", name="pk_xrm_message"),
    Index("uq_xrm_message_key", "key", unique=True),
    Index("ix_xrm_message_about_id", "about_id"),
    Index("ix_xrm_message_person_id", "person_id"),
    Index("ix_xrm_message_ended_at", "ended_at"),
    sqlite_strict=True,
)
"""Messages: names and ids, no text and no address. What a message says is made of records when it is handed over.

``state`` is queued, handing_over, sent, failed or refused; ``reason`` is a code, or one that a plugin gave.
``handed_over_at`` is when the gates let it through for the last time. Of a ``key`` there is one, as long as it is kept.
"""
