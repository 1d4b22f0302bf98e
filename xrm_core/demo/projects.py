"""Projects for customers who buy: what is done, with whom, how far it is and what it costs."""

import datetime as dt

from xrm_core.demo.draw import NOW, TODAY, Draw, Record, in_currency, instant, rounded
from xrm_core.demo.organisations import Organisation
from xrm_core.demo.sales_area import SalesAreas
from xrm_core.demo.texts import PROJECT_DESCRIPTIONS, PROJECTS

_SEGMENTS = {"key_account": 10.0, "mid_market": 3.0, "small_business": 0.8, "public_sector": 3.0}
_KINDS = {
    "implementation": (30, 140_000, 210),
    "migration": (18, 45_000, 120),
    "consulting": (20, 18_000, 45),
    "maintenance": (20, 30_000, 60),
    "training": (12, 9_000, 20),
}
"""Kind → weight, median budget in euro, median length in days."""


def projects(
    draw: Draw, count: int, customers: list[Organisation], partners: list[Organisation], areas: SalesAreas
) -> list[Record]:
    """``count`` projects, ordered by creation."""
    buyers = [customer for customer in customers if customer.record["status"] in ("active", "inactive")]
    allies = [
        partner.record["id"]
        for partner in partners
        if partner.record["kind"] in ("integrator", "technology", "consultant")
    ]
    chosen = draw.many(buyers, [_SEGMENTS[buyer.record["segment"]] for buyer in buyers], count)
    starts = sorted((draw.moment(buyer.created, NOW), number, buyer) for number, buyer in enumerate(chosen))
    made = []
    for number, (created, _, buyer) in enumerate(starts):
        record = _project(draw, number, created, buyer, areas)
        record["partner"] = draw.pick(allies) if allies and draw.chance(0.35) else None
        record["subcontractor"] = draw.pick(allies) if allies and draw.chance(0.1) else None
        made.append(record)
    return made


def _project(draw: Draw, number: int, created: dt.datetime, buyer: Organisation, areas: SalesAreas) -> Record:
    kinds = tuple(_KINDS)
    kind = draw.weighted(kinds, [_KINDS[kind][0] for kind in kinds])
    _, median, length = _KINDS[kind]
    german, english = draw.pick(PROJECTS[kind])
    size = 1.6 if buyer.record["segment"] == "key_account" else 1.0
    currency = buyer.record["currency"]
    budget = in_currency(draw.spread(median * size, 0.8), currency)
    starts = created.date() + dt.timedelta(days=draw.between(7, 90))
    days = max(2, round(draw.spread(length, 0.4)))
    ends = starts + dt.timedelta(days=days)
    phase, progress = _state(draw, starts, ends)
    completed = min(TODAY, ends + dt.timedelta(days=draw.between(-5, 40))) if phase == "completed" else None
    cost = budget * progress / 100 * draw.spread(0.98, 0.12)
    running = phase in ("execution", "closing")
    owner = buyer.record["owner"]
    title = (german if buyer.language == "de" else english).format(city=buyer.city.name, n=draw.between(1, 6))
    return {
        **draw.system_fields(created, areas.author(owner, instant(created)), 0.9),
        "project_number": f"PRJ-{created.year}-{1 + number:04}",
        "name": f"{title} – {buyer.record['name']}"[:200],
        "description": draw.pick(PROJECT_DESCRIPTIONS)[0 if buyer.language == "de" else 1]
        if draw.chance(0.6)
        else None,
        "kind": kind,
        "phase": phase,
        "health": draw.weighted(("green", "yellow", "red"), (64, 26, 10)) if running else None,
        "priority": draw.weighted(("low", "normal", "high", "urgent"), (12, 62, 21, 5)),
        "budget": rounded(budget),
        "actual_cost": rounded(cost, 4),
        "currency": currency,
        "progress_percent": progress,
        "starts_on": starts.isoformat(),
        "ends_on": ends.isoformat(),
        "completed_on": completed.isoformat() if completed else None,
        "customer": buyer.record["id"],
        "manager": areas.member(draw, "Projekte und Service"),
        "owner": owner,
        "team": buyer.record["team"],
    }


def _state(draw: Draw, starts: dt.date, ends: dt.date) -> tuple[str, int]:
    """Phase and progress in per cent on the demo's day."""
    if draw.chance(0.05):
        return "cancelled", draw.between(0, 60)
    if starts > TODAY:
        return draw.pick(["initiation", "planning"]), 0
    if ends + dt.timedelta(days=45) < TODAY:
        return "completed", 100
    if ends < TODAY:
        return "closing", draw.between(85, 99)
    done = round(100 * (TODAY - starts) / (ends - starts))
    return "execution", max(1, min(95, done + draw.between(-12, 5)))
