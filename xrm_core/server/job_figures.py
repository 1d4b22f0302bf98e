"""Figures of jobs: how many wait, and for how long. They are looked up now and then, not when figures are asked for."""

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator

from sqlalchemy import func, select

from xrm_core.errors import XrmError
from xrm_core.jobs.job import State
from xrm_core.server.metrics import Gauge, Sample
from xrm_core.server.site import Site
from xrm_core.storage.engines import Database
from xrm_core.storage.job_tables import JOB

COUNT_SECONDS = 15.0
_TIMEOUT = 5.0
_SHOWN = (State.PENDING, State.RUNNING, State.DEAD)

Found = tuple[Counter[str], dt.datetime | None]
"""Jobs by state, and since when the oldest of those that are due waits."""


class JobFigures:
    """Of all databases that are served, as they were at the last look.

    Args:
        clock: says what time it is.
    """

    def __init__(self, clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)) -> None:
        self._clock = clock
        self._found: dict[str, Found] = {}
        self._looking: dict[str, Found] = {}

    async def look(self, site: Site) -> None:
        """Look at a site; one that does not answer is left out."""
        try:
            self._looking[site.name] = await asyncio.to_thread(look_at, site.database, self._clock())
        except XrmError:
            self._looking.pop(site.name, None)

    def keep(self, found: dict[str, Found]) -> None:
        """Tell this from now on, by the name of a database."""
        self._found = found

    def looked(self) -> None:
        """All sites that are open were looked at."""
        self._found, self._looking = self._looking, {}

    def gauges(self) -> list[Gauge]:
        """What is told of them."""
        return [
            Gauge("jobs", "Jobs that wait, are done at this moment, or are dead.", ("state",), self._by_state),
            Gauge("jobs_late_seconds", "Seconds for which the oldest job has been due.", (), self._late),
        ]

    def _by_state(self) -> Iterator[Sample]:
        total: Counter[str] = Counter({state.value: 0 for state in _SHOWN})
        for counts, _ in self._found.values():
            total.update(counts)
        return (((state,), number) for state, number in total.items())

    def _late(self) -> Iterator[Sample]:
        now = self._clock()
        yield (), max([(now - since).total_seconds() for _, since in self._found.values() if since], default=0.0)


def look_at(database: Database, now: dt.datetime) -> Found:
    """The jobs of a database. Raises XrmError: it does not answer."""
    by_state = select(JOB.c.state, func.count()).where(JOB.c.state.in_(_SHOWN)).group_by(JOB.c.state)
    oldest = select(JOB.c.due_at).where(JOB.c.state == State.PENDING, JOB.c.due_at <= now)
    with database.read(_TIMEOUT) as connection:
        counts = Counter({str(state): int(number) for state, number in connection.execute(by_state)})
        since = connection.scalar(oldest.order_by(JOB.c.due_at).limit(1))
    return counts, None if since is None else dt.datetime.fromisoformat(since)
