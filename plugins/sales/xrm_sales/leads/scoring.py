"""What a lead is worth: the points of each rule, kept line by line, so that everybody sees why."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from xrm_core.api import BadQuery, HookContext, RecordChange, Refuse
from xrm_sales.leads.points import Behaviour, of_events
from xrm_sales.moments import now
from xrm_sales.writing import Writing

LEAD = "lead"
NOBODY = "—"
_REACHED = ("first_name", "company", "email", "phone")
ALIVE = ("new", "working", "nurturing", "qualified")
"""Statuses of leads that are still to be decided."""
MOST_EVENTS = 1_000
"""The newest events of a lead that count."""


def score(context: Writing, lead: str) -> int:
    """Reckon the points of a lead anew, and keep what has changed; answers the sum. Who was erased has none.

    Args:
        context: of the transaction.
        lead: its id.
    """
    rules = [] if _is_nobody(context, lead) else _rules(context)
    points = {rule["id"]: found for rule in rules if (found := _points(context, rule, lead)) is not None}
    there = {line["rule"]: line for line in context.find("lead_score", {"lead": {"id": {"eq": lead}}}, 1_000)}
    for rule, (worth, events) in points.items():
        values = {"points": worth, "events": events}
        if rule not in there:
            context.records.create(
                context.connection, context.system, "lead_score", {"lead": lead, "rule": rule, **values}
            )
        elif any(there[rule][name] != value for name, value in values.items()):
            context.records.update(context.connection, context.system, "lead_score", there[rule]["id"], values)
    for rule, line in there.items():
        if rule not in points:
            context.records.delete(context.connection, context.system, "lead_score", line["id"])
    total = sum(worth for worth, _ in points.values())
    changes = {"score": total, "scored_at": now()}
    context.records.update(context.connection, context.system, LEAD, lead, changes)
    return total


def check_rule(change: RecordChange) -> None:
    """A rule's condition must fit what it is about.

    Raises:
        Refuse: it does not.
    """
    rule = change.after
    if not rule.get("condition"):
        return
    try:
        change.find(_about(rule), rule["condition"], 1)
    except BadQuery as error:
        text = {"en": f"The condition does not fit: {error}", "de": f"Die Bedingung passt nicht: {error}"}
        raise Refuse(text, field="condition") from None


def _is_nobody(context: Writing, lead: str) -> bool:
    """Whether nothing is left of a lead by which anybody could be reached, as after an erasure: it has no name, but
    what its annotation puts in its place.
    """
    found = context.read(LEAD, lead) or {}
    return found.get("last_name") == NOBODY and not any(found.get(each) for each in _REACHED)


def _rules(context: Writing) -> list[Mapping[str, Any]]:
    return list(context.find("scoring_rule", {"active": {"eq": True}}, 1_000))


def _about(rule: Mapping[str, Any]) -> str:
    return LEAD if rule["about"] == "attributes" else "lead_event"


def _points(context: Writing, rule: Mapping[str, Any], lead: str) -> tuple[int, int | None] | None:
    """The points and the number of events; None: the rule says nothing of this lead."""
    condition = rule.get("condition") or {}
    if rule["about"] == "attributes":
        found = context.find(LEAD, {"and": [{"id": {"eq": lead}}, condition]}, 1)
        return (rule["points"], None) if found else None
    events = context.find("lead_event", {"and": [{"lead": {"id": {"eq": lead}}}, condition]}, MOST_EVENTS)
    if not events:
        return None
    how = Behaviour(rule["points"], rule.get("half_life_days"), rule.get("most"))
    return of_events(how, (datetime.fromisoformat(each["at"]) for each in events), datetime.now(UTC)), len(events)


def after_change(change: RecordChange) -> None:
    """A lead is new, or one of its attributes has changed: its points are reckoned, and it may be handed over."""
    from xrm_sales.leads.handing_over import look  # it needs the points

    threshold = change.write.settings.hand_over_score

    def act(context: HookContext, lead: str) -> None:
        look(context, lead, score(context, lead), threshold)

    if change.after["status"] in ALIVE:
        change.then(act)


def after_event(change: RecordChange) -> None:
    """A lead has done something, or it was a mistake: the same."""
    from xrm_sales.leads.handing_over import look

    threshold, leads = change.write.settings.hand_over_score, {change.before.get("lead"), change.after.get("lead")}

    def act(context: HookContext, _: str) -> None:
        for lead in sorted(str(each) for each in leads if each):
            record = context.read(LEAD, lead)
            if record is not None and record["status"] in ALIVE:
                look(context, lead, score(context, lead), threshold)

    change.then(act)
