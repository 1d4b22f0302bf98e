"""How messages end: it is noted, and the kind is told of it in the same transaction."""

from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection

from xrm_core.messages import outbox
from xrm_core.messages.context import MessageContext
from xrm_core.messages.message import Ended, MessageKind, MessageOutcome, MessageState, Moment
from xrm_core.messages.outbox import Kept
from xrm_core.messages.registry import registered_messages
from xrm_core.permissions.caller import System, system
from xrm_core.storage.applied import require_model

if TYPE_CHECKING:
    from xrm_core.records.door import Records

_log = structlog.get_logger(__name__)


def end(
    records: "Records", connection: Connection, tenant: str | None, kept: Kept, state: MessageState, reason: str | None
) -> MessageOutcome:
    """Note the end of a message, and tell its kind."""
    outcome = MessageOutcome(state, reason, outbox.end(connection, kept.id, state, reason))
    kind = registered_messages(records.plugins).kinds.get(kept.message.kind)
    if kind is not None and kind.ended is not None:
        _tell(records, connection, tenant, kept, kind, kind.ended, outcome)
    return outcome


def caller_of(records: "Records", kept: Kept) -> System:
    """The platform, on behalf of who has a message sent."""
    return system(records.model, f"message {kept.message.kind}", actor=kept.owner)


def _tell(
    records: "Records",
    connection: Connection,
    tenant: str | None,
    kept: Kept,
    kind: MessageKind,
    ended: Ended,
    outcome: MessageOutcome,
) -> None:
    """What the plugin makes of it; that it fails does not make the end of the message unknown."""
    plugin = kind.name.partition(".")[0]
    seen = kept.outgoing(kind.purpose, None, Moment.HANDED_OVER)
    context = MessageContext(records, connection, caller_of(records, kept), seen, plugin, tenant)
    try:
        with connection.begin_nested():
            require_model(connection, records.model)
            with records.plugins.following(plugin, "message", "message", f"{kind.name}/ended"):
                ended(context, outcome)
    except Exception as error:
        _log.error("message_end_not_told", message=kept.id, kind=kind.name, exc_info=error)
