"""Which changes with an idempotency key are under way in this process, and how long answers are kept."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from xrm_core.records.idempotency import Repeatable, in_progress


@dataclass
class Repeats:
    """Of one database. Belongs to the event loop.

    Args:
        kept_for: how long after a change a repeat gets its answer.
    """

    kept_for: dt.timedelta = dt.timedelta(hours=24)
    _under_way: set[str] = field(default_factory=set, init=False)

    @contextmanager
    def alone(self, repeatable: Repeatable) -> Iterator[None]:
        """For the time of a change: its repeats need no thread to find out that they come too early.

        Raises:
            IdempotencyInProgress: it is one of them.
        """
        if repeatable.key_hash in self._under_way:
            raise in_progress()
        self._under_way.add(repeatable.key_hash)
        try:
            yield
        finally:
            self._under_way.discard(repeatable.key_hash)
