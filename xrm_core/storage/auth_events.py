"""What happens to accounts and rights, written down in the transaction in which it happens."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, or_, select, update
from uuid_utils import uuid7

from xrm_core.storage.system import AUTH_EVENT

_MAX_TEXT = 500
"""Signs of a text that are kept. Strangers may send what they like as a name."""


class Event(StrEnum):
    """All events, by the words under which they are kept."""

    SIGN_IN = "sign_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_IN_BLOCKED = "sign_in_blocked"
    SIGN_OUT = "sign_out"
    PROVIDER_LOGOUT_REFUSED = "provider_logout_refused"
    SESSION_ENDED = "session_ended"
    PASSWORD_CHANGED = "password_changed"
    PASSWORD_RESET_ASKED = "password_reset_asked"
    MAIL_NOT_SENT = "mail_not_sent"
    USER_CREATED = "user_created"
    IDENTITY_LINKED = "identity_linked"
    IDENTITY_UNLINKED = "identity_unlinked"
    USER_INVITED = "user_invited"
    INVITATION_WITHDRAWN = "invitation_withdrawn"
    TOTP_ENABLED = "totp_enabled"
    TOTP_DISABLED = "totp_disabled"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_NOT_ADDED = "passkey_not_added"
    PASSKEY_REMOVED = "passkey_removed"
    PASSKEY_COUNT_WENT_BACK = "passkey_count_went_back"
    RECOVERY_CODE_USED = "recovery_code_used"
    SECRET_KEY_ROTATED = "secret_key_rotated"
    TOKEN_CREATED = "token_created"
    TOKEN_REVOKED = "token_revoked"
    ROLES_CHANGED = "roles_changed"
    USER_CHANGED = "user_changed"
    USER_CHANGE_REFUSED = "user_change_refused"
    EMAIL_CHANGED = "email_changed"
    USER_DEPROVISIONED = "user_deprovisioned"
    PROVISIONING_REFUSED = "provisioning_refused"
    GROUP_CREATED = "group_created"
    GROUP_CHANGED = "group_changed"
    GROUP_DELETED = "group_deleted"
    PERMISSIONS_CHANGED = "permissions_changed"
    RECORD_SHARED = "record_shared"
    RECORD_UNSHARED = "record_unshared"
    RECORD_PURGED = "record_purged"
    WEBHOOK_CREATED = "webhook_created"
    WEBHOOK_CHANGED = "webhook_changed"
    WEBHOOK_DELETED = "webhook_deleted"
    LOG_CLEARED = "log_cleared"
    EXPORT = "export"
    VIEW_AS = "view_as"
    VIEW_AS_REFUSED = "view_as_refused"


def record(
    connection: Connection,
    event: str,
    *,
    user_id: str | None = None,
    subject: str | None = None,
    address: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Keep an event.

    Args:
        connection: in a write transaction, best that of what happened: then there is never one without the other.
        event: one of :class:`Event`.
        user_id: who did it; None: nobody who is signed in, or the command line.
        subject: whom or what it is about: the id of a user or a token, or the name that a stranger gave.
        address: of the client, without a port; None: the command line.
        details: more, in JSON types. Never a secret: no password, no token, no code.

    Raises:
        ValueError: there is no such event.
    """
    record_each(connection, event, [subject], user_id=user_id, address=address, details=details)


def record_each(
    connection: Connection,
    event: str,
    subjects: Sequence[str | None],
    *,
    user_id: str | None = None,
    address: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Keep the same event of each of some subjects, as :func:`record` does."""
    same = {
        "at": dt.datetime.now(dt.UTC),
        "event": Event(event).value,
        "user_id": user_id,
        "address": _kept(address),
        "details": json.dumps(dict(details or {}), ensure_ascii=False, sort_keys=True),
    }
    rows = [{**same, "id": str(uuid7()), "subject": _kept(subject)} for subject in subjects]
    if rows:
        connection.execute(insert(AUTH_EVENT), rows)


NAMED_BY_STRANGERS = (Event.SIGN_IN_FAILED, Event.SIGN_IN_BLOCKED, Event.PASSWORD_RESET_ASKED)
"""Events whose subject is what somebody has typed as their address."""

_FREE = ("label", "name", "device", "external", "reason")
"""Details that somebody has written, or that say with what."""

_AT_ONCE = 500


def forget_names(connection: Connection, names: Iterable[str]) -> int:
    """Forget what strangers have typed, if it is one of some addresses; answers how many events were about it."""
    wanted = sorted({each.lower() for each in names})
    about = AUTH_EVENT.c.event.in_([each.value for each in NAMED_BY_STRANGERS])
    mine = func.lower(AUTH_EVENT.c.subject).in_(wanted)
    return connection.execute(update(AUTH_EVENT).where(about, mine).values(subject=None)).rowcount if wanted else 0


def forget_texts(connection: Connection, user_id: str, also: Iterable[str] = ()) -> int:
    """Forget from where a user came, and of the events of theirs and about them, or about ``also`` (ids of their
    tokens), what somebody has written there. What has happened, when and to whom stays, by ids. Answers how many events
    have lost something.
    """
    mine = or_(AUTH_EVENT.c.user_id == user_id, AUTH_EVENT.c.subject.in_([user_id, *also]))
    return _without_texts(connection, mine, user_id)


def forget_share_reasons(connection: Connection, record_id: str) -> int:
    """Forget of the events of a record that was shared what somebody has written there; answers how many had it."""
    shared = AUTH_EVENT.c.event.in_([Event.RECORD_SHARED.value, Event.RECORD_UNSHARED.value])
    return _without_texts(connection, shared & (AUTH_EVENT.c.subject == record_id))


def _without_texts(connection: Connection, mine: ColumnElement[bool], user_id: str | None = None) -> int:
    """Take out of some events what somebody has written, and from where a user came."""
    after, count = "", 0
    while True:
        query = select(AUTH_EVENT).where(mine, *([AUTH_EVENT.c.id > after] if after else []))
        rows = connection.execute(query.order_by(AUTH_EVENT.c.id).limit(_AT_ONCE)).all()
        for row in rows:
            details = {name: value for name, value in json.loads(row.details).items() if name not in _FREE}
            address = None if user_id is not None and str(row.user_id) == user_id else row.address
            left = {"address": address, "details": json.dumps(details, ensure_ascii=False, sort_keys=True)}
            if (row.address, row.details) != (address, left["details"]):
                connection.execute(update(AUTH_EVENT).where(AUTH_EVENT.c.id == row.id).values(left))
                count += 1
        if len(rows) < _AT_ONCE:
            return count
        after = str(rows[-1].id)


def _kept(text: str | None) -> str | None:
    """A text from outside as it can be stored: no NUL, no half characters, not endless."""
    if text is None:
        return None
    return text[:_MAX_TEXT].replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
