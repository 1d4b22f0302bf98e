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
from xrm_sales.pricing.rounding import two_digits

MOST = 1_000


class Metric(Enum):
    """What is measured."""

    REVENUE = "revenue"
    WON_OPPORTUNITIES = "won_opportunities"
    VISITS = "visits"


@dataclass
class DeviationInput:
    """Months from the first to the last, and what is measured."""

    from_month: date | None = None
    months: int = 1
    metric: Metric = Metric.REVENUE


@dataclass
class Deviation:
    """One target of one month, and what was reached: of whom, of what.

    ``deviation`` is what is above the target; ``before`` what was reached in the same month of the year before. What
    is above that comes of more sales (``by_volume``) or of larger ones (``by_size``); of revenue only.
    """

    month: date
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


_PARTS = {"user": ("owner", "{owner: {id: VALUE}}", "owner { id }")}
_PARTS |= {name: (name, f"{{{name}: {{id: VALUE}}}}", f"{name} {{ id }}") for name in ("team", "product")}
_PARTS |= {"region": ("region", "{region: VALUE}", "region")}
_TARGETS = """
query ($metric: SalesTargetMetric!, $from: Date!, $to: Date!) {
  salesTargets(where: {metric: {eq: $metric}, month: {gte: $from, lt: $to}}, orderBy: [{id: ASC}], first: 1000) {
    nodes { month value currency user { id } team { id } product { id } region }
  }
}"""
_QUOTAS = """
query ($from: Date!, $to: Date!) {
  quotas(where: {month: {gte: $from, lt: $to}}, orderBy: [{id: ASC}], first: 1000) {
    nodes { month amount currency user { id } }
  }
}"""


def deviation(context: QueryContext, given: DeviationInput) -> Deviations:
    """Hold it against the targets.

    Raises:
        Refuse: too many months, months beyond the calendar, or more than can be held against each other at once.
    """
    if not 1 <= given.months <= 24:
        raise Refuse({"en": "1 to 24 months.", "de": "1 bis 24 Monate."}, field="months")
    first = (given.from_month or date.fromisoformat(today())).replace(day=1)
    try:
        until, before = months_later(first, given.months), months_later(first, -12)
    except ValueError:
        text = {"en": "There are no such months.", "de": "Diese Monate gibt es nicht."}
        raise Refuse(text, field="from_month") from None
    span = {"from": first.isoformat(), "to": until.isoformat()}
    earlier = {"from": before.isoformat(), "to": months_later(until, -12).isoformat()}
    by_parts: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for target in _targets(context, given.metric, span):
        by_parts[tuple(name for name in _PARTS if target[name] is not None)].append(target)
    found = Deviations()
    for parts, targets in by_parts.items():
        now, then = (_reached(context, given.metric, parts, each) for each in (span, earlier))
        found.lines += [_line(given.metric, parts, target, now, then) for target in targets]
    found.lines.sort(key=lambda each: (each.month, *(getattr(each, name) or "" for name in (*_PARTS, "currency"))))
    return found


def query_field() -> QueryField:
    """``salesDeviation``."""
    about = {"en": "What was reached, beside what was to be.", "de": "Erreichtes neben den Zielen."}
    limits = {"cost": 5_000, "seconds": 10}
    return QueryField(
        "sales.deviation", deviation, input=DeviationInput, answers=Deviations, description=about, **limits
    )


def _targets(context: QueryContext, metric: Metric, span: dict[str, str]) -> list[dict[str, Any]]:
    """Targets, and quotas, which are targets of somebody's revenue."""
    nodes = context.query(_TARGETS, {"metric": metric.value, **span})["salesTargets"]["nodes"]
    more = context.query(_QUOTAS, span)["quotas"]["nodes"] if metric is Metric.REVENUE else []
    if max(len(nodes), len(more)) >= MOST:
        raise Refuse(
            {"en": "Too much at once: ask for fewer months.", "de": "Zu viel: weniger Monate."}, field="months"
        )
    found = [
        {
            **{name: (each[name] or {}).get("id") for name in ("user", "team", "product")},
            "region": each["region"],
            "month": _month(each["month"]),
            "currency": each["currency"] if metric is Metric.REVENUE else None,
            "value": Decimal(each["value"]),
        }
        for each in nodes
    ]
    for each in more:
        user = (each["user"] or {}).get("id")
        own = {"user": user, "month": _month(each["month"]), "currency": each["currency"]}
        found.append({**dict.fromkeys(_PARTS), **own, "value": Decimal(each["amount"])})
    return found


def _reached(
    context: QueryContext, metric: Metric, parts: tuple[str, ...], span: dict[str, str]
) -> dict[tuple[str | None, ...], _Reached]:
    """By month, currency and parts."""
    if metric is Metric.VISITS and set(parts) - {"user"}:
        text = {"en": "Visits have targets of persons only.", "de": "Ziele für Besuche gibt es nur für Personen."}
        raise Refuse(text, field="metric")
    when, document = _document(metric, parts)
    groups = context.query(document, span)["groups"]
    if len(groups) >= MOST:
        raise Refuse(
            {"en": "Too much at once: ask for fewer months.", "de": "Zu viel: weniger Monate."}, field="months"
        )
    found = {}
    for each in groups:
        key = each["key"]
        ids = [(value["id"] if isinstance(value := key[_PARTS[name][0]], dict) else value) for name in parts]
        value = Decimal(each["sum"]["amount"] or 0) if metric is Metric.REVENUE else Decimal(each["count"])
        currency = key["currency"] if metric is Metric.REVENUE else None
        found[key[when], currency, *ids] = _Reached(value, each["count"])
    return found


def _document(metric: Metric, parts: tuple[str, ...]) -> tuple[str, str]:
    """The day that counts, and the query."""
    keys, shown = [_PARTS[name][1] for name in parts], [_PARTS[name][2] for name in parts]
    if metric is Metric.VISITS:
        when, entity, where = "madeOn", "visits", "status: {eq: done}, madeOn: {gte: $from, lt: $to}"
    else:
        when, entity, where = "closedOn", "opportunities", "status: {eq: won}, closedOn: {gte: $from, lt: $to}"
    money = metric is Metric.REVENUE
    group = ", ".join([f"{{{when}: MONTH}}", *(["{currency: VALUE}"] if money else []), *keys])
    names = " ".join([when, *(["currency"] if money else []), *shown])
    figures = "count sum { amount }" if money else "count"
    return (
        when,
        f"""
query ($from: Date!, $to: Date!) {{
  groups: {entity}Aggregate(where: {{{where}}}, groupBy: [{group}], first: {MOST}) {{ key {{ {names} }} {figures} }}
}}""",
    )


def _line(
    metric: Metric, parts: tuple[str, ...], target: dict[str, Any], now: dict[Any, _Reached], then: dict[Any, _Reached]
) -> Deviation:
    ids = [target[name] for name in parts]
    month = target["month"]
    year_before = months_later(month, -12)
    reached = now.get((month.isoformat(), target["currency"], *ids), _Reached())
    before = then.get((year_before.isoformat(), target["currency"], *ids), _Reached())
    off = reached.value - target["value"]
    line = Deviation(
        month=month,
        currency=target["currency"],
        user=target["user"],
        team=target["team"],
        product=target["product"],
        region=target["region"],
        target=target["value"],
        reached=reached.value,
        deviation=off,
        deviation_percent=two_digits(off / target["value"] * 100) if target["value"] else None,
        before=before.value,
    )
    if metric is Metric.REVENUE and before.count:
        usual = before.value / before.count
        line.by_volume = two_digits((reached.count - before.count) * usual)
        line.by_size = reached.value - before.value - line.by_volume
    return line


def _month(day: str) -> date:
    return date.fromisoformat(day).replace(day=1)
