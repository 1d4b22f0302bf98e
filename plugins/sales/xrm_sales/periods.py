"""Months, quarters and years: when they begin, and what is to be reached in them."""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from xrm_core.api import RecordChange


class Period(Enum):
    """How long it is for which something is expected or is to be reached."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_SHORTER = {"year": "quarter", "quarter": "month"}


@dataclass(frozen=True, slots=True)
class Span:
    """Days from the first to the last."""

    first: str
    last: str


def span(day: str, kind: str) -> Span:
    """The month, quarter or year of a day."""
    given, months = date.fromisoformat(day), _MONTHS[kind]
    begin = date(given.year, (given.month - 1) // months * months + 1, 1)
    last = begin.month + months - 1
    return Span(begin.isoformat(), date(begin.year, last, monthrange(begin.year, last)[1]).isoformat())


@dataclass(frozen=True, slots=True)
class Goal:
    """What is to be reached in the period that begins on a day."""

    period: str
    first: str
    value: Decimal


def goal_of(record: Mapping[str, Any], value: str) -> Goal:
    """What a quota or a target says. Those from before there were periods are of a month."""
    period = record.get("period") or "month"
    return Goal(period, span(record["month"], period).first, Decimal(str(record[value])))


def goal_in(goals: Iterable[Goal], kind: str, first: str) -> Decimal | None:
    """What is to be reached in the period that begins on this day: what is said of it, else what is said of the
    shorter ones within it, together; None: nothing is. That of a longer one is not divided.
    """
    said = list(goals)
    of_it = [each.value for each in said if (each.period, each.first) == (kind, first)]
    if of_it or kind == "month":
        return sum(of_it, Decimal(0)) if of_it else None
    parts = (
        goal_in(said, _SHORTER[kind], begin) for begin in beginnings(first, span(first, kind).last, _SHORTER[kind])
    )
    known = [each for each in parts if each is not None]
    return sum(known, Decimal(0)) if known else None


def beginnings(first: str, last: str, kind: str) -> list[str]:
    """The first days of the periods from that of one day to that of another."""
    found = [span(first, kind)]
    while found[-1].last < last:
        found.append(span((date.fromisoformat(found[-1].last) + timedelta(days=1)).isoformat(), kind))
    return [each.first for each in found]


def begin_of(change: RecordChange) -> Mapping[str, Any]:
    """The month of a record that is for a period is the first day of that: so there is one for each."""
    record = change.after
    if not record.get("month"):
        return {}
    first = span(record["month"], record.get("period") or "month").first
    return {} if first == record["month"] else {"month": first}
