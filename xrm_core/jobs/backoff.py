"""How long a job waits after an attempt that failed: longer each time, and not as others that failed with it."""

import datetime as dt
import random

LONGEST = dt.timedelta(hours=1)


def wait_after(attempt: int, first: float, chance: float | None = None) -> dt.timedelta:
    """The wait after an attempt.

    Args:
        attempt: which one failed, from 1.
        first: seconds after the first, at most; twice as many after each further one, up to :data:`LONGEST`.
        chance: 0 to 1, where between half of that and all of it; None: by chance.
    """
    most = min(first * 2.0 ** min(attempt - 1, 30), LONGEST.total_seconds())
    drawn = random.random() if chance is None else chance  # noqa: S311 - no secret
    return dt.timedelta(seconds=most * (0.5 + drawn / 2))
