"""When the period of a Löschklasse ends. No I/O in here.

A period begins with its start event, or with the end of that calendar year (§ 257(5) HGB, § 147(4) AO). The day of the
event does not count (§ 187(1) BGB), so what begins on 14 March ends with another 14 March; a month that is too short
ends with its last day (§ 188(3) BGB).
"""

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import MAXYEAR, date, timedelta

from xrm_dsgvo.registers import RetentionClass

_NEVER = date.max


@dataclass(frozen=True, slots=True)
class Suspension:
    """Something that keeps periods from ending, such as a tax assessment that is not final.

    ``until`` is its last day; None: nobody knows it yet. A period that would end before goes on to that day
    (§ 147(3) AO): days are not added. ``tax``: of classes of which tax law wants it alone.
    """

    until: date | None = None
    tax: bool = False

    def lasts(self, day: date) -> bool:
        """Whether it has not ended before a day."""
        return self.until is None or self.until >= day


def end_of(class_: RetentionClass, start: date, suspensions: Iterable[Suspension] = ()) -> date | None:
    """The last day on which something is kept; None: a suspension is open."""
    begin = date(start.year, 12, 31) if class_.end_of_year else start
    end = _later(begin, class_.period.months, class_.period.days)
    for each in suspensions:
        if each.tax and not class_.tax:
            continue
        if each.until is None:
            return None
        end = max(end, each.until)
    return end


def _later(day: date, months: int, days: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    if year > MAXYEAR:
        return _NEVER
    moved = date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
    return moved + timedelta(days=days) if days <= (_NEVER - moved).days else _NEVER
