"""The log of reads, for users whom those see who administer accounts: it is the same data as that of their records."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from xrm_core.auth.sign_in import TIMEOUT
from xrm_core.auth.user_lists import NAMES
from xrm_core.metadata.model import ACTIVE, EMAIL, Entity
from xrm_core.permissions.caller import User
from xrm_core.query.reads import Read, is_logged
from xrm_core.records import read_log
from xrm_core.storage.engines import Database


@dataclass(frozen=True)
class UserReads:
    """Keeps who sees which users, if the entity ``user`` says that its reads are logged.

    Args:
        database: keeps it.
        users: the entity.
        gate: raises an XrmError if nothing may be written at the moment.
    """

    database: Database
    users: Entity
    gate: Callable[[], None]

    def keep(self, caller: User, address: str | None, ids: Sequence[str]) -> None:
        """Keep what is about to be answered: no log, no answer. Raises what the gate does."""
        if self._are_logged:
            self.gate()
            with self.database.begin(TIMEOUT) as connection:
                self.keep_along(connection, caller, address, ids)

    def keep_along(self, connection: Connection, caller: User, address: str | None, ids: Sequence[str]) -> None:
        """The same in the transaction of a change, whose answer it is."""
        if self._are_logged:
            read_log.write(connection, caller, address, [(Read(self.users.name, self._fields), ids)])

    @property
    def _fields(self) -> tuple[str, ...]:
        """All that the account of a user shows of the record, whichever of it was asked for."""
        shown = ("id", EMAIL, ACTIVE, *NAMES)
        return tuple(sorted(name for name in shown if self.users.field(name) is not None))

    @property
    def _are_logged(self) -> bool:
        return is_logged(self.users, set(self._fields))
