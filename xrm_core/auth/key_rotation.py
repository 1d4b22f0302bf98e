"""Another secret key: what is encrypted in a database is read by any of the keys and encrypted anew with the first."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Column, Connection, func, select, update

from xrm_core.auth import events, oidc_sessions, totp
from xrm_core.auth.secret_box import SecretBox, SecretKeyNeeded
from xrm_core.events.webhooks import owner as webhook_owner
from xrm_core.storage.system import OIDC_SESSION, TOTP
from xrm_core.storage.webhook_tables import WEBHOOK


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a database has: how many secrets were encrypted anew, or would be, how many have the first key already,
    and the ids of users whose secret no key reads.
    """

    anew: int
    already: int
    unreadable: Sequence[str] = ()


def survey(connection: Connection, box: SecretBox) -> Sealed:
    """What :func:`rotate` would do; nothing is written.

    Raises:
        SecretKeyNeeded: there is no key.
    """
    found, changes = _look(connection, box)
    return Sealed(len(changes), found.already, found.unreadable)


def number_of_secrets(connection: Connection) -> int:
    """How many encrypted second factors there are, whichever key they need."""
    return connection.scalar(select(func.count()).select_from(TOTP)) or 0


def rotate(connection: Connection, box: SecretBox) -> Sealed:
    """Encrypt everything with the first key. What somebody else replaces meanwhile is left as they have it.

    Args:
        connection: in a write transaction.
        box: has the keys.

    Raises:
        SecretKeyNeeded: there is no key, or none that reads some secret; nothing was written.
    """
    found, changes = _look(connection, box)
    if found.unreadable:
        raise unreadable(found, "this database")
    anew = 0
    for each in changes:
        same = update(each.column.table).where(each.key == each.id, each.column == each.former)
        anew += connection.execute(same.values({each.column: each.sealed})).rowcount
    if anew:
        events.record(connection, events.Event.SECRET_KEY_ROTATED, details={"secrets": anew})
    return Sealed(anew, found.already)


def unreadable(found: Sealed, where: str) -> SecretKeyNeeded:
    """The error for secrets that no key reads."""
    some = ", ".join(found.unreadable[:5]) + (" …" if len(found.unreadable) > 5 else "")
    return SecretKeyNeeded(
        f"No key in XRM_SECRET_KEY reads {len(found.unreadable)} secret(s) of {where}; nothing was changed. "
        f"Users: {some}.",
        hint="Name the key with which they were encrypted, too, behind a comma; "
        "«xrm user totp EMAIL --remove» takes away what cannot be read any more.",
    )


@dataclass(frozen=True, slots=True)
class _Change:
    """A secret in the row where ``key`` is ``id``: what is stored, and what shall be."""

    key: "Column[str]"
    id: str
    column: "Column[str]"
    former: str
    sealed: str


def _look(connection: Connection, box: SecretBox) -> tuple[Sealed, list[_Change]]:
    """What there is, and which secrets must change."""
    box.require()
    changes: list[_Change] = []
    already, lost = 0, []
    for user_id, sealed in connection.execute(select(TOTP.c.user_id, TOTP.c.secret).order_by(TOTP.c.user_id)):
        try:
            better = box.reseal(sealed, totp.owner(user_id))
        except SecretKeyNeeded:
            lost.append(str(user_id))
            continue
        if better is None:
            already += 1
        else:
            changes.append(_Change(TOTP.c.user_id, user_id, TOTP.c.secret, sealed, better))
    tokens, token = OIDC_SESSION, OIDC_SESSION.c.id_token
    query = select(tokens.c.session_id, tokens.c.issuer, tokens.c.subject, token).where(token.is_not(None))
    for session_id, issuer, subject, sealed in connection.execute(query.order_by(tokens.c.session_id)):
        try:
            better = box.reseal(sealed, oidc_sessions.owner(issuer, subject))
        except SecretKeyNeeded:
            continue  # the session does without it at its sign-out, and it goes with the session
        if better is None:
            already += 1
        else:
            changes.append(_Change(tokens.c.session_id, session_id, token, sealed, better))
    for row in connection.execute(select(WEBHOOK).order_by(WEBHOOK.c.id)):
        for column in (WEBHOOK.c.secret, WEBHOOK.c.former_secret):
            former = row._mapping[column]
            if former is None:
                continue
            try:
                better = box.reseal(former, webhook_owner(row.id))
            except SecretKeyNeeded:
                lost.append(webhook_owner(row.id))
                continue
            if better is None:
                already += 1
            else:
                changes.append(_Change(WEBHOOK.c.id, row.id, column, former, better))
    return Sealed(0, already, lost), changes
