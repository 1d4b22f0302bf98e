"""What is done to the accounts of others, by whoever may: on the command line, through GraphQL. Each is an event."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table

from xrm_core.auth import devices, events, passkeys, people, sessions, tokens, totp
from xrm_core.auth.one_time import Purpose, create_link
from xrm_core.auth.passkeys import Passkey
from xrm_core.auth.token_lists import tokens_of

INVITED_FOR = dt.timedelta(days=7)
"""How long an invitation is good if nobody says otherwise."""

RESET_WITHIN = dt.timedelta(hours=24)
"""And a link for another password."""


@dataclass(frozen=True)
class By:
    """Who does it, and from where; both None: the command line."""

    user_id: str | None = None
    address: str | None = None


COMMAND_LINE = By()


@dataclass(frozen=True)
class OfferedLink:
    """A link for a user, by which a password is set."""

    user_id: str
    email: str
    language: str | None
    purpose: Purpose
    token: str = field(repr=False)


def sign_out_everywhere(connection: Connection, user_id: str, by: By = COMMAND_LINE) -> int:
    """End all sessions of a user, and know none of their devices; answers how many sessions there were."""
    ended = sessions.end_sessions(connection, user_id)
    devices.forget_all(connection, user_id)
    _record(connection, events.Event.SIGN_OUT, user_id, by, {"everywhere": True})
    return ended


def remove_totp(connection: Connection, user_id: str, by: By = COMMAND_LINE) -> bool:
    """Take the second factor away from who has lost it, and end all sessions; False if there is none."""
    if not totp.disable(connection, user_id):
        return False
    sessions.end_sessions(connection, user_id)
    _record(connection, events.Event.TOTP_DISABLED, user_id, by)
    return True


def remove_passkeys(connection: Connection, user_id: str, which: str | None = None, by: By = COMMAND_LINE) -> int:
    """Take passkeys away that got lost, and end all sessions; answers how many.

    Args:
        connection: in a write transaction.
        user_id: whose.
        which: the id of one; None: all.
        by: who does it.
    """
    gone: list[Passkey] = [each for each in passkeys.passkeys_of(connection, user_id) if which in (None, each.id)]
    for each in gone:
        passkeys.remove(connection, user_id, each.id)
        _record(connection, events.Event.PASSKEY_REMOVED, user_id, by, {"passkey": each.id, "name": each.name})
    if gone:
        sessions.end_sessions(connection, user_id)
    return len(gone)


def revoke_tokens(
    connection: Connection, user_id: str, which: Collection[str] | None = None, by: By = COMMAND_LINE
) -> int:
    """End API tokens of a user for good; answers how many.

    Args:
        connection: in a write transaction.
        user_id: whose.
        which: their ids; None: all.
        by: who does it.
    """
    open_ = [each.id for each in tokens_of(connection, user_id) if each.revoked_at is None]
    chosen = [id_ for id_ in open_ if which is None or id_ in which]
    more = {"of": user_id, "by": by.user_id, "address": by.address}
    return sum(tokens.revoke_token(connection, id_, **more) for id_ in chosen)


def give_roles(connection: Connection, user_id: str, roles: Iterable[str], by: By = COMMAND_LINE) -> list[str]:
    """Let a user, whose record is held, have exactly these roles; answers them by name."""
    before, after = sorted(people.roles_of(connection, user_id)), sorted(set(roles))
    if after != before:
        tokens.set_roles(connection, user_id, after)
        _record(connection, events.Event.ROLES_CHANGED, user_id, by, {"before": before, "after": after})
    return after


def offer_link(
    connection: Connection,
    users: Table,
    person: people.Person,
    purpose: Purpose,
    valid: dt.timedelta,
    *,
    by: By = COMMAND_LINE,
    mailed: bool = False,
) -> OfferedLink:
    """Make a link by which a user sets a password; one of the same purpose that was made before is void.

    Args:
        connection: in a write transaction.
        users: the table of the entity ``user``.
        person: whose password.
        purpose: an invitation, or another password.
        valid: for how long.
        by: who offers it.
        mailed: whether it goes by mail.
    """
    token = create_link(connection, person.id, purpose, valid)
    invited = purpose is Purpose.INVITATION
    event = events.Event.USER_INVITED if invited else events.Event.PASSWORD_RESET_ASKED
    _record(connection, event, person.id, by, {"by": "mail"} if mailed else {})
    return OfferedLink(person.id, person.email, people.language_of(connection, users, person.id), purpose, token)


def _record(
    connection: Connection, event: events.Event, user_id: str, by: By, details: Mapping[str, Any] | None = None
) -> None:
    events.record(connection, event, user_id=by.user_id, subject=user_id, address=by.address, details=details)
