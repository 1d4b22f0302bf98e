"""Webhooks: who outside wants to hear of which changes, where, and with whose rights."""

import base64
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Protocol

from sqlalchemy import Connection, select

from xrm_core.errors import BadQuery, NotFound
from xrm_core.metadata import predicate
from xrm_core.metadata.model import Entity, Model
from xrm_core.metadata.predicate import EVERYTHING, Predicate
from xrm_core.query.reads import tells_logged
from xrm_core.storage.webhook_tables import WEBHOOK

PREFIX = "webhook:"
"""What the names of the readers of webhooks begin with."""

_SECRET_BYTES = 32


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
class Subject:
    """Changes of records of one entity.

    ``operations`` empty: all. ``filter`` is in the predicate language, None: all records. ``fields`` None: all that the
    subscriber may read.
    """

    entity: str
    operations: Sequence[str] = ()
    filter: Mapping[str, Any] | None = None
    fields: Sequence[str] | None = None

    def condition(self, model: Model, kind: Entity) -> Predicate:
        """Its filter. Raises BadQuery: it asks for what reads are logged of, or the model has changed since."""
        found = EVERYTHING if self.filter is None else predicate.parse(model, kind, self.filter)
        if tells_logged(model, kind, found):
            raise BadQuery("It asks for a field of which reads are logged.")
        return found

    def shown_fields(self, model: Model, readable: Iterable[str], kind: Entity) -> list[str]:
        """The fields that are told: of those that may be read, less what tells something of which reads are logged."""
        if "*" in kind.log_reads:
            return []
        known = [name for name in readable if kind.field(name) is not None and not tells_logged(model, kind, name)]
        return [name for name in known if self.fields is None or name in self.fields]


@dataclass(frozen=True)
class Wanted:
    """What a webhook is to be told, and with whose rights: a ``role``'s, or those of a ``service``, by the id of its
    token.
    """

    name: str
    url: str
    subjects: Sequence[Subject]
    role: str | None = None
    service: str | None = None


@dataclass(frozen=True)
class Webhook:
    """A webhook as it is kept; secrets are sealed. ``event_salt``: what the ids of its events are made with."""

    id: str
    wanted: Wanted
    state: State
    reason: str | None
    failures: int
    failed_since: str | None
    secret: str
    former_secret: str | None
    former_until: str | None
    event_salt: str
    created_at: str
    created_by: str | None

    @property
    def reader(self) -> str:
        """The name of its reader."""
        return f"{PREFIX}{self.id}"

    @property
    def owner(self) -> str:
        """As whose its secrets are sealed."""
        return owner(self.id)

    @cached_property
    def subjects(self) -> Mapping[str, Subject]:
        """By the entity."""
        return {each.entity: each for each in self.wanted.subjects}


def owner(id_: str) -> str:
    """As whose the secrets of a webhook are sealed."""
    return f"webhook {id_}"


def webhooks(connection: Connection, state: State | None = None) -> list[Webhook]:
    """All of them, the oldest first; or those in a state."""
    query = select(WEBHOOK).order_by(WEBHOOK.c.id)
    return [_of(row) for row in connection.execute(query if state is None else query.where(WEBHOOK.c.state == state))]


def webhook(connection: Connection, id_: str, *, held: bool = False) -> Webhook:
    """One of them; ``held``: nobody else changes it before the transaction ends. Raises NotFound."""
    query = select(WEBHOOK).where(WEBHOOK.c.id == id_)
    row = connection.execute(query.with_for_update() if held else query).first()
    if row is None:
        raise NotFound(f"There is no webhook with the id {id_}.", hint="«xrm webhooks list» shows them.")
    return _of(row)


def columns(wanted: Wanted) -> dict[str, Any]:
    """What is kept of it."""
    return {
        "name": wanted.name,
        "url": wanted.url,
        "role": wanted.role,
        "service": wanted.service,
        "subjects": json.dumps(
            [
                {
                    "entity": each.entity,
                    "operations": list(each.operations),
                    "filter": each.filter,
                    "fields": None if each.fields is None else list(each.fields),
                }
                for each in wanted.subjects
            ]
        ),
    }


def new_secret() -> str:
    """By chance, in the form of Standard Webhooks."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def _of(row: Any) -> Webhook:
    subjects = [
        Subject(
            each["entity"],
            tuple(each["operations"]),
            each["filter"],
            None if each["fields"] is None else tuple(each["fields"]),
        )
        for each in json.loads(row.subjects)
    ]
    service = None if row.service is None else str(row.service)
    wanted = Wanted(row.name, row.url, tuple(subjects), row.role, service)
    known = row.state, row.reason, row.failures, row.failed_since
    secret = row.secret, row.former_secret, row.former_until, row.event_salt
    by = None if row.created_by is None else str(row.created_by)
    return Webhook(str(row.id), wanted, State(known[0]), *known[1:], *secret, row.created_at, by)
