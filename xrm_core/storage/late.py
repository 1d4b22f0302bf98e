"""What takes longer than usual: one timer for many short works, most of which end before it has anything to do."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

Work = TypeVar("Work")


class Late(Generic[Work]):
    """Calls a function with each work that is still there when its time is over. A timer for each would cost more.

    Args:
        seconds: that each work has.
        call: is called once with it, in the event loop; must not raise.
    """

    def __init__(self, seconds: float, call: Callable[[Work], None]) -> None:
        self._seconds = seconds
        self._call = call
        self._ends: dict[Work, float] = {}  # in the order in which they end, since all have the same time
        self._timer: asyncio.TimerHandle | None = None

    def add(self, work: Work) -> None:
        """From now on; to be given back by :meth:`remove`, whatever happens."""
        loop = asyncio.get_running_loop()
        self._ends[work] = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._tick)

    def remove(self, work: Work) -> None:
        """It has ended."""
        self._ends.pop(work, None)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        late = [work for work, end in self._ends.items() if end <= now]
        for work in late:
            del self._ends[work]
            self._call(work)
        first = next(iter(self._ends.values()), None)
        self._timer = None if first is None else loop.call_at(first, self._tick)
