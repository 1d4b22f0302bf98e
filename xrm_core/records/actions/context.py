"""What the function of an action is given besides its record and its input."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from xrm_core.permissions.caller import Caller, System, system
from xrm_core.query.reads import Read
from xrm_core.records.asking import asks_of
from xrm_core.records.merging import led
from xrm_core.storage.counters import TAKEN_BACK

if TYPE_CHECKING:
    from xrm_core.records.door import Records

ACTION = "action"
"""Kind of the cause in the change log: everything that an action does has it, with the action's name."""


class ActionContext:
    """One run of an action, as its function sees it.

    Args:
        records: the door for records: ``create``, ``update``, ``delete`` …, each with a connection and a caller.
        connection: with the transaction of whoever asks.
        caller: who asks, and may do what they may do.
        name: of the action.

    ``caller`` writes with the rights of who asks. ``system`` writes whatever the action is for, also what its caller
    could not; that is named as the author all the same.
    """

    def __init__(self, records: "Records", connection: Connection, caller: Caller, name: str) -> None:
        self.records = records
        self.connection = connection
        self.caller = led(caller, (ACTION, name))
        self.name = name
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

    def query_as_system(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The same with all rights: what it answers is for the action to judge, not to be handed on."""
        return asks_of(self.records).ask(self.connection, self.system, document, variables).data

    @cached_property
    def system(self) -> System:
        """The platform, on behalf of the caller."""
        actor = self.caller.actor
        return system(self.records.model, f"action {self.name}", actor=actor, led_by=self.caller.causes)

    @property
    def is_dry_run(self) -> bool:
        """Whether all of it will be taken back: what is not in the transaction must not be done then."""
        return bool(self.connection.get_execution_options().get(TAKEN_BACK, False))
