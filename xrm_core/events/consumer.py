"""What a reader is for: something that is given the entries of the change log, one after the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from sqlalchemy import Connection

from xrm_core.changes.reading import LoggedChange
from xrm_core.jobs.place import Place

Note = Callable[[Connection], None]
"""What is written in the transaction in which the reader moves on. It does nothing that a rollback does not undo."""

Delivery = Callable[[int], Note]
"""What is to be done outside of a transaction for an entry that was looked at already; of the attempt, from 1."""


@dataclass(frozen=True)
class Patience:
    """Attempts before an entry is dead, and seconds after the first failure, at most; then twice as many each time."""

    attempts: int = 8
    first_seconds: float = 5.0


class EntryFailed(Exception):
    """An entry could not be delivered, for a reason that whoever runs the platform may see.

    Args:
        code: in capitals.
        seconds: until the next attempt; None: as the consumer's patience says.
        final: no other attempt would help.
    """

    def __init__(self, code: str, seconds: float | None = None, *, final: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.seconds = seconds
        self.final = final


class ReaderWaits(Exception):
    """Nothing can be delivered at the moment: the entry stays where it is, and the whole reader waits.

    Args:
        code: why, in capitals.
        seconds: how long; None: longer each time.
    """

    def __init__(self, code: str, seconds: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.seconds = seconds


class Consumer(Protocol):
    """Gets entries of one tenant, those of each record in their order, each at least once."""

    @property
    def name(self) -> str:
        """Of its reader."""

    @property
    def patience(self) -> Patience:
        """How often it is asked again."""

    def wants(self, entry: LoggedChange) -> bool:
        """Whether an entry is for it at all. It asks no database."""

    def deliver(self, place: Place, entry: LoggedChange, attempt: int) -> Note:
        """Do what is to be done outside of a transaction; the answer is done in the one in which the reader moves on.

        Args:
            place: the tenant.
            entry: which.
            attempt: from 1.

        Raises:
            EntryFailed, ReaderWaits: see there. Any other exception, here or in the answer, is an entry that failed.
        """


@runtime_checkable
class Parallel(Consumer, Protocol):
    """A consumer that takes entries of several records at a time, those of each still one after the other."""

    @property
    def lanes(self) -> int:
        """How many at a time."""

    def prepare(self, place: Place, entries: Sequence[LoggedChange]) -> Sequence[Delivery]:
        """What there is to do for each of some entries, found out for all of them together.

        Args:
            place: the tenant.
            entries: which.

        Raises:
            ReaderWaits: nothing can be delivered at the moment. Any other exception is taken for that, too.
        """
