"""Webhooks: who outside wants to hear of which changes, where, and with whose rights."""

import base64
import datetime as dt
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy import Connection, delete, insert, select, update
from uuid_utils import uuid7

from xrm_core.changes.entry import Operation
from xrm_core.errors import BadQuery, NotFound, XrmError
from xrm_core.events import by_hand, cursors
from xrm_core.jobs import clock
from xrm_core.metadata import predicate
from xrm_core.metadata.model import Entity, Model
from xrm_core.metadata.predicate import EVERYTHING, Predicate
from xrm_core.outgoing.client import NotAnswered, checked
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.policy import Action, PolicySet
from xrm_core.storage.change_tables import CHANGE
from xrm_core.storage.reader_tables import LOG_READER, LOG_WAITING
from xrm_core.storage.webhook_tables import WEBHOOK, WEBHOOK_DELIVERY

PREFIX = "webhook:"
"""What the names of the readers of webhooks begin with."""

ROTATION = dt.timedelta(hours=24)
"""So long the former secret signs, too."""

_SECRET_BYTES, _MOST_NAME = 32, 100


class WebhookInvalid(XrmError):
    """A webhook cannot be as it is wanted."""

    code = "WEBHOOK_INVALID"
    http_status = 422


class Secrets(Protocol):
    """Keeps secrets so that who has only the database cannot read them."""

    def seal(self, text: str, owner: str) -> str:
        """A text, encrypted for an owner."""

    def open(self, sealed: str, owner: str) -> str:
        """The text again."""


class State(StrEnum):
    """Whether a webhook gets anything."""

    ACTIVE = "active"
    PAUSED = "paused"


@dataclass(frozen=True)
class Wanted:
    """What a webhook is to be told.

    ``operations`` empty: all. ``filter`` is in the predicate language, None: all records. ``fields`` None: all that the
    role may read.
    """

    name: str
    url: str
    role: str
    entity: str
    operations: Sequence[str] = ()
    filter: Mapping[str, Any] | None = None
    fields: Sequence[str] | None = None


@dataclass(frozen=True)
class Webhook:
    """A webhook as it is kept; secrets are sealed."""

    id: str
    wanted: Wanted
    state: State
    reason: str | None
    failures: int
    failed_since: str | None
    secret: str
    former_secret: str | None
    former_until: str | None

    @property
    def reader(self) -> str:
        """The name of its reader."""
        return f"{PREFIX}{self.id}"

    @property
    def owner(self) -> str:
        """As whose its secrets are sealed."""
        return owner(self.id)


def owner(id_: str) -> str:
    """As whose the secrets of a webhook are sealed."""
    return f"webhook {id_}"


def condition(model: Model, kind: Entity, wanted: Wanted) -> Predicate:
    """Its filter. Raises BadQuery: the model has changed since."""
    return EVERYTHING if wanted.filter is None else predicate.parse(model, kind, wanted.filter)


def shown_fields(access_fields: Iterable[str], kind: Entity, wanted: Wanted) -> list[str]:
    """The fields that it is shown: of those that the role may read, less those of which reads are logged."""
    logged = set(kind.log_reads)
    known = (
        [] if "*" in logged else [name for name in access_fields if kind.field(name) is not None and name not in logged]
    )
    return [name for name in known if wanted.fields is None or name in wanted.fields]


def create(connection: Connection, box: Secrets, model: Model, policies: PolicySet, wanted: Wanted) -> tuple[str, str]:
    """Make a webhook, which hears of what is written from now on; answers its id and its secret.

    Args:
        connection: in a write transaction.
        box: seals the secret, which can be read here once.
        model: what records look like.
        policies: those in force.
        wanted: what it is to be.

    Raises:
        WebhookInvalid: that cannot be; says what.
        SecretKeyNeeded: there is no key to seal its secret with.
    """
    _check(model, policies, wanted)
    id_, secret = str(uuid7()), _new_secret()
    row = {
        "id": id_,
        "name": wanted.name,
        "url": wanted.url,
        "role": wanted.role,
        "entity": wanted.entity,
        "operations": json.dumps(list(wanted.operations)),
        "filter": None if wanted.filter is None else json.dumps(wanted.filter),
        "fields": None if wanted.fields is None else json.dumps(list(wanted.fields)),
        "secret": box.seal(secret, owner(id_)),
        "state": State.ACTIVE.value,
        "failures": 0,
        "created_at": clock.now(connection),
    }
    connection.execute(insert(WEBHOOK), [row])
    cursors.begin(connection, [f"{PREFIX}{id_}"])
    return id_, secret


def webhooks(connection: Connection, state: State | None = None) -> list[Webhook]:
    """All of them, the oldest first; or those in a state."""
    query = select(WEBHOOK).order_by(WEBHOOK.c.id)
    return [_of(row) for row in connection.execute(query if state is None else query.where(WEBHOOK.c.state == state))]


def webhook(connection: Connection, id_: str) -> Webhook:
    """One of them. Raises NotFound."""
    row = connection.execute(select(WEBHOOK).where(WEBHOOK.c.id == id_)).first()
    if row is None:
        raise NotFound(f"There is no webhook with the id {id_}.", hint="«xrm webhooks list» shows them.")
    return _of(row)


def pause(connection: Connection, id_: str, reason: str) -> None:
    """Send it nothing; what it would hear waits in the log. Raises NotFound."""
    webhook(connection, id_)
    connection.execute(update(WEBHOOK).where(WEBHOOK.c.id == id_).values(state=State.PAUSED.value, reason=reason))


def resume(connection: Connection, id_: str) -> None:
    """Go on where it was paused, and at once. Raises NotFound."""
    found = webhook(connection, id_)
    anew = {"state": State.ACTIVE.value, "reason": None, "failures": 0, "failed_since": None}
    connection.execute(update(WEBHOOK).where(WEBHOOK.c.id == id_).values(anew))
    by_hand.retry(connection, found.reader)


def rotate(connection: Connection, box: Secrets, id_: str) -> str:
    """Give it another secret; the former one signs, too, for a day. Answers the new one. Raises NotFound."""
    found = webhook(connection, id_)
    secret, until = _new_secret(), clock.now(connection) + ROTATION
    values = {"secret": box.seal(secret, found.owner), "former_secret": found.secret, "former_until": until}
    connection.execute(update(WEBHOOK).where(WEBHOOK.c.id == id_).values(values))
    return secret


def remove(connection: Connection, id_: str) -> None:
    """Remove it with all that is kept of it. Raises NotFound."""
    found = webhook(connection, id_)
    connection.execute(delete(WEBHOOK_DELIVERY).where(WEBHOOK_DELIVERY.c.webhook == id_))
    connection.execute(delete(WEBHOOK).where(WEBHOOK.c.id == id_))
    by_hand.forget(connection, found.reader)


def replay(connection: Connection, id_: str, since: dt.datetime) -> int:
    """Send anew what was written since a moment; answers how many entries are gone through. Raises NotFound."""
    found = webhook(connection, id_)
    first = connection.scalar(
        select(CHANGE.c.position)
        .where(CHANGE.c.position.is_not(None), CHANGE.c.at >= since)
        .order_by(CHANGE.c.position)
    )
    if first is None:
        return 0
    mine = LOG_READER.c.name == found.reader
    # Without its lease, a run under way moves nothing more.
    back = {"position": int(first) - 1, "lease": None, "worker": None, "due_at": None}
    connection.execute(update(LOG_READER).where(mine, LOG_READER.c.position >= first).values(back))
    connection.execute(delete(LOG_WAITING).where(LOG_WAITING.c.reader == found.reader, LOG_WAITING.c.position >= first))
    return cursors.head(connection) - int(first) + 1


def _check(model: Model, policies: PolicySet, wanted: Wanted) -> None:
    def refuse(why: str, hint: str) -> WebhookInvalid:
        return WebhookInvalid(f"The webhook cannot be made: {why}.", hint=hint)

    if not wanted.name.strip() or len(wanted.name) > _MOST_NAME:
        raise refuse("it has no name, or one of more than 100 characters", "Give it one.")
    try:
        checked(wanted.url)
    except NotAnswered:
        raise refuse("its address is none", "Write https://host/path, without user, password and #.") from None
    if wanted.role not in policies.roles:
        raise refuse(f"there is no role {wanted.role!r}", f"Roles are: {', '.join(sorted(policies.roles))}.")
    kind = next((each for each in model if each.name == wanted.entity), None)
    access = Authority(model, policies).access(frozenset([wanted.role]))
    if kind is None or not access.may(kind.name, Action.READ):
        raise refuse(f"the role {wanted.role} can read no {wanted.entity!r}", "Name another entity or role.")
    if unknown := set(wanted.operations) - set(Operation):
        raise refuse(f"there is no operation {min(unknown)!r}", f"Operations are: {', '.join(Operation)}.")
    permission = access.get(kind.name, Action.READ)
    readable = () if permission is None else permission.fields
    shown = shown_fields(readable, kind, wanted)
    if missing := set(wanted.fields or ()) - set(shown):
        raise refuse(
            f"the role {wanted.role} can read no field {min(missing)!r} of a {kind.name}, or reads of it are logged",
            f"Fields are: {', '.join(sorted(shown_fields(readable, kind, Wanted('', '', '', ''))))}.",
        )
    try:
        condition(model, kind, wanted)
    except BadQuery as error:
        raise refuse(f"its filter is wrong: {error.message.rstrip('.')}", "See the page on filters.") from None


def _of(row: Any) -> Webhook:
    wanted = Wanted(
        row.name,
        row.url,
        row.role,
        row.entity,
        tuple(json.loads(row.operations)),
        None if row.filter is None else json.loads(row.filter),
        None if row.fields is None else tuple(json.loads(row.fields)),
    )
    state = State(row.state)
    secret = row.secret, row.former_secret, row.former_until
    return Webhook(str(row.id), wanted, state, row.reason, row.failures, row.failed_since, *secret)


def _new_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"
