"""What the function of an action is given besides its record and its input."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from xrm_core.permissions.caller import Caller
from xrm_core.query.reads import Read
from xrm_core.records.asking import asks_of
from xrm_core.records.context import Context
from xrm_core.records.showing import Showing

if TYPE_CHECKING:
    from xrm_core.records.door import Records

ACTION = "action"
"""Kind of the cause in the change log: everything that an action does has it, with the action's name."""


class ActionContext(Context, Showing):
    """One run of an action, as its function sees it: see :class:`~xrm_core.records.context.Context`.

    ``caller`` is who asks, ``name`` is the action's.
    """

    def __init__(self, records: "Records", connection: Connection, caller: Caller, name: str) -> None:
        super().__init__(records, connection, caller, (ACTION, name))
        self.name = name
        self.settings = records.plugins.settings_of(name.partition(".")[0])
        """Of the plugin: an object of the dataclass that it has registered; None: it has none."""
        self.reads: list[tuple[Read, Any]] = []
        """What was shown to the caller of entities whose reads are logged."""

    def query(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What a GraphQL query for records answers to the caller, out of the transaction under way: its ``data``.

        Raises:
            Forbidden: the caller may not see something that it asks for.
            BadQuery, QueryTooLarge: it asks for too much.
        """
        asked = asks_of(self.records).ask(self.connection, self.caller, document, variables)
        self.reads.extend(asked.reads)
        return asked.data
