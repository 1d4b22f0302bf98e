"""Whom to visit: customers who are worth most and were not seen for long, and the way round."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from math import cos, radians
from typing import Annotated, Any

from xrm_core.api import QueryContext, QueryField, RecordOf, Refuse
from xrm_sales.moments import today
from xrm_sales.visits.route import Place, kilometres, length, shortened

MOST = 12
"""Stops of a day."""
_CANDIDATES = """
query ($mine: CustomerFilter!, $near: CustomerFilter!, $first: Int!, $after: String) {
  customers(
    where: {and: [$mine, $near]}
    orderBy: [{id: ASC}], first: $first, after: $after
  ) {
    nodes { id rating latitude longitude visitEveryDays lastVisitOn lastActivityAt wonTotal createdAt }
    pageInfo { endCursor hasNextPage }
  }
}"""
_DEGREE_KM = 111.0
"""Of latitude, at least."""
_RATED = {"A": 8, "B": 4, "C": 2, "D": 1}
_EVERY = {"A": 30, "B": 60, "C": 120, "D": 365}
"""Days between visits where a customer says nothing else."""


@dataclass
class VisitPlanInput:
    """From where, how many, how far away at most in kilometres, and of which city if not of all."""

    latitude: Decimal
    longitude: Decimal
    stops: int = 6
    city: str | None = None
    within: int = 150


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
        Refuse: too many stops, too far, or a place that is none.
    """
    if not 1 <= given.stops <= MOST:
        raise Refuse({"en": f"1 to {MOST} stops.", "de": f"1 bis {MOST} Besuche."}, field="stops")
    if not 1 <= given.within <= 1_000:
        raise Refuse({"en": "1 to 1 000 kilometres.", "de": "1 bis 1 000 Kilometer."}, field="within")
    if not (abs(given.latitude) <= 90 and abs(given.longitude) <= 180):
        raise Refuse({"en": "There is no such place.", "de": "Diesen Ort gibt es nicht."}, field="latitude")
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
    start = Place(float(given.latitude), float(given.longitude))
    near = _around(start, given.within)
    result, after = [], None
    while True:
        page = context.query(_CANDIDATES, {"mine": mine, "near": near, "first": 500, "after": after})["customers"]
        for each in page["nodes"]:
            if kilometres(start, Place(float(each["latitude"]), float(each["longitude"]))) > given.within:
                continue  # in a corner of the box
            last = each["lastVisitOn"] or (each["lastActivityAt"] or each["createdAt"])[:10]
            days = max((date.fromisoformat(today()) - date.fromisoformat(last)).days, 0)
            urgency = days / (each["visitEveryDays"] or _EVERY[each["rating"] or "C"])
            weight = urgency * (_RATED[each["rating"] or "C"] + float(each["wonTotal"] or 0) / 10_000)
            result.append((weight, each, days, urgency))
        context.check()
        if not page["pageInfo"]["hasNextPage"]:
            return result
        after = page["pageInfo"]["endCursor"]


def _around(start: Place, within: int) -> dict[str, Any]:
    """A box in which all lies that is so near; around the poles and the date line it goes round the earth."""
    tall = within / _DEGREE_KM
    filters: dict[str, Any] = {
        "latitude": {"gte": f"{start.latitude - tall:.5f}", "lte": f"{start.latitude + tall:.5f}"}
    }
    narrow = cos(radians(min(abs(start.latitude) + tall, 89.9)))
    wide = tall / narrow
    if abs(start.longitude) + wide <= 180:
        west, east = start.longitude - wide, start.longitude + wide
        filters["longitude"] = {"gte": f"{west:.5f}", "lte": f"{east:.5f}"}
    else:
        filters["longitude"] = {"isNull": False}
    return filters


def _two(value: float) -> Decimal:
    return Decimal(f"{value:.2f}")
