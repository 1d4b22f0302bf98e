"""Putting messages into the outbox, in the transaction of whoever wants them sent."""

import datetime as dt
from typing import Protocol

from sqlalchemy import Connection

from xrm_core.jobs.enqueue import enqueue
from xrm_core.messages.context import MessageContext
from xrm_core.messages.gate import asked, refused
from xrm_core.messages.message import Message, MessageKind, MessageRefusal, Moment, OutgoingMessage
from xrm_core.messages.outbox import keep, outgoing
from xrm_core.messages.registry import registered_messages
from xrm_core.permissions.caller import Caller
from xrm_core.records.door import Records

JOB = "send_message"
"""The job that hands a message over."""

MOST_ATTEMPTS = 8
"""Of a message whose kind is not known any more."""


class Sending(Protocol):
    """What sends: a context of an action, a route, a hook or a job's transaction; an event of an after-hook."""

    @property
    def records(self) -> Records:
        """The door for records."""

    @property
    def connection(self) -> Connection:
        """With a write transaction."""

    @property
    def caller(self) -> Caller:
        """Who wants it sent."""


def send_message(context: Sending, message: Message) -> str:
    """Put a message into the outbox; a worker hands it to its channel once the transaction is committed.

    Each message is handed over once at most. If it is not certain whether somebody has taken it, it has failed
    (``OUTCOME_UNKNOWN``), and is not tried again. If the transaction is rolled back, or a dry run, there is none.

    Args:
        context: of an action, a route, a hook, an after-hook or a job.
        message: what is to be sent.

    Returns:
        The id of the message; of a key that there is already, that of the other message, and nothing is sent.

    Raises:
        MessageRefused: there is no address, or a plugin refuses it; nothing was kept.
        JobInvalid: the payload cannot be kept.
        ValueError: there is no such kind.
    """
    kind = _kind(context, message)
    found = asked(context.records, context.connection, context.caller, *_seen(context, kind, message, Moment.QUEUED))
    until = None if found.refusal is None else found.refusal[1].until
    if found.refusal is not None and until is None:
        raise refused(context.records.plugins, *found.refusal)
    id_, new = keep(context.connection, message, context.caller.actor)
    if new:
        hand_over(context.connection, id_, kind.attempts, until)
    return id_


def hand_over(connection: Connection, id_: str, attempts: int, due: dt.datetime | None = None) -> None:
    """Have a worker hand a message over, as soon as there is one, or from a moment on."""
    enqueue(connection, JOB, {"message": id_}, key=f"message {id_}", max_attempts=attempts, due=due, replace=True)


def may_send(context: Sending, message: Message) -> MessageRefusal | None:
    """Whether a message could be sent now; None: it could. Gates that note what they let through do not note this.

    Raises:
        RefusedByPlugin: a gate has failed.
        ValueError: there is no such kind.
    """
    kind = _kind(context, message)
    found = asked(context.records, context.connection, context.caller, *_seen(context, kind, message, Moment.ASKED))
    return None if found.refusal is None else found.refusal[1]


def address_of(
    records: Records,
    connection: Connection,
    caller: Caller,
    kind: MessageKind,
    message: OutgoingMessage,
    tenant: str | None,
) -> str | None:
    """Where a message goes, as its kind says.

    Raises:
        RefusedByPlugin: the plugin failed.
    """
    plugin = kind.name.partition(".")[0]
    with records.plugins.following(plugin, "message", "message", f"{kind.name}/address"):
        return kind.address(MessageContext(records, connection, caller, message, plugin, tenant)) or None


def _kind(context: Sending, message: Message) -> MessageKind:
    kind = registered_messages(context.records.plugins).kinds.get(message.kind)
    if kind is None:
        raise ValueError(f"There is no kind of messages {message.kind!r}.")
    return kind


def _seen(context: Sending, kind: MessageKind, message: Message, moment: Moment) -> tuple[OutgoingMessage, str | None]:
    actor = context.caller.actor
    bare = outgoing(message, "", kind.purpose, None, actor, moment)
    address = address_of(context.records, context.connection, context.caller, kind, bare, None)
    return outgoing(message, "", kind.purpose, address, actor, moment), None
