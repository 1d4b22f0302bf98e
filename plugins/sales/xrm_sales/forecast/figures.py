"""The forecast: what is won, and what is expected of open opportunities, with the rights of who asks."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

from xrm_core.api import QueryContext, QueryField, Refuse
from xrm_sales.moments import today
from xrm_sales.orders.terms import months_later


class By(Enum):
    """What the forecast is parted by, beside the month and the currency."""

    TOTAL = "total"
    OWNER = "owner"
    TEAM = "team"
    PRODUCT = "product"
    REGION = "region"


@dataclass
class ForecastInput:
    """Months from the first to the last; by what else."""

    from_month: date | None = None
    months: int = 3
    by: By = By.TOTAL


@dataclass
class ForecastLine:
    """One month of one part, in one currency. Amounts are net.

    ``weighted`` is what is won, and the open amounts times their probability; ``adjusted`` what a manager expects in
    place of it; ``attainment`` what is won, in per cent of the quota.
    """

    month: date
    currency: str
    id: str | None
    label: str | None
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
    """All of it, by month."""

    lines: list[ForecastLine] = field(default_factory=list)


_PARTS = {
    By.TOTAL: ("", ""),
    By.OWNER: ("{owner: {id: VALUE}}", "owner { id }"),
    By.TEAM: ("{team: {id: VALUE}}", "team { id }"),
    By.PRODUCT: ("{product: {id: VALUE}}", "product { id }"),
    By.REGION: ("{region: VALUE}", "region"),
}
_MOST = 1_000
"""Groups of a query: with so many, there may be more."""
_LABELS = {
    By.OWNER: """
query ($ids: [ID!]!) { users(where: {id: {in: $ids}}, first: 1000) { nodes { id firstName lastName } } }""",
    By.TEAM: "query ($ids: [ID!]!) { teams(where: {id: {in: $ids}}, first: 1000) { nodes { id name } } }",
    By.PRODUCT: "query ($ids: [ID!]!) { products(where: {id: {in: $ids}}, first: 1000) { nodes { id name } } }",
}
_MARKS = """
query ($from: Date!, $to: Date!) {
  quotas(where: {month: {gte: $from, lt: $to}}, first: 1000) { nodes { user { id } month amount currency } }
  forecastAdjustments(where: {month: {gte: $from, lt: $to}}, first: 1000) {
    nodes { user { id } month amount currency reason }
  }
}"""


def document(by: By) -> str:
    """The query of both: what is won by the day it was closed, what is open by the day it is expected."""
    group, key = _PARTS[by]
    return f"""
query ($from: Date!, $to: Date!) {{
  won: opportunitiesAggregate(
    where: {{status: {{eq: won}}, closedOn: {{gte: $from, lt: $to}}}}
    groupBy: [{{closedOn: MONTH}}, {{currency: VALUE}}, {group}], first: 1000
  ) {{ key {{ closedOn currency {key} }} count sum {{ amount }} }}
  open: opportunitiesAggregate(
    where: {{status: {{eq: open}}, closeOn: {{gte: $from, lt: $to}}, forecastCategory: {{ne: omitted}}}}
    groupBy: [{{closeOn: MONTH}}, {{currency: VALUE}}, {{forecastCategory: VALUE}}, {group}], first: 1000
  ) {{ key {{ closeOn currency forecastCategory {key} }} count sum {{ amount expectedRevenue }} }}
}}""".replace(", ]", "]")


def forecast(context: QueryContext, given: ForecastInput) -> Forecast:
    """Add it up.

    Raises:
        Refuse: too many months, months beyond the calendar, or more lines than can be added up at once.
    """
    if not 1 <= given.months <= 36:
        raise Refuse({"en": "1 to 36 months.", "de": "1 bis 36 Monate."}, field="months")
    first = (given.from_month or date.fromisoformat(today())).replace(day=1)
    try:
        span = {"from": first.isoformat(), "to": months_later(first, given.months).isoformat()}
    except ValueError:  # after the year 9999
        raise Refuse(
            {"en": "There are no such months.", "de": "Diese Monate gibt es nicht."}, field="from_month"
        ) from None
    found = _figures(context, document(given.by), first, given.months)
    lines: dict[tuple[str, str, str | None], ForecastLine] = {}
    for each in found["won"]:
        line = _line(lines, given.by, each["key"], "closedOn")
        amount = _sum(each, "amount")
        line.closed += amount
        line.weighted += amount
        line.opportunities += each["count"]
    for each in found["open"]:
        line = _line(lines, given.by, each["key"], "closeOn")
        category, amount = each["key"]["forecastCategory"], _sum(each, "amount")
        if category in ("commit", "best_case", "pipeline"):
            setattr(line, category, getattr(line, category) + amount)
        line.weighted += _sum(each, "expectedRevenue")
        line.opportunities += each["count"]
    if given.by is By.OWNER:
        _mark(context, lines, span)
    _name(context, given.by, lines)
    return Forecast([lines[key] for key in sorted(lines, key=lambda key: (key[0], key[1], key[2] or ""))])


def _figures(context: QueryContext, text: str, first: date, months: int) -> dict[str, list[dict[str, Any]]]:
    """All groups; where there are more than an answer has, they are asked for by halves of the months.

    Raises:
        Refuse: there are more of a single month.
    """
    span = {"from": first.isoformat(), "to": months_later(first, months).isoformat()}
    found: dict[str, list[dict[str, Any]]] = context.query(text, span)
    if all(len(groups) < _MOST for groups in found.values()):
        return found
    if months == 1:
        text_ = {
            "en": "Too much: there are too many parts of one month.",
            "de": "Zu viel: zu viele Teile eines Monats.",
        }
        raise Refuse(text_, field="by")
    half = months // 2
    parts = [(first, half), (months_later(first, half), months - half)]
    halves = [_figures(context, text, *part) for part in parts]
    return {name: [group for each in halves for group in each[name]] for name in found}


def query_field() -> QueryField:
    """``salesForecast``."""
    about = {"en": "What is won and expected, by month.", "de": "Was gewonnen ist und erwartet wird, nach Monaten."}
    return QueryField("sales.forecast", forecast, input=ForecastInput, answers=Forecast, cost=2_000, description=about)


def _sum(group: dict[str, Any], name: str) -> Decimal:
    return Decimal(group["sum"][name] or 0)  # None: not one of them has an amount yet


def _line(lines: dict[Any, ForecastLine], by: By, key: dict[str, Any], when: str) -> ForecastLine:
    part = key.get(by.value) if by is not By.TOTAL else None
    id_ = part["id"] if isinstance(part, dict) else part
    place = key[when], key["currency"], id_
    return lines.setdefault(place, ForecastLine(date.fromisoformat(key[when]), key["currency"], id_, None))


def _mark(context: QueryContext, lines: dict[Any, ForecastLine], span: dict[str, str]) -> None:
    """Quotas and adjustments that the caller may see, also of those of whom nothing is expected."""
    marks = context.query(_MARKS, span)
    for each in marks["quotas"]["nodes"]:
        if line := _of(lines, each):
            line.quota = Decimal(each["amount"])
            if line.quota:
                line.attainment = round(line.closed / line.quota * 100, 2)
    for each in marks["forecastAdjustments"]["nodes"]:
        if line := _of(lines, each):
            line.adjusted, line.adjustment_reason = Decimal(each["amount"]), each["reason"]


def _of(lines: dict[Any, ForecastLine], each: dict[str, Any]) -> ForecastLine | None:
    if each["user"] is None:
        return None
    month = date.fromisoformat(each["month"]).replace(day=1)
    place = month.isoformat(), each["currency"], each["user"]["id"]
    return lines.setdefault(place, ForecastLine(month, each["currency"], each["user"]["id"], None))


def _name(context: QueryContext, by: By, lines: dict[Any, ForecastLine]) -> None:
    if by is By.REGION:
        for line in lines.values():
            line.label = line.id
    ids = sorted({line.id for line in lines.values() if line.id})
    if by not in _LABELS or not ids:
        return
    [found] = context.query(_LABELS[by], {"ids": ids[:1000]}).values()
    names = {
        each["id"]: each.get("name") or f"{each.get('firstName') or ''} {each['lastName']}" for each in found["nodes"]
    }
    for line in lines.values():
        line.label = (names.get(line.id or "") or "").strip() or None
