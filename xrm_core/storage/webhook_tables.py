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
    Column("role", String),
    Column("service", Id),
    Column("subjects", String, nullable=False),
    Column("event_salt", String, nullable=False),
    Column("secret", String, nullable=False),
    Column("former_secret", String),
    Column("former_until", Instant),
    Column("state", String, nullable=False),
    Column("reason", String),
    Column("failures", Integer, nullable=False),
    Column("failed_since", Instant),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Id),
    PrimaryKeyConstraint("id", name="pk_xrm_webhook"),
    sqlite_strict=True,
)
"""Webhooks, each with the rights of a ``role``, or of the ``service`` whose token has this id.

``subjects`` is a JSON list of objects with ``entity``, ``operations`` (none: all), ``filter`` (null: all records) and
``fields`` (null: all that may be read). ``event_salt``: by chance; with it, ids of events tell nobody the version of a
record that they are made of. ``created_by`` is a user, or the token of a service.

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
    Column("position", Whole),
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
"""Each attempt to deliver: ``status`` of the answer, or why there was none (``error``). No bodies.

``position`` is that of the change in the log; none: it was a test.
"""
