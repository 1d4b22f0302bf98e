"""Connections that come to a server that is full: they take turns, and those that are let in get on.

An event loop does all that has arrived before it does anything else. Of two thousand clients that ask again as soon as
they are refused, all have always just arrived, so the loop would do nothing but refuse, and each query would wait for
all of them whenever its database has answered a little more.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter

SHARE = 0.15
"""Of the time; so much is for those who come to a full server. A refusal takes some 0.05 ms: that is 3 000 a second."""

_MOST_SAVED = 0.01
"""Seconds that are saved for them at most while nobody comes: the first need not wait for their share."""

_PAUSE = 0.001


class Crowd:
    """Those who wait for their turn to be let in, or refused: first come, first served. Of the event loop."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_called = False
        self._saved = _MOST_SAVED
        self._looked_at = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    def wait(self, come_in: Callable[[], None]) -> None:
        """Call this when it is its turn."""
        self._waiting.append(come_in)
        if not self._is_called:
            self._is_called = True
            asyncio.get_running_loop().call_soon(self._round)

    def _round(self) -> None:
        self._is_called = False
        now = perf_counter()
        self._saved = min(_MOST_SAVED, self._saved + (now - self._looked_at) * SHARE)
        self._looked_at = now
        try:
            while self._waiting and self._saved > 0:
                self._waiting.popleft()()
                before, now = now, perf_counter()
                self._saved -= now - before
        finally:
            if self._waiting:
                self._is_called = True
                asyncio.get_running_loop().call_later(_PAUSE, self._round)
