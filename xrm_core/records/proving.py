"""Whether the change log is what was written, and how old keys are: what plugins show of the platform."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Connection

from xrm_core.changes.keys import ChainKeys
from xrm_core.changes.verifying import Verified, verify
from xrm_core.sealed.key_store import KeyAges
from xrm_core.storage.sealed_tables import mark_of

if TYPE_CHECKING:
    from xrm_core.records.door import Records


class _Reading(Protocol):
    records: "Records"

    @property
    def connection(self) -> Connection: ...


def verify_changes(
    context: _Reading,
    expected: str | None = None,
    unsigned_to: int = 0,
    between: Callable[[], object] = lambda: None,
) -> Verified:
    """Check the whole change log, as ``xrm log verify`` does. It reads all of it: for a job at night, or for who asks.

    Args:
        context: of an action, of what follows a write, of a command, or ``job.within(connection)``.
        expected: a ``head`` of former times that must still be in the chain.
        unsigned_to: number of the last batch that was sealed before there was a key.
        between: called after each batch; what it raises ends the check.

    Raises:
        SettingsError: ``expected`` is no head.
    """
    return proved(context.records, context.connection, expected, unsigned_to, between)


def proved(
    records: "Records",
    connection: Connection,
    expected: str | None,
    unsigned_to: int,
    between: Callable[[], object],
) -> Verified:
    """The same of a door and a connection."""
    keys = ChainKeys("" if records.key_store is None else records.key_store.secret)
    return verify(connection, keys, expected, unsigned_to, between)


def key_ages(records: "Records", connection: Connection) -> KeyAges:
    """How many keys of sealed values there are, and how old; none: nothing was ever sealed here."""
    mark = mark_of(connection)
    return KeyAges() if mark is None or records.key_store is None else records.key_store.ages(mark)
