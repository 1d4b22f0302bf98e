"""What functions of plugins are given that write in somebody else's transaction: actions, and what follows a write."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from xrm_core.errors import XrmError
from xrm_core.permissions.caller import Caller, System, led
from xrm_core.records import gone, looking, sealing
from xrm_core.records.asking import asks_of
from xrm_core.records.vault.looking import Vaulted, vaulted
from xrm_core.storage.counters import TAKEN_BACK
from xrm_core.storage.engines import tenant_of
from xrm_core.translation import language, speaking

if TYPE_CHECKING:
    from xrm_core.plugins import Plugins
    from xrm_core.records.door import Records
    from xrm_core.records.stored import Record


class Context:
    """A transaction, as a function of a plugin sees it.

    Args:
        records: the door for records: ``create``, ``update``, ``delete`` …, each with a connection and a caller.
        connection: with the transaction of whoever asks.
        caller: who asks, and may do what they may do.
        cause: kind and name of the function, for the change log.

    ``caller`` writes with the rights of who asks. ``system`` writes whatever the function is for, also what its caller
    could not; that is named as the author all the same.
    """

    def __init__(self, records: "Records", connection: Connection, caller: Caller, cause: tuple[str, str]) -> None:
        self.records = records
        self.connection = connection
        self.tenant = tenant_of(connection)
        """Its name; empty for the main database."""
        self.caller = led(caller, cause)
        self._cause = cause

    @cached_property
    def system(self) -> System:
        """The platform, on behalf of the caller."""
        kind, name = self._cause
        actor = self.caller.actor
        return System(self.records.full_access, f"{kind} {name}", actor=actor, led_by=self.caller.causes)

    @property
    def plugins(self) -> "Plugins":
        """Those that are loaded, for what asks them."""
        return self.records.plugins

    @property
    def is_dry_run(self) -> bool:
        """Whether all of it will be taken back: what is not in the transaction must not be done then."""
        return bool(self.connection.get_execution_options().get(TAKEN_BACK, False))

    def attempt(self, act: Callable[[], object], speak: str | None = None) -> XrmError | None:
        """Do something that may be refused: all of it stays, or nothing of it; what was done before stays in any case.

        For what follows something that must not be lost, whoever refuses what follows: a customer has said yes.

        Args:
            act: does it, with this context.
            speak: language in which a refusal is told, such as ``de``: that of whoever is to read it.

        Returns:
            Why it was not done; None: it was.

        Raises:
            XrmError: not a refusal, but trouble that passes, such as Busy; the whole transaction is to be tried again.
        """
        plugin = re.split(r"\W", self._cause[1], maxsplit=1)[0]
        try:
            with (
                speaking(speak or language()),
                self.connection.begin_nested(),
                self.records.plugins.following(plugin, self._cause[0]),
            ):
                act()
        except XrmError as error:
            if error.overtaken or error.http_status >= 500:
                raise
            return error
        return None

    def query_as_system(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What a GraphQL query for records answers to the platform, in this transaction: not to be handed on.

        Raises:
            BadQuery, QueryTooLarge: it asks for too much.
        """
        return asks_of(self.records).ask(self.connection, self.system, document, variables).data

    def read(self, entity: str, id_: str) -> "Record | None":
        """A record as it is stored now, whoever may see it; None: there is none. Computed fields are not in it."""
        return looking.read(self.records, self.connection, entity, id_)

    def hold(self, entity: str, id_: str) -> None:
        """Let nobody else change a record before the end, as far as there is one: what is read after it stays so.

        For what is reckoned of many records: whoever writes one of them holds the one that they belong to, reads, and
        writes the sum. Without that, two at a time do not see what the other has written.
        """
        looking.hold(self.records, self.connection, entity, id_)

    def find(self, entity: str, where: Mapping[str, Any], limit: int = 100, after: str = "") -> "list[Record]":
        """Records for which a filter holds, in the words of entity files, whoever may see them; the oldest first.

        Args:
            entity: of them.
            where: the filter.
            limit: at most so many.
            after: the id of the last one that is known already, to go on where that ended.

        Raises:
            BadQuery: the filter does not fit the entity.
        """
        return looking.find(self.records, self.connection, entity, where, limit, after)

    def in_clear(self, entity: str, record: "Record") -> "Record":
        """A record that was read, with its sealed values in clear, whoever may see them: for the function to judge.

        None stands where the key was destroyed.

        Raises:
            SealingUnavailable, SealedValueForeign: they cannot be opened.
        """
        return sealing.in_clear(self.records, self.connection, entity, record)

    def find_sealed_as_system(self, entity: str, field: str, text: str) -> list[str]:
        """Ids of records whose sealed field has a value, whoever may see them.

        Raises:
            FieldSealed: the field has no blind index.
            SealingUnavailable: there is no key store.
        """
        return sealing.find_equal(self.records, self.connection, self.system, entity, field, text)

    def deleted(self, entity: str, after: str = "", limit: int = 1_000) -> "list[Record]":
        """Records in the trash, whoever may see them, those that went along with others among them.

        Args:
            entity: of them.
            after: the id of the last one that is known already; they come in the order of their ids.
            limit: at most so many.
        """
        return looking.deleted(self.records, self.connection, entity, after, limit)

    def gone(self, entity: str, limit: int = 1_000, id_: str = "") -> "list[Record]":
        """Records that are gone for good, whoever may see them, as they were when they went, as far as the change log
        still has it: those that went last first. Of values that were erased there, and of computed ones, nothing is
        told. All of the log is looked through, unless it is one record.

        Args:
            entity: of them.
            limit: at most so many.
            id_: of the only one that is asked for.

        Raises:
            SealingUnavailable: values are closed in the log, and there is no key store.
        """
        return gone.last_states(self.records, self.connection, entity, limit, id_)

    def set_aside(self) -> frozenset[str]:
        """Entities of which something is in the trash or in the vault: of others nobody need ask for it."""
        return looking.set_aside(self.records, self.connection)

    def kept_aside(self) -> frozenset[str]:
        """Entities of which values lie in the vault that are not searched: found by the ids of their records alone."""
        return looking.kept_aside(self.records, self.connection)

    def merged(self, entity: str, id_: str) -> list[str]:
        """Ids of the records that are one with a record by merges, whoever may see them: the one that is there now, and
        those that became part of it, in the trash or gone for good by now.
        """
        return looking.same_by_merges(self.records, self.connection, entity, id_)

    def vaulted(self, entity: str, ids: Iterable[str] | None = None) -> list[Vaulted]:
        """What lies in the vault of an entity, whoever may open it: for the function to judge.

        Args:
            entity: its name.
            ids: of records; without them all but what is kept there without being searched.

        Raises:
            SealingUnavailable: it cannot be opened.
        """
        return vaulted(self.records, self.connection, entity, ids)
