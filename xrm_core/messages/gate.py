"""Asking the plugins whether a message may go."""

from dataclasses import dataclass

from sqlalchemy import Connection

from xrm_core.errors import XrmError
from xrm_core.messages.context import MessageContext
from xrm_core.messages.message import MessageAllowed, MessageRefusal, OutgoingMessage
from xrm_core.permissions.caller import Caller
from xrm_core.plugins import Plugins
from xrm_core.records.door import Records
from xrm_core.translation import chosen, say

GATE = "before_message_send"


class MessageRefused(XrmError):
    """A message may not be sent; ``details.reason`` is the code, ``details.plugin`` the plugin that refused it."""

    code = "MESSAGE_REFUSED"
    http_status = 422


NO_ADDRESS = MessageRefusal("NO_ADDRESS", "There is no address to which the message could go.")


@dataclass(frozen=True)
class Gates:
    """What the gates have said: the first refusal with the plugin that gives it (empty: the platform), or None; and
    where who gets the message says that they want no more; whether they may be watched.
    """

    refusal: tuple[str, MessageRefusal] | None
    unsubscribe: str | None = None
    tracking: bool = False


def asked(
    records: Records, connection: Connection, caller: Caller, message: OutgoingMessage, tenant: str | None
) -> Gates:
    """Ask the gates of all plugins; the first that says where to unsubscribe counts.

    Raises:
        RefusedByPlugin: a gate has failed, so that nobody knows.
    """
    if not message.address:
        return Gates(("", NO_ADDRESS))
    unsubscribe, tracking = None, False
    for hook in records.plugins.hooks(GATE):
        context = MessageContext(records, connection, caller, message, hook.plugin_name, tenant)
        with records.plugins.following(hook.plugin_name, "message"):
            answer = records.plugins.answer(hook, {"message": message, "context": context})
            if answer is not None and not isinstance(answer, MessageRefusal | MessageAllowed):
                raise TypeError(
                    f"{GATE} returns a MessageRefusal, a MessageAllowed or None, not {type(answer).__name__}"
                )
        if isinstance(answer, MessageRefusal):
            return Gates((hook.plugin_name, answer))
        if answer is not None:
            unsubscribe, tracking = unsubscribe or answer.unsubscribe, tracking or answer.tracking
    return Gates(None, unsubscribe, tracking)


def refused(plugins: Plugins, plugin: str, found: MessageRefusal) -> MessageRefused:
    """The error for whoever wants to send it."""
    details = {"reason": found.code, **({"plugin": plugin} if plugin else {})}
    text = found.reason if isinstance(found.reason, str) else chosen(found.reason)
    if plugin:
        return MessageRefused(plugins.say(plugin, text, {}), details=details)
    return MessageRefused(say("There is no address to which the message could go."), details=details)
