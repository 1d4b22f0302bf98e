"""What follows for a user's account from a change of the user's record."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete

from xrm_core.metadata.model import ACTIVE, EMAIL
from xrm_core.permissions.caller import Caller
from xrm_core.storage import auth_events
from xrm_core.storage.idempotency import IDEMPOTENCY_KEY
from xrm_core.storage.notices import queue_email_changed
from xrm_core.storage.system import OF_USERS, ONE_TIME_TOKEN, SESSION


def follow(connection: Connection, caller: Caller, before: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    """End what must not outlive a change of a user's record; keep that it has another address, and tell who had it.

    Args:
        connection: in the transaction of the change.
        caller: who has made it.
        before: the record as it was.
        changes: field → what it has become.
    """
    of_user = before["id"]
    left = changes.get(ACTIVE) is False
    if left:  # who comes back later signs in again
        connection.execute(delete(SESSION).where(SESSION.c.user_id == of_user))
    # Links that are in somebody's mailbox must not wait there until the user comes back, and an address that is the
    # user's no longer may be another person's soon.
    former = before.get(EMAIL)
    moved = changes.get(EMAIL, former) != former
    if left or moved:
        connection.execute(delete(ONE_TIME_TOKEN).where(ONE_TIME_TOKEN.c.user_id == of_user))
    if moved and former and isinstance(former, str):
        auth_events.record(connection, auth_events.Event.EMAIL_CHANGED, user_id=caller.actor, subject=of_user)
        queue_email_changed(connection, of_user, former, own=caller.id == of_user)


def forget(connection: Connection, user_id: str) -> None:
    """Take away everything by which a user signs in whose record is gone, and the answers that were kept for them."""
    for table in (*OF_USERS, IDEMPOTENCY_KEY):
        connection.execute(delete(table).where(table.c.user_id == user_id))
