"""What users are to be told of by mail, kept in the transaction in which it happens, until a server has sent it."""

import datetime as dt
from enum import StrEnum

from sqlalchemy import Connection, delete, insert, update
from uuid_utils import uuid7

from xrm_core.storage.system import NOTICE


class Notice(StrEnum):
    """All kinds, by the words under which they are kept."""

    PASSWORD_CHANGED = "password_changed"
    TOTP_ENABLED = "totp_enabled"
    TOTP_DISABLED = "totp_disabled"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    RECOVERY_CODES_RENEWED = "recovery_codes_renewed"
    RECOVERY_CODE_USED = "recovery_code_used"
    TOKEN_CREATED = "token_created"
    IDENTITY_LINKED = "identity_linked"
    EMAIL_CHANGED = "email_changed"
    SESSIONS_ENDED = "sessions_ended"
    SIGN_IN_BLOCKED = "sign_in_blocked"


def queue(
    connection: Connection,
    user_id: str,
    kind: Notice,
    *,
    own: bool,
    address: str | None = None,
    email: str | None = None,
) -> None:
    """Keep that a user is to be told of something.

    Args:
        connection: in the write transaction of what has happened.
        user_id: whom.
        kind: what.
        own: whether they have done it themselves, as far as is known.
        address: of the client; that of somebody else is not told.
        email: where to; None: the address that the user has when it is sent.
    """
    now = dt.datetime.now(dt.UTC)
    connection.execute(
        insert(NOTICE).values(
            id=str(uuid7()),
            user_id=user_id,
            kind=kind.value,
            at=now,
            own=own,
            address=address if own else None,
            email=email,
            due_at=now,
            tries=0,
        )
    )


def queue_email_changed(connection: Connection, user_id: str, before: str, *, own: bool) -> None:
    """Tell a user at the former address that it is another now, and there, too, what was not told yet."""
    mine = update(NOTICE).where(NOTICE.c.user_id == user_id, NOTICE.c.email.is_(None))
    connection.execute(mine.values(email=before))
    queue(connection, user_id, Notice.EMAIL_CHANGED, own=own, email=before)


def forget_former(connection: Connection, user_id: str) -> None:
    """Nobody is told any more what was to be told at addresses that a user has no longer."""
    connection.execute(delete(NOTICE).where(NOTICE.c.user_id == user_id, NOTICE.c.email.is_not(None)))
