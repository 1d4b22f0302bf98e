"""The outbox: messages of plugins to people outside, by channels, through gates."""

from xrm_core.messages.context import MessageContext
from xrm_core.messages.gate import MessageRefused
from xrm_core.messages.jobs import message_jobs
from xrm_core.messages.leaving import Connector, ConnectorRefusal, LeavingContext, Parcel, may_leave
from xrm_core.messages.message import (
    Attachment,
    Channel,
    HandOver,
    Message,
    MessageAllowed,
    MessageContent,
    MessageKind,
    MessageOutcome,
    MessageRefusal,
    MessageState,
    Moment,
    NotHandedOver,
    OutgoingMessage,
)
from xrm_core.messages.rechecking import recheck_messages
from xrm_core.messages.registry import registered_messages
from xrm_core.messages.sending import may_send, send_message

__all__ = [
    "Attachment",
    "Channel",
    "Connector",
    "ConnectorRefusal",
    "HandOver",
    "LeavingContext",
    "Message",
    "MessageAllowed",
    "MessageContent",
    "MessageContext",
    "MessageKind",
    "MessageOutcome",
    "MessageRefusal",
    "MessageRefused",
    "MessageState",
    "Moment",
    "NotHandedOver",
    "OutgoingMessage",
    "Parcel",
    "may_leave",
    "may_send",
    "message_jobs",
    "recheck_messages",
    "registered_messages",
    "send_message",
]
