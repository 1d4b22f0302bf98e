"""Which activities may need an impact assessment (Article 35): by what annotations say of them.

The criteria are those that supervisory authorities count (WP 248): a processing that meets two of them usually needs
one. How much is processed, whether the technology is new, and what hinders rights is not in annotations: somebody has
to add that, and to hold the activity against the list of the authority in charge.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from xrm_core.api import QueryContext, QueryField
from xrm_dsgvo.privacy import FieldPrivacy, PrivacyModel, privacy_of
from xrm_dsgvo.processors.connectors import today
from xrm_dsgvo.record.making import fields_of
from xrm_dsgvo.registers import Activity, Registers

QUERY = """
query ($today: Date!) {
  assessments(first: 1000, where: {status: {eq: approved}, kind: {eq: impact}, reviewOn: {gt: $today}}) {
    nodes { activity outcome }
  }
}"""
_ALONE = frozenset({"automated_decision"})
"""Criteria of which one is enough (Article 35(3)(a))."""

_ENOUGH = 2
_SENSITIVE = ("user.location", "user.financial", "user.government_id")
_VULNERABLE = frozenset({"child", "employee", "job_applicant"})


@dataclass
class ImpactTrigger:
    """An activity, what speaks for an assessment, and whether one is approved. ``required``: enough speaks for it."""

    activity: str
    criteria: list[str]
    fields: list[str]
    required: bool
    outcome: str | None


def triggers_of(privacy: PrivacyModel, registers: Registers) -> Iterator[ImpactTrigger]:
    """Each activity for which something speaks."""
    for key in sorted({key for entity in privacy for key in entity.activities}):
        activity = registers.activities[key]
        found = dict(_criteria(privacy, activity, registers))
        if found:
            fields = sorted({name for names in found.values() for name in names})
            required = bool(_ALONE & found.keys()) or len(found) >= _ENOUGH
            yield ImpactTrigger(key, sorted(found), fields, required, None)


def triggers(context: QueryContext) -> list[ImpactTrigger]:
    """``dsgvoImpactTriggers``: with what was decided of each."""
    approved = context.query_as_system(QUERY, {"today": today(context.settings)})["assessments"]["nodes"]
    outcomes = {each["activity"]: each["outcome"] for each in approved}
    found = list(triggers_of(privacy_of(context.model), context.settings.all_registers()))
    for each in found:
        each.outcome = outcomes.get(each.activity)
    return found


def query_fields() -> list[QueryField]:
    """``dsgvoImpactTriggers``."""
    about = {
        "en": "Which activities may need an impact assessment.",
        "de": "Welche Tätigkeiten eine Folgenabschätzung brauchen können.",
    }
    return [QueryField("dsgvo.impact_triggers", triggers, answers=list[ImpactTrigger], description=about)]


def _criteria(privacy: PrivacyModel, activity: Activity, registers: Registers) -> Iterator[tuple[str, list[str]]]:
    fields = list(fields_of(privacy, activity, registers))
    kinds: dict[str, Any] = {
        entity.name: entity.kinds for entity in privacy if activity.key in entity.activities and entity.kinds
    }
    found = {
        "automated_decision": [each for each in fields if each.decision == "art22"],
        "scoring": [each for each in fields if each.decision == "profiling"],
        "special_category": [each for each in fields if _is_special(each, registers)],
        "sensitive": [each for each in fields if str(each.category).startswith(_SENSITIVE)],
        "matched_sources": [each for each in fields if each.origin == "third_party"],
    }
    for name, having in found.items():
        if having:
            yield name, [_name(each) for each in having]
    minors = [entity.name for entity in privacy if activity.key in entity.activities and entity.birth_date]
    vulnerable = [name for name, of in kinds.items() if _VULNERABLE & set(of)] + minors
    if vulnerable:
        yield "vulnerable_persons", sorted(set(vulnerable))


def _is_special(field: FieldPrivacy, registers: Registers) -> bool:
    return bool(field.special or registers.categories[str(field.category)].special)


def _name(field: FieldPrivacy) -> str:
    return f"{field.entity}.{field.name}"
