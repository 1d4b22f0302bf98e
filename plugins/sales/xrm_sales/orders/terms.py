"""When a contract ends, until when notice can be given, and how it goes on: whole months, the last day counts."""

from calendar import monthrange
from datetime import date, timedelta


def months_later(day: date, months: int) -> date:
    """The day so many months later; the last one of a month that is shorter. May be negative."""
    place = day.year * 12 + day.month - 1 + months
    year, month = divmod(place, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def last_day(starts_on: date, months: int) -> date:
    """The last day of a term: that before the one on which the next begins."""
    return months_later(starts_on, months) - timedelta(days=1)


def notice_by(ends_on: date, notice_months: int) -> date:
    """The last day on which notice ends it with that term."""
    return months_later(ends_on + timedelta(days=1), -notice_months) - timedelta(days=1)


def renewed(ends_on: date, renewal_months: int) -> date:
    """The last day of the next term."""
    return last_day(ends_on + timedelta(days=1), renewal_months)
