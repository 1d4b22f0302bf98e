"""What people do with webhooks: each change leaves an event with who has made it."""

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, delete, func, insert, select, update
from uuid_utils import uuid7

from xrm_core.events import by_hand, cursors
from xrm_core.events.webhook_checks import check, refused
from xrm_core.events.webhooks import PREFIX, Secrets, State, Wanted, columns, new_secret, owner, webhook
from xrm_core.jobs import clock
from xrm_core.permissions.authority import Authority
from xrm_core.storage import auth_events
from xrm_core.storage.auth_events import Event
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.reader_tables import LOG_READER, LOG_WAITING
from xrm_core.storage.webhook_tables import WEBHOOK, WEBHOOK_DELIVERY

ROTATION = dt.timedelta(hours=24)
"""So long the former secret signs, too."""

MOST = 200
"""Webhooks of a tenant: each of them reads all changes."""

_SALT_BYTES = 16


@dataclass(frozen=True)
class Author:
    """Who changes webhooks: the id of a user, or of a service's token; and from where. None: the command line."""

    actor: str | None = None
    address: str | None = None

    def record(self, connection: Connection, event: Event, id_: str, details: Mapping[str, Any]) -> None:
        """Keep an event."""
        who = {"user_id": self.actor, "subject": id_, "address": self.address}
        auth_events.record(connection, event, **who, details=details)


COMMAND_LINE = Author()


def create(
    connection: Connection, box: Secrets, authority: Authority, wanted: Wanted, by: Author = COMMAND_LINE
) -> tuple[str, str]:
    """Make a webhook, which hears of what is written from now on; answers its id and its secret.

    Args:
        connection: in a write transaction.
        box: seals the secret, which can be read here once.
        authority: model and policies in force.
        wanted: what it is to be.
        by: who makes it.

    Raises:
        WebhookInvalid: that cannot be; says what.
        SecretKeyNeeded: there is no key to seal its secret with.
    """
    check(connection, authority, wanted)
    if (connection.scalar(select(func.count()).select_from(WEBHOOK)) or 0) >= MOST:
        raise refused(f"there are {MOST} already", "Delete those that nobody needs; one can tell of many entities.")
    id_, secret = str(uuid7()), new_secret()
    row = {
        "id": id_,
        **columns(wanted),
        "event_salt": secrets.token_hex(_SALT_BYTES),
        "secret": box.seal(secret, owner(id_)),
        "state": State.ACTIVE.value,
        "failures": 0,
        "created_at": clock.now(connection),
        "created_by": by.actor,
    }
    connection.execute(insert(WEBHOOK), [row])
    cursors.begin(connection, [f"{PREFIX}{id_}"])
    by.record(connection, Event.WEBHOOK_CREATED, id_, _told(wanted))
    return id_, secret


def change(connection: Connection, authority: Authority, id_: str, wanted: Wanted, by: Author = COMMAND_LINE) -> None:
    """Let a webhook be another one, from what it sends next on. Raises WebhookInvalid, NotFound."""
    former = webhook(connection, id_, held=True).wanted
    check(connection, authority, wanted)
    connection.execute(update(WEBHOOK).where(WEBHOOK.c.id == id_).values(columns(wanted)))
    before, after = columns(former), columns(wanted)
    names = sorted(name for name in after if after[name] != before[name])
    _changed(connection, by, id_, "updated", {**_told(wanted), "attributes": names})


def pause(connection: Connection, id_: str, reason: str, by: Author = COMMAND_LINE) -> None:
    """Send it nothing; what it would hear waits in the log. Raises NotFound."""
    webhook(connection, id_, held=True)
    connection.execute(update(WEBHOOK).where(WEBHOOK.c.id == id_).values(state=State.PAUSED.value, reason=reason))
    _changed(connection, by, id_, "paused", {"reason": reason})


def resume(connection: Connection, id_: str, by: Author = COMMAND_LINE) -> None:
    """Go on where it was paused, and at once. Raises NotFound."""
    found = webhook(connection, id_, held=True)
    anew = {"state": State.ACTIVE.value, "reason": None, "failures": 0, "failed_since": None}
    connection.execute(update(WEBHOOK).where(WEBHOOK.c.id == id_).values(anew))
    cursors.begin(connection, [found.reader])
    by_hand.retry(connection, found.reader)
    _changed(connection, by, id_, "resumed")


def rotate(connection: Connection, box: Secrets, id_: str, by: Author = COMMAND_LINE) -> str:
    """Give it another secret; the former one signs, too, for a day. Answers the new one. Raises NotFound."""
    found = webhook(connection, id_, held=True)
    secret, until = new_secret(), clock.now(connection) + ROTATION
    values = {"secret": box.seal(secret, found.owner), "former_secret": found.secret, "former_until": until}
    connection.execute(update(WEBHOOK).where(WEBHOOK.c.id == id_).values(values))
    _changed(connection, by, id_, "secret_rotated")
    return secret


def remove(connection: Connection, id_: str, by: Author = COMMAND_LINE) -> None:
    """Remove it with all that is kept of it. Raises NotFound."""
    found = webhook(connection, id_, held=True)
    connection.execute(delete(WEBHOOK_DELIVERY).where(WEBHOOK_DELIVERY.c.webhook == id_))
    connection.execute(delete(WEBHOOK).where(WEBHOOK.c.id == id_))
    connection.execute(delete(LOG_WAITING).where(LOG_WAITING.c.reader == found.reader))
    connection.execute(delete(LOG_READER).where(LOG_READER.c.name == found.reader))
    by.record(connection, Event.WEBHOOK_DELETED, id_, _told(found.wanted))


def replay(connection: Connection, id_: str, since: dt.datetime, by: Author = COMMAND_LINE) -> int:
    """Send anew what was written since a moment; answers how many entries are gone through. Raises NotFound."""
    found = webhook(connection, id_, held=True)
    first = connection.scalar(
        select(CHANGE.c.position)
        .where(CHANGE.c.position.is_not(None), CHANGE.c.at >= since)
        .order_by(CHANGE.c.position)
        .limit(1)
    )
    if first is None:
        return 0
    mine = LOG_READER.c.name == found.reader
    # Without its lease, a run under way moves nothing more.
    back = {"position": int(first) - 1, "lease": None, "worker": None, "due_at": None}
    connection.execute(update(LOG_READER).where(mine, LOG_READER.c.position >= first).values(back))
    connection.execute(delete(LOG_WAITING).where(LOG_WAITING.c.reader == found.reader, LOG_WAITING.c.position >= first))
    number = cursors.head(connection) - int(first) + 1
    _changed(connection, by, id_, "replayed", {"since": since.astimezone(dt.UTC).isoformat(), "entries": number})
    return number


def _changed(connection: Connection, by: Author, id_: str, what: str, details: Mapping[str, Any] | None = None) -> None:
    by.record(connection, Event.WEBHOOK_CHANGED, id_, {"change": what, **(details or {})})


def _told(wanted: Wanted) -> dict[str, Any]:
    """What an event says of it: of the address the host alone, since paths of receivers often are secrets."""
    found: dict[str, Any] = {"name": wanted.name, "host": urlsplit(wanted.url).hostname}
    found |= {"entities": [each.entity for each in wanted.subjects]}
    return {**found, **({"role": wanted.role} if wanted.service is None else {"service": wanted.service})}
