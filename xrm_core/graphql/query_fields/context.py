"""What the function of a query field is given besides its input."""

import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from xrm_core.errors import QueryTooLarge, Timeout
from xrm_core.metadata.model import Model
from xrm_core.permissions.caller import Caller as Caller_
from xrm_core.permissions.caller import System, User
from xrm_core.plugins import Plugins
from xrm_core.records import gone, looking, sealing
from xrm_core.records.asking import asks_of
from xrm_core.records.proving import key_ages, proved
from xrm_core.records.vault.looking import Vaulted, vaulted
from xrm_core.translation import say

if TYPE_CHECKING:
    from xrm_core.changes.verifying import Verified
    from xrm_core.graphql.query_fields.query_field import QueryField
    from xrm_core.query.reads import Read
    from xrm_core.records.door import Records
    from xrm_core.records.stored import Record
    from xrm_core.sealed.box import Opened
    from xrm_core.sealed.key_store import KeyAges


class QueryContext:
    """One run of a query field, as its function sees it.

    It has no connection: whatever it asks goes by :meth:`query`, with the rights of the caller, or by
    :meth:`query_as_system`, which says so. All of it reads one snapshot, that of the rest of the document.

    Args:
        records: know what answers documents.
        connection: with the snapshot.
        caller: who asks, and sees what they may see.
        field: that is run.
        tenant: its name; empty for the main database.
        most: points that all of its documents together may cost.
    """

    def __init__(
        self, records: "Records", connection: Connection, caller: User, field: "QueryField", tenant: str, most: int
    ) -> None:
        self._records = records
        self._connection = connection
        self._left = most
        self._until = time.monotonic() + field.seconds
        self._seconds = field.seconds
        self.caller = caller
        self.name = field.name
        self.tenant = tenant
        self.settings = records.plugins.settings_of(field.name.partition(".")[0])
        """Of the plugin: an object of the dataclass that it has registered; None: it has none."""
        self.reads: list[tuple[Read, Any]] = []
        """What was shown of entities whose reads are logged."""

    @property
    def plugins(self) -> Plugins:
        """Those that are loaded, for what asks them."""
        return self._records.plugins

    @property
    def model(self) -> Model:
        """What the entity files of the tenant say."""
        return self._records.model

    def query(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What a GraphQL query for records answers to the caller: its ``data``.

        Args:
            document: the text; the same text each time, and what differs in variables, is planned once.
            variables: their values.

        Raises:
            Forbidden: the caller may not see something that it asks for.
            BadCursor, BadQuery, QueryTooLarge: it asks for too much.
            Timeout: the time of the field is over.
        """
        return self._ask(self.caller, document, variables)

    def query_as_system(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The same with all rights: what it answers is for the function to judge, not to be handed on."""
        return self._ask(self._system, document, variables)

    def read(self, entity: str, id_: str) -> "Record | None":
        """A record as it is stored, whoever may see it; None: there is none. For the function to judge, as with
        :meth:`query_as_system`: it costs one point.
        """
        self.check()
        self._spend(1)
        return looking.read(self._records, self._connection, entity, id_)

    def find(self, entity: str, where: Mapping[str, Any], limit: int = 100, after: str = "") -> "list[Record]":
        """Records for which a filter holds, in the words of entity files, whoever may see them; the oldest first.

        Each costs one point, and the look itself one. ``after`` is the id of the last one that is known already.

        Raises:
            BadQuery: the filter does not fit the entity.
        """
        self.check()
        found = looking.find(self._records, self._connection, entity, where, limit, after)
        self._spend(1 + len(found))
        return found

    def deleted(self, entity: str, after: str = "", limit: int = 1_000) -> "list[Record]":
        """Records in the trash, as actions look at them; costs as :meth:`find`."""
        self.check()
        found = looking.deleted(self._records, self._connection, entity, after, limit)
        self._spend(1 + len(found))
        return found

    def gone(self, entity: str, limit: int = 1_000, id_: str = "") -> "list[Record]":
        """Records that are gone for good, as actions look at them; costs as :meth:`find`."""
        self.check()
        found = gone.last_states(self._records, self._connection, entity, limit, id_)
        self._spend(1 + len(found))
        return found

    def set_aside(self) -> frozenset[str]:
        """Entities of which something is in the trash or in the vault, as actions ask for them; costs one point."""
        self.check()
        self._spend(1)
        return looking.set_aside(self._records, self._connection)

    def kept_aside(self) -> frozenset[str]:
        """Entities of which values are kept in the vault, as actions ask for them; costs one point."""
        self.check()
        self._spend(1)
        return looking.kept_aside(self._records, self._connection)

    def merged(self, entity: str, id_: str) -> list[str]:
        """Records that are one with a record by merges, as actions ask for them; costs one point."""
        self.check()
        self._spend(1)
        return looking.same_by_merges(self._records, self._connection, entity, id_)

    def vaulted(self, entity: str, ids: Iterable[str] | None = None) -> list[Vaulted]:
        """What lies in the vault of an entity, as actions look at it; costs as :meth:`find`."""
        self.check()
        found = vaulted(self._records, self._connection, entity, ids)
        self._spend(1 + len(found))
        return found

    def open_sealed(self, entity: str, id_: str, fields: Sequence[str] = ()) -> "Mapping[str, Opened]":
        """Sealed values of a record in clear, field by field, if the caller may open them; that they were is logged.

        Without names all that the caller may open. Each costs ten points.

        Raises:
            Forbidden, NotFound: the caller may not.
            SealingUnavailable, SealedValueForeign: they cannot be opened.
        """
        self.check()
        found, reads = sealing.open_values(
            self._records, self._connection, self.caller, entity, id_, fields, logs=False
        )
        self._spend(10 * len(found))
        self.reads.extend(reads)
        return found

    def find_sealed(self, entity: str, field: str, text: str) -> list[str]:
        """Ids of records whose sealed field has a value, of those that the caller may open; ten points each.

        Raises:
            Forbidden, SealingUnavailable: as above.
            FieldSealed: the field has no blind index.
        """
        self.check()
        found = sealing.find_equal(self._records, self._connection, self.caller, entity, field, text)
        self._spend(10 * len(found))
        return found

    def in_clear(self, entity: str, record: "Record") -> "Record":
        """A record that was read, with its sealed values in clear, as actions have it; costs a point."""
        self.check()
        found = sealing.in_clear(self._records, self._connection, entity, record)
        self._spend(int(found is not record))
        return found

    def find_sealed_as_system(self, entity: str, field: str, text: str) -> list[str]:
        """As :meth:`find_sealed` for whoever: for the function to judge."""
        self.check()
        found = sealing.find_equal(self._records, self._connection, self._system, entity, field, text)
        self._spend(1 + len(found))
        return found

    def verify_changes(self, expected: str | None = None, unsigned_to: int = 0) -> "Verified":
        """Whether the change log is what was written: all of it is read. See ``verify_changes`` for jobs.

        Raises:
            SettingsError: ``expected`` is no head.
            Timeout: the time of the field is over.
        """
        return proved(self._records, self._connection, expected, unsigned_to, self.check)

    def key_ages(self) -> "KeyAges":
        """How many keys of sealed values there are, since when the oldest, and how many were destroyed.

        Raises:
            SealingUnavailable: the key store cannot be read.
        """
        self.check()
        self._spend(1)
        return key_ages(self._records, self._connection)

    def check(self) -> None:
        """Between two steps of a long calculation: raises Timeout if the time of the field is over."""
        if time.monotonic() > self._until:
            raise Timeout(
                say("{field} took longer than {seconds:g} s.", field=self.name, seconds=self._seconds),
                hint=say("Ask for less at a time."),
            )

    @cached_property
    def _system(self) -> System:
        return System(self._records.full_access, f"query {self.name}", actor=self.caller.actor)

    def _ask(self, caller: Caller_, document: str, variables: Mapping[str, Any] | None) -> dict[str, Any]:
        self.check()
        asked = asks_of(self._records).ask(self._connection, caller, document, variables)
        self._spend(asked.cost)
        self.reads.extend(asked.reads if caller is self.caller else ())
        return asked.data

    def _spend(self, points: int) -> None:
        self._left -= points
        if self._left < 0:
            raise QueryTooLarge(
                say("{field} asks for more than you may spend at a time.", field=self.name),
                hint=say("Ask for less at a time."),
            )
