"""The forecast: what is won, and what is expected of open opportunities, with the rights of who asks."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from xrm_core.api import QueryContext, QueryField, Refuse
from xrm_sales.forecast import marks
from xrm_sales.forecast.marks import Place, Wanted
from xrm_sales.forecast.parts import By, document, ids_of, labels
from xrm_sales.moments import today
from xrm_sales.orders.terms import months_later
from xrm_sales.periods import Period, span
from xrm_sales.pricing.rounding import two_digits


@dataclass
class ForecastInput:
    """Months from the first to the last, for each month, quarter or year; by what else, together. Nothing: as a whole.

    A quarter or a year that has one of the months is there as a whole.
    """

    from_month: date | None = None
    months: int = 3
    period: Period = Period.MONTH
    by: list[By] = field(default_factory=list)


@dataclass
class ForecastPart:
    """What a line is of: an owner, a team, a product or a region, or none of them (``id`` is empty)."""

    by: By
    id: str | None
    label: str | None


@dataclass
class ForecastLine:
    """One month of its parts, in one currency, or one quarter or year; ``month`` is its first one. Amounts are net.

    ``id`` and ``label`` are those of its part, where it is by one thing. ``weighted`` is what is won, and the open
    amounts times their probability; ``adjusted`` what a manager expects in place of it; ``attainment`` what is won, in
    per cent of the quota.
    """

    month: date
    currency: str
    id: str | None = None
    label: str | None = None
    parts: list[ForecastPart] = field(default_factory=list)
    closed: Decimal = Decimal(0)
    commit: Decimal = Decimal(0)
    best_case: Decimal = Decimal(0)
    pipeline: Decimal = Decimal(0)
    weighted: Decimal = Decimal(0)
    opportunities: int = 0
    adjusted: Decimal | None = None
    adjustment_reason: str | None = None
    quota: Decimal | None = None
    attainment: Decimal | None = None


@dataclass
class Forecast:
    """All of it, by month, quarter or year."""

    lines: list[ForecastLine] = field(default_factory=list)


class _Lines(defaultdict[Place, ForecastLine]):
    """Each begins with nothing."""

    def __missing__(self, place: Place) -> ForecastLine:
        self[place] = line = ForecastLine(date.fromisoformat(place[0]), place[1])
        return line


_MOST = 1_000
"""Groups of a query: with so many, there may be more."""


def forecast(context: QueryContext, given: ForecastInput) -> Forecast:
    """Add it up.

    Raises:
        Refuse: too many months, months beyond the calendar, or more lines than can be added up at once.
    """
    if not 1 <= given.months <= 36:
        raise Refuse({"en": "1 to 36 months.", "de": "1 bis 36 Monate."}, field="months")
    begin, kind = (given.from_month or date.fromisoformat(today())).replace(day=1), given.period.value
    try:
        last = months_later(begin, given.months - 1).isoformat()
        first = date.fromisoformat(span(begin.isoformat(), kind).first)
        until = months_later(date.fromisoformat(span(last, kind).last).replace(day=1), 1)
    except ValueError:  # after the year 9999
        raise Refuse(
            {"en": "There are no such months.", "de": "Diese Monate gibt es nicht."}, field="from_month"
        ) from None
    by, lines = list(dict.fromkeys(given.by)), _Lines()
    _add_up(context, lines, by, document(by, given.period), first, until)
    _mark(context, lines, by, Wanted(kind, first.isoformat(), until.isoformat()))
    _name(context, lines, by)
    order = sorted(lines, key=lambda place: (*place[:2], [id_ or "" for id_ in place[2]]))
    return Forecast([lines[place] for place in order])


def query_field() -> QueryField:
    """``salesForecast``."""
    about = {"en": "What is won and expected, by time.", "de": "Was gewonnen ist und erwartet wird, nach Zeit."}
    limits = {"cost": 2_000, "seconds": 15}
    return QueryField("sales.forecast", forecast, input=ForecastInput, answers=Forecast, description=about, **limits)


def _add_up(context: QueryContext, lines: _Lines, by: Sequence[By], text: str, first: date, until: date) -> None:
    """All groups; where there are more than an answer has, they are asked for by halves of the days.

    Raises:
        Refuse: there are more of a single day.
    """
    context.check()
    found = context.query(text, {"from": first.isoformat(), "to": until.isoformat()})
    if any(len(groups) >= _MOST for groups in found.values()):
        days = (until - first).days
        if days == 1:
            message = {
                "en": "Too much: there are too many parts of one day.",
                "de": "Zu viel: zu viele Teile eines Tages.",
            }
            raise Refuse(message, field="by")
        half = first + timedelta(days=days // 2)
        _add_up(context, lines, by, text, first, half)
        _add_up(context, lines, by, text, half, until)
        return
    for each in found["won"]:
        line, amount = lines[_place(by, each["key"], "closedOn")], _sum(each, "amount")
        line.closed += amount
        line.weighted += amount
        line.opportunities += each["count"]
    for each in found["open"]:
        line, amount = lines[_place(by, each["key"], "closeOn")], _sum(each, "amount")
        category = each["key"]["forecastCategory"]
        if category in ("commit", "best_case", "pipeline"):
            setattr(line, category, getattr(line, category) + amount)
        line.weighted += _sum(each, "expectedRevenue")
        line.opportunities += each["count"]


def _place(by: Sequence[By], key: dict[str, Any], when: str) -> Place:
    return key[when], key["currency"], ids_of(by, key)


def _sum(group: dict[str, Any], name: str) -> Decimal:
    return Decimal(group["sum"][name] or 0)  # None: not one of them has an amount yet


def _mark(context: QueryContext, lines: _Lines, by: Sequence[By], wanted: Wanted) -> None:
    """Quotas and adjustments that the caller may see, also of parts of which nothing is expected."""
    for place, quota in marks.quotas(context, by, wanted).items():
        line = lines[place]
        line.quota = quota
        if quota:
            line.attainment = two_digits(line.closed / quota * 100)
    for place, (amount, reason) in marks.adjustments(context, by, wanted).items():
        lines[place].adjusted, lines[place].adjustment_reason = amount, reason


def _name(context: QueryContext, lines: _Lines, by: Sequence[By]) -> None:
    names = labels(context, by, [ids for _, _, ids in lines])
    for (_, _, ids), line in lines.items():
        line.parts = [
            ForecastPart(part, id_, named.get(id_ or "")) for part, id_, named in zip(by, ids, names, strict=True)
        ]
        if len(by) == 1:
            line.id, line.label = line.parts[0].id, line.parts[0].label
