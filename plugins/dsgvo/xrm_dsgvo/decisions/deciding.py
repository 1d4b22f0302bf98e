"""A decision is kept, contested, reviewed: in that order, and each of them stays."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from xrm_core.api import Action, ActionContext, On, Record, Refuse
from xrm_dsgvo.decisions.inputs import (
    DecisionContestInput,
    DecisionRecordInput,
    DecisionReviewInput,
    DecisionStanding,
    Review,
)
from xrm_dsgvo.own import change, create, kept, now
from xrm_dsgvo.privacy import privacy_of
from xrm_dsgvo.requests.deadline import deadline_of, free_days
from xrm_dsgvo.subjects import natural

DECISION = "automated_decision"
_SPECIAL_BASES = frozenset({"a", "g"})
"""Of Article 9(2): by these alone special categories may be decided on (Article 22(4))."""


def record(context: ActionContext, given: DecisionRecordInput) -> DecisionStanding:
    """Keep a decision.

    Raises:
        Refuse: the person, the activity or a field is none; or it rests on special categories without a basis for that.
    """
    subject = natural(context, given.person)
    if subject is None:
        raise Refuse({"en": "Name the person.", "de": "Die Person nennen."}, field="person")
    decided = given.decided_at or datetime.now(UTC)
    _past(decided, "decided_at")
    _may_be_decided(context, given)
    values: dict[str, Any] = {
        "data_subject": subject,
        "activity": given.activity,
        "allowed": given.allowed.value,
        "inputs": {"fields": sorted(set(given.inputs))},
        "decided_at": decided.astimezone(UTC).isoformat(),
        "status": "decided",
        **{name: _said(getattr(given, name), name, 200) for name in ("model", "outcome")},
        "model_version": _said(given.version, "version", 200),
        "effect": _said(given.effect, "effect", 2_000),
        "threshold": (given.threshold or "").strip()[:200] or None,
    }
    return DecisionStanding(create(context, DECISION, values), "decided", None)


def contest(context: ActionContext, given: DecisionContestInput) -> DecisionStanding:
    """The person contests it. Raises Refuse: there is none, or it is contested already."""
    decision = _held(context, given.decision, "decided", "reviewed")
    _past(given.received_at, "received_at")
    received = given.received_at.astimezone(ZoneInfo(context.settings.time_zone)).date()
    due = deadline_of(received, free_days(context.settings.holidays)).legal
    values = {
        "status": "contested",
        "contested_at": given.received_at.astimezone(UTC).isoformat(),
        "contested_via": _said(given.via, "via", 60),
        "statement": (given.statement or "").strip()[:20_000] or None,
        "due": due.isoformat(),
    }
    change(context, DECISION, decision["id"], values)
    return DecisionStanding(given.decision, "contested", due)


def review(context: ActionContext, given: DecisionReviewInput) -> DecisionStanding:
    """A human has looked at it: a user, not a program, and not who has kept it.

    Raises:
        Refuse: it is not contested, it was no human, or the reasons or the new outcome are missing.
    """
    decision = _held(context, given.decision, "contested")
    actor = context.caller.actor
    if actor is None or actor == decision["created_by"] or context.read("user", actor) is None:
        text = {
            "en": "A person reviews it, and not who has recorded it.",
            "de": "Das prüft ein Mensch, und nicht, wer sie festgehalten hat.",
        }
        raise Refuse(text, field="reviewed_by")
    changed = given.result is Review.changed
    if changed != bool((given.outcome or "").strip()):
        text = {
            "en": "Say the outcome now if it was changed, and only then.",
            "de": "Das neue Ergebnis angeben, wenn sie geändert ist, und nur dann.",
        }
        raise Refuse(text, field="outcome")
    values = {
        "status": "reviewed",
        "reviewed_by": actor,
        "reviewed_at": now(),
        "review_result": given.result.value,
        "review_reasons": _said(given.reasons, "reasons", 20_000),
        "review_outcome": (given.outcome or "").strip()[:200] or None,
    }
    change(context, DECISION, decision["id"], values)
    return DecisionStanding(given.decision, "reviewed", date.fromisoformat(decision["due"]))


def actions() -> list[Action]:
    """``dsgvoDecisionRecord`` and what follows."""
    made: list[tuple[str, Any, type, str, str]] = [
        (
            "record",
            record,
            DecisionRecordInput,
            "Keep an automated decision.",
            "Eine automatisierte Entscheidung festhalten.",
        ),
        ("contest", contest, DecisionContestInput, "A decision is contested.", "Eine Entscheidung wird angefochten."),
        ("review", review, DecisionReviewInput, "A human has reviewed it.", "Ein Mensch hat sie geprüft."),
    ]
    return [
        Action(f"dsgvo.decision_{name}", run, input=given, answers=DecisionStanding, description={"en": en, "de": de})
        for name, run, given, en, de in made
    ]


def hooks() -> list[On]:
    """Nobody but the plugin writes them."""
    text = {
        "en": "Automated decisions are kept by actions (dsgvoDecisionRecord and its like), and stay.",
        "de": "Automatisierte Entscheidungen führen Aktionen (dsgvoDecisionRecord und ihre Verwandten); sie bleiben.",
    }
    return [kept(DECISION, text)]


def _may_be_decided(context: ActionContext, given: DecisionRecordInput) -> None:
    registers = context.settings.all_registers()
    activity = registers.activities.get(given.activity)
    if activity is None:
        text = {
            "en": f"There is no activity {given.activity[:60]}.",
            "de": f"Die Tätigkeit {given.activity[:60]} fehlt.",
        }
        raise Refuse(text, field="activity")
    privacy = privacy_of(context.records.model)
    for name in given.inputs:
        entity, _, field = name.partition(".")
        said = privacy[entity].fields.get(field) if entity in context.records.model else None
        if said is None:
            text = {"en": f"There is no field {name[:100]}.", "de": f"Das Feld {name[:100]} gibt es nicht."}
            raise Refuse(text, field="inputs")
        special = said.special or (said.category and registers.categories[said.category].special)
        if special and activity.art9_basis not in _SPECIAL_BASES:
            text = {
                "en": f"{name} is of a special category: that takes explicit consent or law (Article 22(4)).",
                "de": f"{name} ist eine besondere Kategorie: Das braucht Einwilligung oder Gesetz (Art. 22 Abs. 4).",
            }
            raise Refuse(text, field="inputs")


def _held(context: ActionContext, id_: str, *statuses: str) -> Record:
    context.hold(DECISION, id_)
    decision = context.read(DECISION, id_)
    if decision is None or decision["status"] not in statuses:
        text = {
            "en": "There is no such decision, or it is not at this point.",
            "de": "Diese Entscheidung gibt es nicht, oder sie ist nicht so weit.",
        }
        raise Refuse(text, field="decision")
    return decision


def _past(at: datetime, name: str) -> None:
    if at.astimezone(UTC) > datetime.now(UTC):
        raise Refuse({"en": "That is in the future.", "de": "Das liegt in der Zukunft."}, field=name)


def _said(text: str, name: str, most: int) -> str:
    if not text.strip():
        raise Refuse({"en": "Say something.", "de": "Etwas angeben."}, field=name)
    return text.strip()[:most]
