"""What gates and the functions of kinds of messages are given."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from xrm_core.messages.message import OutgoingMessage
from xrm_core.permissions.caller import Caller
from xrm_core.records.context import Context

if TYPE_CHECKING:
    from xrm_core.records.door import Records

MESSAGE = "message"
"""Kind of the cause in the change log: everything that is written for a message has it, with the kind."""


class MessageContext(Context):
    """A message in the transaction in which it is sent, or leaves: see :class:`~xrm_core.records.context.Context`.

    ``message`` is which, ``settings`` are those of the plugin whose function it is.
    """

    def __init__(
        self,
        records: "Records",
        connection: Connection,
        caller: Caller,
        message: OutgoingMessage,
        plugin: str,
        tenant: str | None,
    ) -> None:
        super().__init__(records, connection, caller, (MESSAGE, message.kind))
        self.message = message
        if tenant is not None:
            self.tenant = tenant
        self.settings: Any = records.plugins.settings_of(plugin)
