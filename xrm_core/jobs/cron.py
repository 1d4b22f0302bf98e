"""Cron expressions in a time zone → the ticks at which a schedule fires."""

import datetime as dt
from functools import cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_FIELDS = 5
_MOST = 10_000
_WINDOWS = (dt.timedelta(hours=1), dt.timedelta(days=1), dt.timedelta(days=32))


class CronInvalid(ValueError):
    """A cron expression or a time zone is none; the text says what is wrong with it."""


def check(cron: str, zone: str) -> None:
    """Raise :class:`CronInvalid` unless there is a tick of a cron expression in a time zone."""
    next_tick(cron, zone, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))


def next_tick(cron: str, zone: str, after: dt.datetime) -> dt.datetime:
    """The first tick after a moment, in UTC.

    Hours that a change to summer time skips are made up for: what would fire at 02:30 fires at 03:00. In hours that
    come twice, what names its hour fires once, the first time; what fires each hour (``0 * * * *``) fires in both.

    Args:
        cron: minute, hour, day of the month, month, day of the week, as cron of Debian reads them.
        zone: IANA name of a time zone.
        after: aware.

    Raises:
        CronInvalid: the expression or the zone is none, or there is no such day.
    """
    if len(cron.split()) != _FIELDS:
        raise CronInvalid(f"{cron!r} has not the five fields of a cron expression")
    try:
        ticks = CronSim(cron, after.astimezone(_zone(zone)))
        while True:
            tick = next(ticks).astimezone(dt.UTC)
            # Where an hour comes twice or not at all, the library may name a moment that was.
            if tick > after:
                return tick
    except (CronSimError, StopIteration, AssertionError, RuntimeError) as error:
        raise CronInvalid(f"{cron!r} is no cron expression, or names no day that comes") from error


def last_tick(cron: str, zone: str, first: dt.datetime, until: dt.datetime) -> dt.datetime:
    """The last tick up to a moment, of those from ``first`` on, which is one. Raises as :func:`next_tick`."""
    found = first
    for window in _WINDOWS:  # after a long time few of them are looked at
        tick = next_tick(cron, zone, until - window)
        if first < tick <= until:
            found = tick
            break
    for _ in range(_MOST):
        tick = next_tick(cron, zone, found)
        if tick > until:
            return found
        found = tick
    return last_tick(cron, zone, next_tick(cron, zone, until - dt.timedelta(days=1)), until)


@cache
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:  # no such zone; a folder of them; a path to elsewhere
        raise CronInvalid(f"{name!r} is no name of a time zone") from error
