"""The system tables of webhooks: who wants to hear of what, and what was sent."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table

from xrm_core.storage.columns import Id, Instant, String, Whole
from xrm_core.storage.system import METADATA

WEBHOOK = Table(
    "xrm_webhook",
    METADATA,
    Column("id", Id, nullable=False),
    Column("name", String, nullable=False),
    Column("url", String, nullable=False),
    Column("role", String, nullable=False),
    Column("entity", String, nullable=False),
    Column("operations", String, nullable=False),
    Column("filter", String),
    Column("fields", String),
    Column("secret", String, nullable=False),
    Column("former_secret", String),
    Column("former_until", Instant),
    Column("state", String, nullable=False),
    Column("reason", String),
    Column("failures", Integer, nullable=False),
    Column("failed_since", Instant),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("id", name="pk_xrm_webhook"),
    sqlite_strict=True,
)
"""Webhooks. ``operations``, ``filter`` and ``fields`` are JSON texts; no ``fields``: all that the ``role`` may read.

``secret`` and ``former_secret`` are sealed. ``state`` is ``active`` or ``paused``, for a ``reason``. ``failures``
counts changes that failed at their first attempt, since something was delivered; ``failed_since``: since when nothing
was.
"""

WEBHOOK_DELIVERY = Table(
    "xrm_webhook_delivery",
    METADATA,
    Column("id", Id, nullable=False),
    Column("webhook", Id, nullable=False),
    Column("event", String, nullable=False),
    Column("position", Whole, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("status", Integer),
    Column("error", String),
    Column("milliseconds", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("id", name="pk_xrm_webhook_delivery"),
    Index("ix_xrm_webhook_delivery_webhook", "webhook", "id"),
    Index("ix_xrm_webhook_delivery_at", "at"),
    sqlite_strict=True,
)
"""Each attempt to deliver: ``status`` of the answer, or why there was none (``error``). No bodies."""
