"""What was sent to whom, and what came of it. Nothing of what was in it."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, delete, insert, select
from uuid_utils import uuid7

from xrm_core.events.webhook_posting import Sent
from xrm_core.jobs import clock
from xrm_core.storage.engines import Database
from xrm_core.storage.webhook_tables import WEBHOOK_DELIVERY

KEPT_DAYS = 30
"""How long it is kept."""

_AT_A_TIME = 500
_TIMEOUT = 30.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Delivery:
    """One attempt. ``status`` is that of the answer; ``error`` says why it does not count, or why there was none.

    ``position`` is that of the change in the log; None: it was a test.
    """

    id: str
    event: str
    position: int | None
    attempt: int
    status: int | None
    error: str | None
    milliseconds: int
    at: str


def note(connection: Connection, webhook: str, event: str, position: int | None, attempt: int, sent: Sent) -> None:
    """Keep an attempt. ``position`` None: it tells of no change, but was a test."""
    row = {"id": str(uuid7()), "webhook": webhook, "event": event, "position": position, "attempt": attempt}
    row |= {"status": sent.status, "error": sent.error, "milliseconds": round(sent.seconds * 1000)}
    connection.execute(insert(WEBHOOK_DELIVERY), [{**row, "at": clock.now(connection)}])


def deliveries(
    connection: Connection, webhook: str, limit: int, *, failed: bool = False, before: str | None = None
) -> list[Delivery]:
    """The last attempts, the newest first.

    Args:
        connection: where to look.
        webhook: its id.
        limit: at most so many.
        failed: only those that did not count.
        before: id of one; only older ones.
    """
    query = select(WEBHOOK_DELIVERY).where(WEBHOOK_DELIVERY.c.webhook == webhook)
    if before is not None:
        query = query.where(WEBHOOK_DELIVERY.c.id < before)
    if failed:
        query = query.where(WEBHOOK_DELIVERY.c.error.is_not(None))
    rows = connection.execute(query.order_by(WEBHOOK_DELIVERY.c.id.desc()).limit(limit))
    return [
        Delivery(str(row.id), row.event, row.position, row.attempt, row.status, row.error, row.milliseconds, row.at)
        for row in rows
    ]


def remove(database: Database, before: dt.datetime, *, by: str, stop: Callable[[], bool] = lambda: False) -> int:
    """Remove what is older than a moment; answers how many. Blocking. ``by``: what has asked for it."""
    removed = 0
    while not stop():
        with database.begin(_TIMEOUT) as connection:
            gone = _remove_some(connection, before)
        removed += gone
        if gone < _AT_A_TIME:
            break
    if removed:
        _log.info("webhook_deliveries_removed", number=removed, by=by)
    return removed


def _remove_some(connection: Connection, before: dt.datetime) -> int:
    old = select(WEBHOOK_DELIVERY.c.id).where(WEBHOOK_DELIVERY.c.at < before).limit(_AT_A_TIME)
    ids = connection.scalars(old).all()
    if not ids:
        return 0
    return connection.execute(delete(WEBHOOK_DELIVERY).where(WEBHOOK_DELIVERY.c.id.in_(ids))).rowcount
