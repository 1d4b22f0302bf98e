"""How long an opportunity was in each stage: a record for each, begun and ended with the move itself.

Of opportunities that are written together all periods are written together, in a few statements.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from xrm_core.api import HookContext, Record

_AT_ONCE = 200
PERIOD = "stage_period"


def begin_periods(context: HookContext, _: str) -> None:
    """Begin the first period of new opportunities: those of ``context.ids``."""
    for opportunities in _parts(context):
        _begin(context, opportunities, set())


def next_periods(context: HookContext, _: str) -> None:
    """End the periods of the stages that were left, and begin those of the stages where the opportunities are now."""
    for opportunities in _parts(context):
        since = {each["id"]: each["stage_since"] for each in opportunities}
        mine: dict[str, Any] = {"opportunity": {"id": {"in": sorted(since)}}}
        left = _all(context, {**mine, "left_at": {"isNull": True}})
        now = {each["id"]: each["stage"] for each in opportunities}
        known = _stages(context, {*now.values(), *(period["stage"] for period in left)})
        ended = [
            {
                "id": period["id"],
                "left_at": since[period["opportunity"]],
                "advanced": _advanced(known.get(period["stage"]), known.get(now[period["opportunity"]])),
            }
            for period in left
        ]
        if ended:
            context.records.upsert_bulk(context.connection, context.system, PERIOD, ("id",), ended)
        stages = sorted({each["stage"] for each in opportunities})
        been = _all(context, {**mine, "stage": {"id": {"in": stages}}})
        _begin(context, opportunities, {(each["opportunity"], each["stage"]) for each in been})


def _begin(context: HookContext, opportunities: Sequence[Record], been: set[tuple[str, str]]) -> None:
    user = _user(context)
    periods = [
        {
            "opportunity": each["id"],
            "stage": each["stage"],
            "entered_at": each["stage_since"],
            "moved_by": user,
            "amount": each["amount"],
            "first_time": (each["id"], each["stage"]) not in been,
        }
        for each in opportunities
    ]
    context.records.create_many(context.connection, context.system, PERIOD, periods)


def _stages(context: HookContext, ids: set[str]) -> dict[str, Record]:
    return {each["id"]: each for each in context.find("stage", {"id": {"in": sorted(ids)}}, max(len(ids), 1))}


def _advanced(before: Record | None, after: Record | None) -> bool | None:
    """Whether an opportunity that has left a stage is further; None: that cannot be said."""
    if before is None or after is None or before["kind"] != "open" or before["pipeline"] != after["pipeline"]:
        return None
    return bool(after["kind"] == "won" or (after["kind"] == "open" and after["position"] > before["position"]))


def _parts(context: HookContext) -> Iterator[list[Record]]:
    ids = list(dict.fromkeys(context.ids))
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        if found := context.find("opportunity", {"id": {"in": some}}, len(some)):
            yield found


def _all(context: HookContext, where: dict[str, Any]) -> list[Record]:
    """All periods that fit, however often the opportunities went to and fro."""
    found: list[Record] = []
    while len(page := context.find(PERIOD, {**where, "id": {"gt": found[-1]["id"]}} if found else where, 1_000)):
        found += page
        if len(page) < 1_000:
            break
    return found


def _user(context: HookContext) -> str | None:
    """Who moved them, if that is a person: a service has a token, which is no user."""
    user: str | None = getattr(context.caller, "id", None)
    if user is not None:
        return user
    actor = context.caller.actor
    return actor if actor and context.read("user", actor) else None
