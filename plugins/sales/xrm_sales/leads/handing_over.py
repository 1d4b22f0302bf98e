"""When a lead is worth enough it is handed over to sales, and somebody gets it."""

from typing import Any

from xrm_sales.leads.routing import route
from xrm_sales.leads.scoring import LEAD
from xrm_sales.moments import now
from xrm_sales.writing import Writing, change

WAITING = ("new", "working", "nurturing")
"""Statuses of leads that have not been handed over."""


def look(context: Writing, lead: str, score: int, threshold: int) -> None:
    """Hand the lead over if its score has reached the threshold, unless it was before.

    Args:
        context: of the transaction.
        lead: its id.
        score: of it now.
        threshold: from which on it is for sales.
    """
    record = context.read(LEAD, lead)
    if record is not None and score >= threshold and record["status"] in WAITING and not record["handed_over_at"]:
        hand_over(context, lead)


def hand_over(context: Writing, lead: str) -> None:
    """The lead is qualified from now on, and goes to whom the rules say; to nobody, if no rule fits."""
    change(context, LEAD, lead, {"status": "qualified", "handed_over_at": now(), "nurture_until": None})
    found: dict[str, Any] | None = route(context, lead)
    if found is not None:
        change(context, LEAD, lead, {**found, "routed_at": now()})
