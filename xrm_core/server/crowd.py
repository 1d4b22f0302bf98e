"""Connections that come to a server that has enough to do: they wait for their turn, and those that are let in get on.

An event loop does all that has arrived before it does anything else. Of two thousand clients that ask at once, all have
just arrived: if each became a request under way, or were refused, there would be no time left for an answer.

One that waits here costs a few bytes. So as long as there is enough under way to keep the server busy, all others wait;
further ones are let in, or refused, in a small part of the time.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter

ENOUGH = 48
"""Requests under way that keep a server busy: more of them wait for the same connections and the same processor, and
each that does is one more that has no room in its caches."""

PATIENCE = 1.0
"""Seconds after which who waits is better told to come again."""

SHARE = 0.08
"""Of the time; so much is for those who come while enough is under way: to be let in nevertheless, since what is under
way may only wait, too, or to be refused. Each takes some 0.04 ms: that is 2 000 a second."""

_MOST_SAVED = 0.01
"""Seconds that are saved for them at most while nobody comes: the first need not wait for their share. Nor does anybody
wait longer for time that was taken by something else while it was their turn."""

_PAUSE = 0.001

ComeIn = Callable[[bool], None]
"""Is called at its turn; with True if it has waited for so long that it is to be refused."""


class Crowd:
    """Those who wait for their turn to be let in, or refused: first come, first served. Of the event loop.

    Args:
        has_enough: whether enough is under way.
    """

    def __init__(self, has_enough: Callable[[], bool]) -> None:
        self._has_enough = has_enough
        self._waiting: deque[tuple[float, ComeIn]] = deque()
        self._is_called = False
        self._saved = _MOST_SAVED
        self._looked_at = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    def wait(self, come_in: ComeIn) -> None:
        """Call this when it is its turn."""
        self._waiting.append((perf_counter(), come_in))
        if not self._is_called:
            self._is_called = True
            asyncio.get_running_loop().call_soon(self._round)

    def _round(self) -> None:
        self._is_called = False
        waiting, now = self._waiting, perf_counter()
        self._saved = min(_MOST_SAVED, self._saved + (now - self._looked_at) * SHARE)
        self._looked_at = now
        try:
            # No more than is enough: some are answered on the spot, and there is more to do than that.
            for _ in range(ENOUGH):
                if not waiting or self._has_enough():
                    break
                waiting.popleft()[1](False)
            now = perf_counter()
            while waiting and self._saved > 0:
                since, come_in = waiting.popleft()
                come_in(now - since > PATIENCE)
                before, now = now, perf_counter()
                self._saved = max(self._saved - (now - before), -_MOST_SAVED)
        finally:
            if waiting:
                self._is_called = True
                asyncio.get_running_loop().call_later(_PAUSE, self._round)
