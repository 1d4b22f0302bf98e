"""Until when a request is answered: Article 12(3), reckoned by Regulation 1182/71. No I/O in here.

The day of receipt does not count; a period of months ends on the same date of its last month, or on the last day of
that, and if that is a Saturday, a Sunday or a public holiday, with the next working day.
"""

from calendar import monthrange
from collections.abc import Container
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import holidays

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Deadline:
    """Of one request.

    Args:
        internal: the same date of the next month, whatever day it is: who works by it is never late.
        legal: the last day of the month that Article 12(3) gives.
        extended: the last day, if the person was told within that month why it takes longer.
    """

    internal: date
    legal: date
    extended: date


def deadline_of(received: date, free: Container[date]) -> Deadline:
    """The days of a request.

    Args:
        received: the day on which it came in, by whatever way, where the controller is.
        free: the public holidays there.
    """
    month = months_after(received, 1)
    return Deadline(month, working_day(month, free), working_day(months_after(received, 3), free))


def months_after(day: date, months: int) -> date:
    """The same date of a later month, or its last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def working_day(day: date, free: Container[date]) -> date:
    """The day, or the next one that is neither of a weekend nor free."""
    while day.weekday() >= _SATURDAY or day in free:
        day += timedelta(days=1)
    return day


@lru_cache(maxsize=8)
def free_days(place: str) -> Container[date]:
    """The public holidays of a country, ``DE``, or of a part of it, ``DE-BY``.

    Raises:
        ValueError: nobody knows those of it.
    """
    country, _, part = place.partition("-")
    try:
        return holidays.country_holidays(country, subdiv=part or None)
    except NotImplementedError:
        raise ValueError(
            f"no public holidays are known of {place!r}; name a country or a part of it: DE, DE-BY"
        ) from None
