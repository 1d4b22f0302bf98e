"""What a plugin sends to somebody outside, and what it says of such messages."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xrm_core.messages.context import MessageContext

RecordRef = tuple[str, str]
"""Entity and id of a record."""

MAIL = "mail"
"""The channel of the platform itself."""


class MessageState(StrEnum):
    """What became of a message so far."""

    QUEUED = "queued"
    HANDING_OVER = "handing_over"
    SENT = "sent"
    FAILED = "failed"
    REFUSED = "refused"


class Moment(StrEnum):
    """Why a gate is asked: somebody wants to know, the message is put into the outbox, it leaves."""

    ASKED = "asked"
    QUEUED = "queued"
    HANDED_OVER = "handed_over"


@dataclass(frozen=True)
class Message:
    """A message to one recipient, as a plugin gives it to ``send_message``.

    Args:
        kind: name of a ``MessageKind``.
        about: entity and id of the record that it is about.
        person: entity and id of the record of who gets it, as far as there is one: of them a gate may know more.
        key: of the plugin: of one key there is one message. Without, each call is one.
        channel: ``mail``, or the name of one that a plugin brings.
        payload: what the kind needs beside the records: a small JSON object. Ids; no texts about persons, no secrets.
    """

    kind: str
    about: RecordRef
    person: RecordRef | None = None
    key: str | None = None
    channel: str = MAIL
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OutgoingMessage:
    """The same as gates and the functions of its kind see it.

    Attributes:
        id: of the message; empty while somebody only wants to know.
        purpose: what the kind is for.
        address: where it goes; None: there is no address.
        actor: the user, or the token of a service, who has it sent; None: the platform.
        moment: why a gate is asked.
        attempt: which attempt to hand it over this is, from 1; 0 before that.
        unsubscribe: where who gets it says that they want no more; None: no gate has said so. For ``compose``, to show.
        tracking: whether ``compose`` may make it such that somebody learns of its being opened, or of clicks. False
            unless a gate has said so; what does so all the same is taken out then.
    """

    id: str
    kind: str
    purpose: str
    channel: str
    about: RecordRef
    person: RecordRef | None
    address: str | None
    payload: Mapping[str, Any]
    actor: str | None
    moment: Moment
    attempt: int = 0
    unsubscribe: str | None = None
    tracking: bool = False


@dataclass(frozen=True)
class Attachment:
    """A file that goes along. ``content`` may be a function that makes it: it is called outside of the transaction."""

    name: str
    media_type: str
    content: bytes | Callable[[], bytes]

    def made(self) -> bytes:
        """The content."""
        return self.content if isinstance(self.content, bytes) else self.content()


@dataclass(frozen=True)
class MessageContent:
    """What a message says. ``html`` may be left out; channels that have no subject leave that out.

    ``reply_to`` is the address that gets answers, ``unsubscribe`` the page that ends such messages by a POST; if it is
    left out, that of the gate.
    """

    subject: str
    text: str
    html: str = ""
    attachments: Sequence[Attachment] = ()
    language: str = ""
    reply_to: str | None = None
    unsubscribe: str | None = None


@dataclass(frozen=True)
class MessageOutcome:
    """How a message has ended: sent, failed or refused, and by which reason code; what was done at ``at``."""

    state: MessageState
    reason: str | None
    at: dt.datetime


@dataclass(frozen=True)
class MessageRefusal:
    """What a gate answers that does not let a message through.

    Args:
        code: such as ``OBJECTION``, in capitals; kept with the message.
        reason: for whoever wants to send it: a sentence, or one for each language.
        until: aware; it is refused for now alone: the message waits, and gates are asked again then. None: for good.
    """

    code: str
    reason: str | Mapping[str, str]
    until: dt.datetime | None = None


@dataclass(frozen=True)
class MessageAllowed:
    """What a gate may answer that lets a message go, with what belongs to it.

    Args:
        unsubscribe: ``https`` address of a page on which who gets it ends such messages, by a POST without a question.
            Mails have it as ``List-Unsubscribe``.
        tracking: who gets it has agreed to being watched: whether they open it, and on what they click.
    """

    unsubscribe: str | None = None
    tracking: bool = False


Ended = Callable[["MessageContext", MessageOutcome], object]


@dataclass(frozen=True)
class MessageKind:
    """A kind of messages that a plugin sends.

    Args:
        name: ``plugin.kind``.
        address: a function of a ``MessageContext`` that says where the message goes; None: there is no address. Asked
            when the message is put into the outbox, and again when it leaves.
        compose: a function of a ``MessageContext`` that makes what it says. Called when it leaves, in a transaction of
            its own, once for each attempt; what it writes there stays if the message is handed over or not.
        purpose: what such messages are for, for gates: such as ``contract`` or ``advertising``.
        ended: a function of a ``MessageContext`` and the ``MessageOutcome``, called in the transaction in which the
            end is noted, to show it on a record.
        attempts: how often it is tried to hand one over.
    """

    name: str
    address: "Callable[[MessageContext], str | None]"
    compose: "Callable[[MessageContext], MessageContent]"
    purpose: str
    ended: Ended | None = None
    attempts: int = 8


@dataclass(frozen=True)
class HandOver:
    """What a channel is given.

    Attributes:
        id: of the message, the same in each attempt.
        address: where it goes.
        content: what it says; of attachments the content is there.
        tenant: its name; empty for the main database.
        settings: of the plugin that brings the channel.
        tracking: whether openings and clicks may be counted: of services that do so by themselves, a channel says so
            to them, or has it switched off there.
    """

    id: str
    address: str
    content: MessageContent
    tenant: str
    settings: Any = None
    tracking: bool = False


class NotHandedOver(Exception):
    """Raised by a channel: it is certain that nobody has taken the message. Any other exception leaves that open.

    Args:
        code: why, such as ``NUMBER_UNKNOWN``; kept with the message. No personal data.
        retry: whether another attempt may help.
    """

    def __init__(self, code: str, *, retry: bool = True) -> None:
        super().__init__(code)
        self.code, self.retry = code, retry


@dataclass(frozen=True)
class Channel:
    """A way on which messages leave.

    Args:
        name: ``plugin.channel``.
        hand_over: a function of a :class:`HandOver`; it is outside of any transaction. When it returns, somebody else
            has the message. It raises :class:`NotHandedOver` if that is certainly not so.
    """

    name: str
    hand_over: Callable[[HandOver], object]
