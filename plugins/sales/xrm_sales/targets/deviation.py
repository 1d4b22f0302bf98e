"""How far what was reached lies from what was to be, and from the year before; with the rights of who asks."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

from xrm_core.api import QueryContext, QueryField, Refuse
from xrm_sales.moments import today
from xrm_sales.orders.terms import months_later
from xrm_sales.periods import Period, span
from xrm_sales.pricing.rounding import two_digits
from xrm_sales.targets.goals import MOST, PARTS, Target, targets_of


class Metric(Enum):
    """What is measured."""

    REVENUE = "revenue"
    WON_OPPORTUNITIES = "won_opportunities"
    VISITS = "visits"


@dataclass
class DeviationInput:
    """Months from the first to the last, of targets that begin in them, and what is measured."""

    from_month: date | None = None
    months: int = 1
    metric: Metric = Metric.REVENUE


@dataclass
class Deviation:
    """One target of one month, quarter or year, and what was reached: of whom, of what. ``month`` is the first one.

    ``deviation`` is what is above the target; ``before`` what was reached in the same time of the year before. What
    is above that comes of more sales (``by_volume``) or of larger ones (``by_size``); of revenue only.
    """

    month: date
    period: Period
    currency: str | None
    user: str | None
    team: str | None
    product: str | None
    region: str | None
    target: Decimal
    reached: Decimal
    deviation: Decimal
    deviation_percent: Decimal | None
    before: Decimal
    by_volume: Decimal | None = None
    by_size: Decimal | None = None


@dataclass
class Deviations:
    """All of them, by month; those of quotas among them."""

    lines: list[Deviation] = field(default_factory=list)


@dataclass(frozen=True)
class _Reached:
    value: Decimal = Decimal(0)
    count: int = 0


_GROUPS = {
    "user": ("owner", "{owner: {id: VALUE}}", "owner { id }"),
    "team": ("team", "{team: {id: VALUE}}", "team { id }"),
    "product": ("product", "{product: {id: VALUE}}", "product { id }"),
    "region": ("region", "{region: VALUE}", "region"),
}
"""Of each part of a target: the field, how groups are made by it, and how that is read."""


def deviation(context: QueryContext, given: DeviationInput) -> Deviations:
    """Hold it against the targets.

    Raises:
        Refuse: too many months, months beyond the calendar, or more than can be held against each other at once.
    """
    if not 1 <= given.months <= 24:
        raise Refuse({"en": "1 to 24 months.", "de": "1 bis 24 Monate."}, field="months")
    first = (given.from_month or date.fromisoformat(today())).replace(day=1)
    try:
        until = months_later(first, given.months)
        for within in (-12, given.months + 12):  # the year before is looked at, and a year's target goes on
            months_later(first, within)
    except ValueError:
        text = {"en": "There are no such months.", "de": "Diese Monate gibt es nicht."}
        raise Refuse(text, field="from_month") from None
    days = {"from": first.isoformat(), "to": until.isoformat()}
    alike: dict[tuple[str, tuple[str, ...]], list[Target]] = defaultdict(list)
    for target in targets_of(context, given.metric.value, days):
        alike[target.goal.period, tuple(target.parts)].append(target)
    found = Deviations()
    for (period, parts), targets in alike.items():
        times = _times(period, targets)
        now, then = (_reached(context, given.metric, period, parts, each) for each in times)
        found.lines += [_line(given.metric, target, now, then) for target in targets]
    found.lines.sort(key=lambda each: (each.month, *(getattr(each, name) or "" for name in (*PARTS, "currency"))))
    return found


def query_field() -> QueryField:
    """``salesDeviation``."""
    about = {"en": "What was reached, beside what was to be.", "de": "Erreichtes neben den Zielen."}
    limits = {"cost": 5_000, "seconds": 10}
    return QueryField(
        "sales.deviation", deviation, input=DeviationInput, answers=Deviations, description=about, **limits
    )


def _times(period: str, targets: list[Target]) -> tuple[dict[str, str], dict[str, str]]:
    """The days of all their periods, and those of the year before."""
    firsts = [each.goal.first for each in targets]
    first = date.fromisoformat(min(firsts))
    until = months_later(date.fromisoformat(span(max(firsts), period).last).replace(day=1), 1)
    now, then = (
        {"from": months_later(first, back).isoformat(), "to": months_later(until, back).isoformat()}
        for back in (0, -12)
    )
    return now, then


def _reached(
    context: QueryContext, metric: Metric, period: str, parts: tuple[str, ...], days: dict[str, str]
) -> dict[tuple[str | None, ...], _Reached]:
    """By first day, currency and parts."""
    if metric is Metric.VISITS and set(parts) - {"user"}:
        text = {"en": "Visits have targets of persons only.", "de": "Ziele für Besuche gibt es nur für Personen."}
        raise Refuse(text, field="metric")
    when, document = _document(metric, period, parts)
    groups = context.query(document, days)["groups"]
    if len(groups) >= MOST:
        raise Refuse(
            {"en": "Too much at once: ask for fewer months.", "de": "Zu viel: weniger Monate."}, field="months"
        )
    found = {}
    for each in groups:
        key = each["key"]
        ids = [(value["id"] if isinstance(value := key[_GROUPS[name][0]], dict) else value) for name in parts]
        value = Decimal(each["sum"]["amount"] or 0) if metric is Metric.REVENUE else Decimal(each["count"])
        currency = key["currency"] if metric is Metric.REVENUE else None
        found[key[when], currency, *ids] = _Reached(value, each["count"])
    return found


def _document(metric: Metric, period: str, parts: tuple[str, ...]) -> tuple[str, str]:
    """The day that counts, and the query."""
    keys, shown = [_GROUPS[name][1] for name in parts], [_GROUPS[name][2] for name in parts]
    if metric is Metric.VISITS:
        when, entity, where = "madeOn", "visits", "status: {eq: done}, madeOn: {gte: $from, lt: $to}"
    else:
        when, entity, where = "closedOn", "opportunities", "status: {eq: won}, closedOn: {gte: $from, lt: $to}"
    money = metric is Metric.REVENUE
    group = ", ".join([f"{{{when}: {period.upper()}}}", *(["{currency: VALUE}"] if money else []), *keys])
    names = " ".join([when, *(["currency"] if money else []), *shown])
    figures = "count sum { amount }" if money else "count"
    return (
        when,
        f"""
query ($from: Date!, $to: Date!) {{
  groups: {entity}Aggregate(where: {{{where}}}, groupBy: [{group}], first: {MOST}) {{ key {{ {names} }} {figures} }}
}}""",
    )


def _line(metric: Metric, target: Target, now: dict[Any, _Reached], then: dict[Any, _Reached]) -> Deviation:
    ids, wanted = target.parts.values(), target.goal.value
    year_before = months_later(target.month, -12)
    reached = now.get((target.goal.first, target.currency, *ids), _Reached())
    before = then.get((year_before.isoformat(), target.currency, *ids), _Reached())
    off = reached.value - wanted
    line = Deviation(
        month=target.month,
        period=Period(target.goal.period),
        currency=target.currency,
        user=target.parts.get("user"),
        team=target.parts.get("team"),
        product=target.parts.get("product"),
        region=target.parts.get("region"),
        target=wanted,
        reached=reached.value,
        deviation=off,
        deviation_percent=two_digits(off / wanted * 100) if wanted else None,
        before=before.value,
    )
    if metric is Metric.REVENUE and before.count:
        usual = before.value / before.count
        line.by_volume = two_digits((reached.count - before.count) * usual)
        line.by_size = reached.value - before.value - line.by_volume
    return line
