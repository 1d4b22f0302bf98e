"""What people do with messages of the outbox: look at them, cancel those that wait, and have others sent once more."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Row, func, select, update

from xrm_core.errors import XrmError
from xrm_core.messages import outbox
from xrm_core.messages.ending import end
from xrm_core.messages.message import MessageState, RecordRef
from xrm_core.messages.registry import registered_messages
from xrm_core.messages.sending import MOST_ATTEMPTS, hand_over
from xrm_core.plugins import Plugins
from xrm_core.records.door import Records
from xrm_core.storage.message_tables import MESSAGE
from xrm_core.translation import say

CANCELLED = "CANCELLED"
"""Reason of a message that somebody has cancelled: it is ``refused``, as by a gate."""

_AT_ONCE = 500


class MessageConflict(XrmError):
    """A message is in a state in which this cannot be done with it."""

    code = "MESSAGE_CONFLICT"
    http_status = 409


@dataclass(frozen=True)
class Listed:
    """A message, as people see it: without its payload. Moments are RFC 3339 texts in UTC."""

    id: str
    kind: str
    channel: str
    about: RecordRef
    person: RecordRef | None
    owner: str | None
    state: MessageState
    reason: str | None
    attempts: int
    created_at: str
    handed_over_at: str | None
    ended_at: str | None


def messages(
    connection: Connection,
    *,
    state: str | None = None,
    kind: str | None = None,
    record_id: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[Listed]:
    """Messages, the newest first.

    Args:
        connection: to read by.
        state: only these.
        kind: only of this kind.
        record_id: only those about this record, or to it.
        after: only those before this id.
        limit: at most so many.
    """
    of = MESSAGE.c
    only: list[ColumnElement[bool]] = []
    only += [of.state == state] if state is not None else []
    only += [of.kind == kind] if kind is not None else []
    only += [(of.about_id == record_id) | (of.person_id == record_id)] if record_id is not None else []
    only += [of.id < after] if after is not None else []
    return [
        _listed(row) for row in connection.execute(select(MESSAGE).where(*only).order_by(of.id.desc()).limit(limit))
    ]


class _Reading(Protocol):
    @property
    def connection(self) -> Connection: ...


def messages_of(context: _Reading, id_: str) -> list[Listed]:
    """All messages about a record, or to it, that are still kept, the newest first, for plugins.

    Args:
        context: of an action, of what follows a write, of a command, or ``job.within(connection)``.
        id_: of the record.
    """
    found: list[Listed] = []
    while page := messages(context.connection, record_id=id_, after=found[-1].id if found else None, limit=_AT_ONCE):
        found += page
        if len(page) < _AT_ONCE:
            break
    return found


def messages_of_many(context: _Reading, ids: Collection[str]) -> list[Listed]:
    """The same of some records together: of hundreds at a time, not of thousands.

    Args:
        context: as of :func:`messages_of`.
        ids: of the records.
    """
    of = MESSAGE.c
    query = select(MESSAGE).where(of.about_id.in_(ids) | of.person_id.in_(ids)).order_by(of.id.desc())
    return [_listed(row) for row in context.connection.execute(query)]


def message(connection: Connection, id_: str) -> Listed | None:
    """A message; None: there is none of this id."""
    row = connection.execute(select(MESSAGE).where(MESSAGE.c.id == id_)).first()
    return None if row is None else _listed(row)


def counts(connection: Connection) -> Mapping[MessageState, int]:
    """How many messages there are in each state."""
    found = {
        str(row[0]): int(row[1]) for row in connection.execute(select(MESSAGE.c.state, func.count()).group_by("state"))
    }
    return {state: found.get(state.value, 0) for state in MessageState}


def cancel(records: Records, connection: Connection, tenant: str, id_: str) -> Listed | None:
    """Let a message that waits not leave; its kind is told. None: there is none of this id.

    Raises:
        MessageConflict: it does not wait.
    """
    kept = outbox.held(connection, id_)
    if kept is None:
        return None
    if kept.state is not MessageState.QUEUED:
        raise MessageConflict(
            say("The message is {state}, so it cannot be cancelled.", state=kept.state.value),
            hint=say("Only messages that are queued can."),
        )
    end(records, connection, tenant, kept, MessageState.REFUSED, CANCELLED)
    return message(connection, id_)


def retry(plugins: Plugins, connection: Connection, id_: str) -> Listed | None:
    """Have a message that was not sent handed over after all, or one that waits at once; its gates are asked as ever.

    One of which it is not known whether it was sent may then be sent twice: whoever retries it has looked. None: there
    is none of this id.

    Raises:
        MessageConflict: it was sent, or is being handed over.
    """
    kept = outbox.held(connection, id_)
    if kept is None:
        return None
    if kept.state in (MessageState.SENT, MessageState.HANDING_OVER):
        raise MessageConflict(
            say("The message is {state}, so it is not sent once more.", state=kept.state.value),
            hint=say("Only messages that are queued, failed or refused are."),
        )
    kind = registered_messages(plugins).kinds.get(kept.message.kind)
    anew: dict[str, Any] = {"state": MessageState.QUEUED.value, "reason": None, "ended_at": None}
    connection.execute(update(MESSAGE).where(MESSAGE.c.id == id_).values(anew))
    hand_over(connection, id_, MOST_ATTEMPTS if kind is None else kind.attempts)
    return message(connection, id_)


def _listed(row: Row[Any]) -> Listed:
    return Listed(
        str(row.id),
        row.kind,
        row.channel,
        (row.about_entity, str(row.about_id)),
        None if row.person_entity is None else (row.person_entity, str(row.person_id)),
        None if row.owner is None else str(row.owner),
        MessageState(row.state),
        row.reason,
        row.attempts,
        row.created_at,
        row.handed_over_at,
        row.ended_at,
    )
