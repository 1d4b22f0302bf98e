"""How messages end: it is noted, and the kind and all plugins are told of it in the same transaction."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection

from xrm_core.messages import outbox
from xrm_core.messages.context import MessageContext
from xrm_core.messages.message import MessageOutcome, MessageState, Moment
from xrm_core.messages.outbox import Kept
from xrm_core.messages.registry import registered_messages
from xrm_core.permissions.caller import System, system
from xrm_core.storage.applied import require_model

if TYPE_CHECKING:
    from xrm_core.records.door import Records

ENDED = "after_message_end"

_log = structlog.get_logger(__name__)


def end(
    records: "Records", connection: Connection, tenant: str | None, kept: Kept, state: MessageState, reason: str | None
) -> MessageOutcome:
    """Note the end of a message, and tell its kind, and all plugins."""
    outcome = MessageOutcome(state, reason, outbox.end(connection, kept.id, state, reason))
    kind, plugins = registered_messages(records.plugins).kinds.get(kept.message.kind), records.plugins
    seen = kept.outgoing("" if kind is None else kind.purpose, None, Moment.HANDED_OVER)

    def within(plugin: str) -> MessageContext:
        return MessageContext(records, connection, caller_of(records, kept), seen, plugin, tenant)

    if kind is not None and (ended := kind.ended) is not None:
        plugin = kind.name.partition(".")[0]
        with_kind = (plugin, "message", "message", f"{kind.name}/ended")
        _tell(records, connection, kept, with_kind, lambda: ended(within(plugin), outcome))
    for hook in plugins.hooks(ENDED):
        said = {"message": seen, "outcome": outcome, "context": within(hook.plugin_name)}
        _tell(records, connection, kept, (hook.plugin_name, "message"), partial(plugins.tell, hook, said))
    return outcome


def caller_of(records: "Records", kept: Kept) -> System:
    """The platform, on behalf of who has a message sent."""
    return system(records.model, f"message {kept.message.kind}", actor=kept.owner)


def _tell(
    records: "Records",
    connection: Connection,
    kept: Kept,
    around: tuple[str, ...],
    act: Callable[[], object],
) -> None:
    """What a plugin makes of it, which is ``around[0]``; that it fails does not make the end of the message unknown."""
    try:
        with connection.begin_nested():
            require_model(connection, records.model)
            with records.plugins.following(*around):
                act()
    except Exception as error:
        _log.error("message_end_not_told", message=kept.id, kind=kept.message.kind, plugin=around[0], exc_info=error)
