"""Finds runs whose worker has died, without trusting any clock.

A moment at which a lease ends means something else to each machine, and to the same one after its clock was set: a job
of a dead worker would wait for as long as the clock went back, one of a living worker would run twice if it went
forward. So nobody writes such a moment. Whoever looks remembers how far each run had counted, and when it saw that by
its own clock that only goes forward; a run that has not counted on for the length of a lease is dead.
"""

import time
from collections.abc import Callable, Mapping

Run = tuple[str, str]
"""Job and lease."""


class Watch:
    """What one worker has seen of the runs of one tenant.

    Args:
        seconds: how long a run may show no sign of life.
        clock: seconds that only go forward.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._seen: dict[Run, tuple[int, float]] = {}
        self._looked = clock()

    def stale(self, runs: Mapping[Run, int]) -> list[tuple[str, str, int]]:
        """Those of the runs under way that are dead, with the number at which they stand still."""
        moment = self._clock()
        if moment - self._looked >= self._seconds:
            self._seen.clear()  # this process itself stood still, and with it, maybe, the others
        self._looked = moment
        self._seen = {
            run: seen if (seen := self._seen.get(run)) is not None and seen[0] == beat else (beat, moment)
            for run, beat in runs.items()
        }
        return [(*run, beat) for run, (beat, since) in self._seen.items() if moment - since >= self._seconds]
