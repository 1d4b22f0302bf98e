"""Whom to visit: customers who are worth most and were not seen for long, and the way round."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Annotated

from xrm_core.api import QueryContext, QueryField, RecordOf, Refuse
from xrm_sales.moments import today
from xrm_sales.visits.route import Place, length, shortened

MOST = 12
"""Stops of a day."""
_CANDIDATES = """
query ($mine: CustomerFilter!, $first: Int!, $after: String) {
  customers(
    where: {and: [$mine, {latitude: {isNull: false}, longitude: {isNull: false}}]}
    orderBy: [{id: ASC}], first: $first, after: $after
  ) {
    nodes { id rating latitude longitude visitEveryDays lastVisitOn lastActivityAt wonTotal createdAt }
    pageInfo { endCursor hasNextPage }
  }
}"""
_RATED = {"A": 8, "B": 4, "C": 2, "D": 1}
_EVERY = {"A": 30, "B": 60, "C": 120, "D": 365}
"""Days between visits where a customer says nothing else."""


@dataclass
class VisitPlanInput:
    """From where, how many, and of which city if not of all."""

    latitude: Decimal
    longitude: Decimal
    stops: int = 6
    city: str | None = None


@dataclass
class VisitStop:
    """Whom, and why: ``urgency`` 1 is due today, 2 is twice as long ago as it should be."""

    customer: Annotated[str, RecordOf("customer")]
    stop: int
    days_since: int
    urgency: Decimal
    worth: Decimal


@dataclass
class VisitPlan:
    """The stops in their order, and the way as the crow flies."""

    kilometres: Decimal
    stops: list[VisitStop] = field(default_factory=list)


def plan(context: QueryContext, given: VisitPlanInput) -> VisitPlan:
    """Plan it.

    Raises:
        Refuse: too many stops.
    """
    if not 1 <= given.stops <= MOST:
        raise Refuse({"en": f"1 to {MOST} stops.", "de": f"1 bis {MOST} Besuche."}, field="stops")
    found = sorted(_candidates(context, given), key=lambda each: (-each[0], each[1]["id"]))[: given.stops]
    places = [Place(float(each["latitude"]), float(each["longitude"])) for _, each, *_ in found]
    start = Place(float(given.latitude), float(given.longitude))
    order = shortened(start, places)
    way = length(start, [places[each] for each in order])
    stops = [
        VisitStop(
            found[each][1]["id"], stop, found[each][2], _two(found[each][3]), Decimal(found[each][1]["wonTotal"] or 0)
        )
        for stop, each in enumerate(order, 1)
    ]
    return VisitPlan(_two(way), stops)


def query_field() -> QueryField:
    """``salesVisitPlan``."""
    about = {"en": "Whom to visit, and in which order.", "de": "Wen besuchen, und in welcher Reihenfolge."}
    limits = {"cost": 5_000, "seconds": 10}
    return QueryField("sales.visit_plan", plan, input=VisitPlanInput, answers=VisitPlan, description=about, **limits)


def _candidates(context: QueryContext, given: VisitPlanInput) -> list[tuple[float, dict[str, str], int, float]]:
    """Weight, customer, days since the last visit, and how urgent that is."""
    mine = {"city": {"eq": given.city}} if given.city else {}
    result, after = [], None
    while True:
        page = context.query(_CANDIDATES, {"mine": mine, "first": 500, "after": after})["customers"]
        for each in page["nodes"]:
            last = each["lastVisitOn"] or (each["lastActivityAt"] or each["createdAt"])[:10]
            days = max((date.fromisoformat(today()) - date.fromisoformat(last)).days, 0)
            urgency = days / (each["visitEveryDays"] or _EVERY[each["rating"] or "C"])
            weight = urgency * (_RATED[each["rating"] or "C"] + float(each["wonTotal"] or 0) / 10_000)
            result.append((weight, each, days, urgency))
        context.check()
        if not page["pageInfo"]["hasNextPage"]:
            return result
        after = page["pageInfo"]["endCursor"]


def _two(value: float) -> Decimal:
    return Decimal(f"{value:.2f}")
