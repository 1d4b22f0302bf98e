"""A clock that tests can set. Until one does, it goes as usual."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import Connection

from xrm_core.jobs import clock


class Clock:
    """What time it is in this process. It stands still from the moment when a test sets it.

    All that asks Python for the time follows: the platform, plugins, tests. So do jobs, schedules and readers on
    PostgreSQL, which otherwise go by the database's clock. What cannot follow is what SQL itself asks for the time,
    other processes, pauses and limits of time, and the ids of records, which are made of the real time.
    """

    def __init__(self) -> None:
        self._travel: Any = None
        self._there: Any = None
        self._patch = pytest.MonkeyPatch()

    def now(self) -> dt.datetime:
        """The time, in UTC."""
        return dt.datetime.now(dt.UTC)

    def set(self, moment: dt.datetime | str) -> None:
        """Let it be a moment from now on.

        Args:
            moment: with an offset: ``dt.datetime(…, tzinfo=dt.UTC)`` or ``"2026-03-01T09:00+01:00"``.

        Raises:
            ValueError: it has none, and a guess would be another one on another machine.
        """
        found = dt.datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        if found.tzinfo is None:
            raise ValueError(f"{moment!r} has no offset from UTC; write «Z» or «+01:00» at its end.")
        found = found.astimezone(dt.UTC)  # of a named zone, that of the process would be changed, too
        if self._travel is None:
            time_machine = _time_machine()
            self._travel = time_machine.travel(found, tick=False)
            self._there = self._travel.start()
            self._patch.setattr(clock, "now", self._of_database)
        else:
            self._there.move_to(found)

    def advance(self, **by: float) -> None:
        """Let some time go by: ``advance(days=1, hours=2)``, words as of :class:`datetime.timedelta`."""
        self.set(self.now() + dt.timedelta(**by))

    def release(self) -> None:
        """Let it go as usual again; the fixture does that at the end of the test."""
        if self._travel is not None:
            self._travel.stop()
            self._travel = None
        self._patch.undo()

    def _of_database(self, _connection: Connection) -> dt.datetime:
        return self.now()


def _time_machine() -> Any:
    """Only tests that set the clock need it."""
    try:
        import time_machine
    except ImportError as error:
        raise ImportError("To set the clock, tests need time-machine: pip install 'xrm-platform[testing]'.") from error
    return time_machine
