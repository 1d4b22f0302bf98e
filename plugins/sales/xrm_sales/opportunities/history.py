"""How long an opportunity was in each stage: a record for each, begun and ended with the move itself."""

from collections.abc import Mapping
from typing import Any

from xrm_core.api import HookContext


def end_periods(context: HookContext, opportunity: str, moment: str) -> None:
    """End the period of the stage that is left."""
    where = {"opportunity": {"id": {"eq": opportunity}}, "left_at": {"isNull": True}}
    for period in context.find("stage_period", where):
        context.records.update(context.connection, context.system, "stage_period", period["id"], {"left_at": moment})


def begin_period(context: HookContext, opportunity: str, record: Mapping[str, Any], *, first: bool = False) -> None:
    """Begin the period of the stage in which it is now.

    Args:
        context: of the write.
        opportunity: its id.
        record: the opportunity as it is now; ``stage_since`` is the moment.
        first: whether it was in no stage before.
    """
    period = {
        "opportunity": opportunity,
        "stage": record["stage"],
        "entered_at": record["stage_since"],
        "moved_by": _user(context),
        "amount": record.get("amount"),
        "first_time": first
        or not context.find(
            "stage_period", {"opportunity": {"id": {"eq": opportunity}}, "stage": {"id": {"eq": record["stage"]}}}, 1
        ),
    }
    context.records.create(context.connection, context.system, "stage_period", period)


def _user(context: HookContext) -> str | None:
    """Who moved it, if that is a person: a service has a token, which is no user."""
    user: str | None = getattr(context.caller, "id", None)
    if user is not None:
        return user
    actor = context.caller.actor
    return actor if actor and context.read("user", actor) else None
