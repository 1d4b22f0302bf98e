"""A limit of time on many short works, in threads: one thread watches all. A timer for each costs more than most works.

The other one, :mod:`xrm_core.storage.late`, belongs to an event loop.
"""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager


class Deadlines:
    """Calls a function for each work that is still there when its time is over.

    The thread begins with the first work, and does not keep the process from ending.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ends: dict[object, tuple[float, Callable[[], None], float | None]] = {}
        self._wakes = float("inf")
        self._thread: threading.Thread | None = None

    def within(
        self, seconds: float, late: Callable[[], None], again: float | None = None
    ) -> AbstractContextManager[None]:
        """Do the work of the block; if it takes longer, ``late`` is called once, from another thread.

        ``again``: and every so many seconds once more, as what it stops may be between two steps at this moment.
        It is never called after the block, when what it would interrupt is somebody else's. It must not raise or wait.
        """
        return _Work(self, seconds, late, again)

    def begin(self, work: object, seconds: float, late: Callable[[], None], again: float | None) -> None:
        """Watch a work from now on."""
        end = time.monotonic() + seconds
        with self._changed:
            self._ends[work] = end, late, again
            if self._thread is None or not self._thread.is_alive():
                self._wakes = end
                self._thread = threading.Thread(target=self._watch, name="xrm-deadlines", daemon=True)
                self._thread.start()
            elif end < self._wakes:
                self._wakes = end
                self._changed.notify()

    def end(self, work: object) -> None:
        """Watch it no longer."""
        with self._changed:
            self._ends.pop(work, None)

    def _watch(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for work, (end, late, again) in list(self._ends.items()):
                    if end > now:
                        continue
                    if again is None:
                        del self._ends[work]
                    else:
                        self._ends[work] = now + again, late, again
                    late()
                if self._wakes <= now:  # else whoever comes next would have to wake us again
                    self._wakes = min((end for end, _, _ in self._ends.values()), default=float("inf"))
                self._changed.wait(None if self._wakes == float("inf") else max(self._wakes - now, 0))


class _Work:
    """By hand: most works are short, and a generator takes a part of their time."""

    __slots__ = ("_again", "_deadlines", "_late", "_seconds")

    def __init__(self, deadlines: Deadlines, seconds: float, late: Callable[[], None], again: float | None) -> None:
        self._deadlines = deadlines
        self._seconds = seconds
        self._late = late
        self._again = again

    def __enter__(self) -> None:
        self._deadlines.begin(self, self._seconds, self._late, self._again)

    def __exit__(self, *_error: object) -> None:
        self._deadlines.end(self)
