"""The rows of the outbox."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from uuid_utils import uuid7

from xrm_core.jobs import clock
from xrm_core.jobs.enqueue import payload_text
from xrm_core.messages.message import Message, MessageState, Moment, OutgoingMessage, RecordRef
from xrm_core.storage.message_tables import MESSAGE


@dataclass(frozen=True)
class Kept:
    """A message of the outbox."""

    message: Message
    id: str
    owner: str | None
    state: MessageState
    attempts: int

    def outgoing(self, purpose: str, address: str | None, moment: Moment) -> OutgoingMessage:
        """As functions of plugins see it."""
        return outgoing(self.message, self.id, purpose, address, self.owner, moment, self.attempts)


def outgoing(
    message: Message, id_: str, purpose: str, address: str | None, actor: str | None, moment: Moment, attempt: int = 0
) -> OutgoingMessage:
    """A message as functions of plugins see it."""
    return OutgoingMessage(
        id_,
        message.kind,
        purpose,
        message.channel,
        message.about,
        message.person,
        address,
        dict(message.payload),
        actor,
        moment,
        attempt,
    )


def keep(connection: Connection, message: Message, owner: str | None) -> tuple[str, bool]:
    """Put a message into the outbox; its id, and whether it is new: of its key there may be one."""
    person = message.person or (None, None)
    key = None if message.key is None else f"{message.kind.partition('.')[0]}:{message.key}"
    values: dict[str, Any] = {
        "id": str(uuid7()),
        "kind": message.kind,
        "channel": message.channel,
        "key": key,
        "about_entity": message.about[0],
        "about_id": message.about[1],
        "person_entity": person[0],
        "person_id": person[1],
        "payload": payload_text(message.kind, message.payload),
        "owner": owner,
        "state": MessageState.QUEUED.value,
        "attempts": 0,
        "created_at": clock.now(connection),
    }
    statement: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    there = statement(MESSAGE).values(values).on_conflict_do_nothing(index_elements=[MESSAGE.c.key])
    found = connection.scalar(there.returning(MESSAGE.c.id))
    if found is not None:
        return str(found), True
    return str(connection.scalars(select(MESSAGE.c.id).where(MESSAGE.c.key == key)).one()), False


def held(connection: Connection, id_: str) -> Kept | None:
    """A message, which nobody else changes before the end of the transaction; None: it is gone."""
    row = connection.execute(select(MESSAGE).where(MESSAGE.c.id == id_).with_for_update()).first()
    return None if row is None else _kept(row)


def waiting(
    connection: Connection, *, person: RecordRef | None = None, after: str | None = None, limit: int
) -> list[Kept]:
    """Messages that wait, the oldest first, held as by :func:`held`. One that somebody else holds is about to leave,
    and its gates are asked anyway: it is left out, so that nobody waits for who waits for them.
    """
    of = MESSAGE.c
    query = select(MESSAGE).where(of.state == MessageState.QUEUED.value).order_by(of.id).limit(limit)
    if person is not None:
        query = query.where(of.person_entity == person[0], of.person_id == person[1])
    if after is not None:
        query = query.where(of.id > after)
    return [_kept(row) for row in connection.execute(query.with_for_update(skip_locked=True))]


def _kept(row: Row[Any]) -> Kept:
    person = None if row.person_entity is None else (row.person_entity, str(row.person_id))
    payload: Mapping[str, Any] = json.loads(row.payload)
    message = Message(row.kind, (row.about_entity, str(row.about_id)), person, None, row.channel, payload)
    owner = None if row.owner is None else str(row.owner)
    return Kept(message, str(row.id), owner, MessageState(row.state), row.attempts)


def begin(connection: Connection, id_: str) -> None:
    """The gates have let it through: from now on nobody but a channel knows whether it was sent."""
    values: dict[str, Any] = {"state": MessageState.HANDING_OVER.value, "handed_over_at": clock.now(connection)}
    values |= {"reason": None, "attempts": MESSAGE.c.attempts + 1}
    connection.execute(update(MESSAGE).where(MESSAGE.c.id == id_).values(values))


def back(connection: Connection, id_: str, reason: str) -> None:
    """Nobody has taken it; it waits for the next attempt."""
    connection.execute(
        update(MESSAGE).where(MESSAGE.c.id == id_).values(state=MessageState.QUEUED.value, reason=reason)
    )


def end(connection: Connection, id_: str, state: MessageState, reason: str | None) -> dt.datetime:
    """It is over; answers when."""
    at = clock.now(connection)
    connection.execute(update(MESSAGE).where(MESSAGE.c.id == id_).values(state=state.value, reason=reason, ended_at=at))
    return at


def remove_ended(connection: Connection, days: int, limit: int) -> int:
    """Remove messages that ended so many days ago; answers how many."""
    before = clock.now(connection) - dt.timedelta(days=days)
    old = select(MESSAGE.c.id).where(MESSAGE.c.ended_at < before).limit(limit)
    return connection.execute(delete(MESSAGE).where(MESSAGE.c.id.in_(old))).rowcount
