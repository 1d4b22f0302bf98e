"""Shows that a run goes on while its handler works, and hears whether it shall stop. A thread of its own."""

import threading
import time
from collections import deque
from collections.abc import Callable

from xrm_core.jobs import queue
from xrm_core.jobs.place import TIMEOUT, Place
from xrm_core.jobs.queue import Claimed

_TICK_SECONDS = 1.0
"""How soon progress is shown to others, and a handler hears of being cancelled, at most."""

_BEATS, _TRUST = 1 / 3, 0.8
"""Parts of the length of a lease: how often a run beats, and how long after the last beat it is surely its own."""


class Heart:
    """The heart of one run.

    Args:
        place: the tenant.
        run: which.
        lease_seconds: after so long without a beat others take the job.
        clock: seconds that only go forward.
    """

    def __init__(
        self, place: Place, run: Claimed, lease_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._place = place
        self._run = run
        self._lease = lease_seconds
        self._clock = clock
        self._beaten = clock()
        self._over = threading.Event()
        self._progress: deque[tuple[int, str | None]] = deque(maxlen=1)
        self._gone = False
        self.cancelled = False
        self._thread = threading.Thread(target=self._beat, name="xrm-job-heart", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def stop(self) -> None:
        """Beat no more; waits for a beat under way, which would be taken for that of a dead run."""
        self._over.set()
        self._thread.join(TIMEOUT)

    @property
    def lost(self) -> bool:
        """Whether others have taken the job, or may have by now."""
        return self._gone or self._clock() - self._beaten > self._lease * _TRUST

    def progress(self, percent: int, message: str | None) -> None:
        """What the next beat tells."""
        self._progress.append((percent, message))

    def take_progress(self) -> tuple[int, str | None] | None:
        """What is not told yet, for whoever tells it now."""
        try:
            return self._progress.pop()
        except IndexError:
            return None

    def beaten(self, answer: bool | None) -> None:
        """Somebody has beaten for it; ``answer`` is that of :func:`~xrm_core.jobs.queue.beat`."""
        if answer is None:
            self._gone = True
        else:
            self._beaten = self._clock()
            self.cancelled = self.cancelled or answer

    def _beat(self) -> None:
        while not self._over.wait(min(_TICK_SECONDS, self._lease * _BEATS / 2)) and not self._gone:
            told = self.take_progress()
            try:
                if told is None and self._clock() - self._beaten < self._lease * _BEATS:
                    with self._place.database.read(TIMEOUT) as connection:
                        found = queue.look(connection, self._run)
                    self._gone = self._gone or found is None
                    self.cancelled = self.cancelled or bool(found)
                else:
                    with self._place.database.begin(TIMEOUT) as connection:
                        found = queue.beat(connection, self._run, told)
                    self.beaten(found)
            except Exception:
                # The database does not answer, or others hold it: :attr:`lost` says how long that may go on.
                if told is not None and not self._progress:
                    self._progress.append(told)
