"""What follows for a user's account from a change of the user's record."""

from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy import Connection, delete, select, update

from xrm_core.metadata.model import ACTIVE, EMAIL
from xrm_core.permissions.caller import Caller
from xrm_core.records import shares
from xrm_core.storage import auth_events
from xrm_core.storage.idempotency import IDEMPOTENCY_KEY
from xrm_core.storage.notices import queue_email_changed
from xrm_core.storage.system import OF_USERS, ONE_TIME_TOKEN, READ, SESSION, TOKEN, USER_ROLE


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


def forget(connection: Connection, user_id: str) -> int:
    """Take away everything by which a user signs in whose record is gone, and the answers that were kept for them;
    answers how much it was.
    """
    tables = (*OF_USERS, IDEMPOTENCY_KEY)
    return sum(connection.execute(delete(each).where(each.c.user_id == user_id)).rowcount for each in tables)


class _Writing(Protocol):
    @property
    def connection(self) -> Connection: ...
    @property
    def system(self) -> Any: ...


def end_account(context: _Writing, user_id: str) -> None:
    """End the account of a user who is erased, in the transaction of the context; the record stays as it is.

    Everything goes by which they sign in, their sessions, tokens and roles, what was shared with them, what a
    provisioning service has said of them, answers that were kept for them, why they have shared records; and of the
    logs of events and reads from where they came, and what somebody has written there. Done once more, it finds nothing
    to do.

    Args:
        context: of an action, of what follows a write, or of a job (``job.within(connection)``).
        user_id: the id of the user; the record need not be there any more.
    """
    connection = context.connection
    roles = sorted(connection.scalars(select(USER_ROLE.c.role).where(USER_ROLE.c.user_id == user_id)))
    tokens = list(map(str, connection.scalars(select(TOKEN.c.id).where(TOKEN.c.user_id == user_id))))
    shared = shares.end_with(connection, user_id)
    gone = forget(connection, user_id)
    auth_events.forget_texts(connection, user_id, tokens)
    shares.forget_reasons_by(connection, user_id)
    connection.execute(update(READ).where(READ.c.user_id == user_id).values(address=None))
    if gone or shared:
        details = {"roles": roles, "shares": shared}
        ended = auth_events.Event.USER_DEPROVISIONED
        auth_events.record(connection, ended, user_id=context.system.actor, subject=user_id, details=details)
