"""Webhooks tell of several entities, and may have the rights of a service."""

import json
import secrets
from typing import Any

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, String, Whole

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_BOTH = ("id", "name", "url", "secret", "former_secret", "former_until", "state", "reason", "failures", "failed_since")
_OLD = ("role", "entity", "operations", "filter", "fields", "created_at")


def upgrade() -> None:
    """Put what there is of one entity into a list."""
    rows = _rows((*_BOTH, *_OLD))
    op.drop_table("xrm_webhook")
    table = _create(
        sa.Column("role", String),
        sa.Column("service", Id),
        sa.Column("subjects", String, nullable=False),
        sa.Column("event_salt", String, nullable=False),
        sa.Column("created_by", Id),
    )
    for row in rows:
        kept = {name: None if row[name] is None else json.loads(row[name]) for name in ("filter", "fields")}
        subject = {"entity": row["entity"], "operations": json.loads(row["operations"]), **kept}
        made = {name: row[name] for name in (*_BOTH, "role", "created_at")}
        made |= {"subjects": json.dumps([subject]), "event_salt": secrets.token_hex(16)}
        op.bulk_insert(table, [made])
    _deliveries(nullable=True)


def downgrade() -> None:
    """Keep those of one entity and a role."""
    rows = _rows((*_BOTH, "role", "subjects", "created_at"))
    op.drop_table("xrm_webhook")
    table = _create(
        sa.Column("role", String, nullable=False),
        sa.Column("entity", String, nullable=False),
        sa.Column("operations", String, nullable=False),
        sa.Column("filter", String),
        sa.Column("fields", String),
    )
    for row in rows:
        subjects = json.loads(row["subjects"])
        if row["role"] is None or len(subjects) != 1:
            continue
        [subject] = subjects
        made = {name: row[name] for name in (*_BOTH, "role", "created_at")}
        made |= {"entity": subject["entity"], "operations": json.dumps(subject["operations"])}
        made |= {name: None if subject[name] is None else json.dumps(subject[name]) for name in ("filter", "fields")}
        op.bulk_insert(table, [made])
    _deliveries(nullable=False)


def _deliveries(*, nullable: bool) -> None:
    """What was sent is a log of some days: it begins anew."""
    op.drop_table("xrm_webhook_delivery")
    op.create_table(
        "xrm_webhook_delivery",
        sa.Column("id", Id, nullable=False),
        sa.Column("webhook", Id, nullable=False),
        sa.Column("event", String, nullable=False),
        sa.Column("position", Whole, nullable=nullable),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("error", String),
        sa.Column("milliseconds", sa.Integer, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_webhook_delivery"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_webhook_delivery_webhook", "xrm_webhook_delivery", ["webhook", "id"])
    op.create_index("ix_xrm_webhook_delivery_at", "xrm_webhook_delivery", ["at"])


def _rows(names: tuple[str, ...]) -> list[dict[str, Any]]:
    types: dict[str, Any] = {"id": Id, "former_until": Instant, "failed_since": Instant, "created_at": Instant}
    types["failures"] = sa.Integer
    columns = [sa.column(name, types.get(name, String)()) for name in names]
    table = sa.table("xrm_webhook", *columns)
    return [dict(row) for row in op.get_bind().execute(sa.select(table)).mappings()]


def _create(*columns: sa.Column[Any]) -> sa.Table:
    return op.create_table(
        "xrm_webhook",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", String, nullable=False),
        sa.Column("url", String, nullable=False),
        *columns,
        sa.Column("secret", String, nullable=False),
        sa.Column("former_secret", String),
        sa.Column("former_until", Instant),
        sa.Column("state", String, nullable=False),
        sa.Column("reason", String),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failed_since", Instant),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_webhook"),
        sqlite_strict=True,
    )
