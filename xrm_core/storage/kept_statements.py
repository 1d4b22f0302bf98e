"""Statements that are made once and run many times: for SQLAlchemy, to make one takes longer than to run it."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

MOST = 2_000
"""Statements that are kept; of more, those that were not used for the longest go."""

Made = TypeVar("Made")


class KeptStatements:
    """What was made over the tables of one model, by keys that say all that it depends on. For any number of threads.

    Whoever makes a key puts its own word in front, and behind that all that makes a difference: the entity, the
    dialect, the permission shape.
    """

    def __init__(self) -> None:
        self._made: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What is kept under a key; made, if there is nothing. Raises what ``make`` does; then nothing is kept."""
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                found: Made = self._made[key]
                return found
        made = make()  # without the lock: two may make the same, which does no harm
        with self._lock:
            self._made[key] = made
            if len(self._made) > MOST:
                self._made.popitem(last=False)
        return made
