"""Statements that are made once and run many times: for SQLAlchemy, to make one takes longer than to run it."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from itertools import count
from threading import Lock
from typing import Any, TypeVar
from weakref import WeakSet

MOST = 2_000
"""Statements that are kept of one model; of more, those that were not used for the longest go."""

MOST_TOGETHER = 10_000
"""Statements that are kept of all models of a process; of more, those of the model that rests for the longest go."""

Made = TypeVar("Made")

_all: WeakSet["KeptStatements"] = WeakSet()
_all_lock = Lock()
_uses = count()


class KeptStatements:
    """What was made over the tables of one model, by keys that say all that it depends on. For any number of threads.

    Whoever makes a key puts its own word in front, and behind that all that makes a difference: the entity, the
    dialect, the permission shape.
    """

    def __init__(self) -> None:
        self._made: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = Lock()
        self._used = next(_uses)
        with _all_lock:
            _all.add(self)

    def __len__(self) -> int:
        return len(self._made)

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What is kept under a key; made, if there is nothing. Raises what ``make`` does; then nothing is kept."""
        self._used = next(_uses)
        try:  # each of the two is done by Python at once; another thread may take it away between them
            self._made.move_to_end(key)
            found: Made = self._made[key]
        except KeyError:
            pass
        else:
            return found
        made = make()  # without the lock: two may make the same, which does no harm
        with self._lock:
            self._made[key] = made
            if len(self._made) > MOST:
                self._made.popitem(last=False)
        _make_room()
        return made

    def _forget_oldest(self) -> None:
        with self._lock:
            if self._made:
                self._made.popitem(last=False)


def kept_together() -> int:
    """How many statements this process keeps, of all models."""
    with _all_lock:
        return sum(map(len, _all))


def _make_room() -> None:
    """Tenants have models of their own: what one of them has no use for at the moment must not fill the memory."""
    while True:
        with _all_lock:
            if sum(map(len, _all)) <= MOST_TOGETHER:
                return
            idle = min((each for each in _all if len(each)), key=lambda each: each._used)
        idle._forget_oldest()
