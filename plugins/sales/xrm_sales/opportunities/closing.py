"""Won, lost, opened again: each an action with a right of its own."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from strawberry import ID

from xrm_core.api import Action, ActionContext, Record, Refuse
from xrm_sales.acting import action
from xrm_sales.moments import today
from xrm_sales.opportunities.stages import OPPORTUNITY, first_stage


@dataclass
class WinInput:
    """How it was won; today, with the amount that was expected, if nothing is said."""

    closed_on: date | None = None
    amount: Decimal | None = None
    note: str | None = None


@dataclass
class LoseInput:
    """Why it was lost, and to whom."""

    reason: ID
    competitor: ID | None = None
    closed_on: date | None = None
    note: str | None = None


@dataclass
class ReopenInput:
    """Where it goes on; in the first stage of its pipeline, if nothing is said."""

    stage: ID | None = None


def win(context: ActionContext, opportunity: Record, given: WinInput) -> None:
    """It is won: the last stage of its pipeline, and the shares of the team add up."""
    _must_be(opportunity, "open")
    _check_splits(context, opportunity)
    changes: dict[str, Any] = {"closed_on": _day(given.closed_on)}
    if given.amount is not None:
        changes["amount"] = given.amount
    _end(context, opportunity, "won", changes, given.note)


def lose(context: ActionContext, opportunity: Record, given: LoseInput) -> None:
    """It is lost, for a reason; the competitor who has won is one of its competitors from now on."""
    _must_be(opportunity, "open")
    changes = {"closed_on": _day(given.closed_on), "loss_reason": given.reason, "lost_to": given.competitor}
    _end(context, opportunity, "lost", changes, given.note)


def reopen(context: ActionContext, opportunity: Record, given: ReopenInput) -> None:
    """It goes on after all."""
    if opportunity["status"] == "open":
        raise Refuse({"en": "It is open.", "de": "Sie ist offen."})
    pipeline = context.read("pipeline", opportunity["pipeline"])
    stage = given.stage or (first_stage(context, pipeline)["id"] if pipeline else None)
    changes = {"stage": stage, "status": "open", "closed_on": None, "loss_reason": None, "lost_to": None}
    context.records.update(context.connection, context.system, OPPORTUNITY, opportunity["id"], changes)


def actions() -> list[Action]:
    """All of them."""
    won, lost, on = (
        "Die Verkaufschance ist gewonnen.",
        "Die Verkaufschance ist verloren.",
        "Die Verkaufschance geht weiter.",
    )
    return [
        action("win", win, OPPORTUNITY, takes=WinInput, en="The opportunity is won.", de=won),
        action("lose", lose, OPPORTUNITY, takes=LoseInput, en="The opportunity is lost.", de=lost),
        action("reopen", reopen, OPPORTUNITY, takes=ReopenInput, en="The opportunity goes on.", de=on),
    ]


def _end(context: ActionContext, opportunity: Record, kind: str, changes: dict[str, Any], note: str | None) -> None:
    where = {"pipeline": {"id": {"eq": opportunity["pipeline"]}}, "kind": {"eq": kind}}
    stages = sorted(context.find("stage", where), key=lambda stage: stage["position"])
    if not stages:
        text = {"en": f"The pipeline has no stage for {kind}.", "de": f"Die Pipeline hat keine Phase für {kind}."}
        raise Refuse(text, field="stage")
    changes |= {"stage": stages[0]["id"], "status": kind}
    if note:
        changes["close_note"] = note
    context.records.update(context.connection, context.system, OPPORTUNITY, opportunity["id"], changes)


def _must_be(opportunity: Record, status: str) -> None:
    if opportunity["status"] != status:
        raise Refuse(
            {"en": f"It is {opportunity['status']} already.", "de": "Sie ist schon abgeschlossen."}, field="status"
        )


def _check_splits(context: ActionContext, opportunity: Record) -> None:
    members = context.find("opportunity_member", {"opportunity": {"id": {"eq": opportunity["id"]}}}, 1_000)
    total = sum((Decimal(str(each["split_percent"])) for each in members), Decimal(0))
    if total not in (0, 100):
        text = {
            "en": f"The shares of the team are {total:f} per cent together, not 100.",
            "de": f"Die Anteile des Teams sind zusammen {total:f} Prozent, nicht 100.",
        }
        raise Refuse(text, field="members")


def _day(given: date | None) -> str:
    return given.isoformat() if given else today()
