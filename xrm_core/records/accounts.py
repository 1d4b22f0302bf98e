"""What a change of a user's record ends of the user's account."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete

from xrm_core.metadata.model import ACTIVE, EMAIL
from xrm_core.storage.system import OF_USERS, ONE_TIME_TOKEN, SESSION


def follow(connection: Connection, before: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    """End what must not outlive a change of a user's record.

    Args:
        connection: in the transaction of the change.
        before: the record as it was.
        changes: field → what it has become.
    """
    of_user = before["id"]
    left = changes.get(ACTIVE) is False
    if left:  # who comes back later signs in again
        connection.execute(delete(SESSION).where(SESSION.c.user_id == of_user))
    # Links that are in somebody's mailbox must not wait there until the user comes back, and an address that is the
    # user's no longer may be another person's soon.
    if left or changes.get(EMAIL, before.get(EMAIL)) != before.get(EMAIL):
        connection.execute(delete(ONE_TIME_TOKEN).where(ONE_TIME_TOKEN.c.user_id == of_user))


def forget(connection: Connection, user_id: str) -> None:
    """Take away everything by which a user signs in whose record is gone."""
    for table in OF_USERS:
        connection.execute(delete(table).where(table.c.user_id == user_id))
