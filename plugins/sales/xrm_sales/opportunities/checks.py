"""What must be so before an opportunity enters a stage: fields that are filled, conditions that hold (guards)."""

from collections.abc import Mapping
from typing import Any

from xrm_core.api import BadQuery, HookContext, Record, RecordChange, Refuse


def check_stage(change: RecordChange, stage: Record, record: Mapping[str, Any]) -> None:
    """Refuse if the opportunity may not enter the stage: fields at once, conditions as soon as it is stored.

    Args:
        change: the write of the opportunity.
        stage: the one that it enters.
        record: the opportunity as it would be.

    Raises:
        Refuse: with a problem for each field that is empty.
    """
    checks = _checks(change, stage)
    required = [each["required_field"] for each in checks if each.get("required_field")]
    missing = [name for name in dict.fromkeys(required) if record.get(name) in (None, "")]
    if missing:
        names = ", ".join(missing)
        text = {
            "en": f"The stage {stage['name']} needs: {names}.",
            "de": f"Die Phase {stage['name']} braucht: {names}.",
        }
        raise Refuse(text, field=missing[0], problems=dict.fromkeys(missing, f"is needed in the stage {stage['name']}"))
    if conditions := [each for each in checks if each.get("condition")]:
        change.then(lambda context, id_: _check_conditions(context, stage, conditions, id_))


def _check_conditions(context: HookContext, stage: Record, checks: list[Record], opportunity: str) -> None:
    broken = [each for each in checks if not _holds(context, each, opportunity)]
    if broken:
        texts = {"en": "message", "de": "message_de"}
        told = {
            language: " ".join(each.get(name) or each.get("message") or _plain(stage)[language] for each in broken)
            for language, name in texts.items()
        }
        raise Refuse(told, field="stage")


def check_condition(change: RecordChange) -> None:
    """A condition must fit opportunities, or nothing could enter the stage any more.

    Raises:
        Refuse: it does not fit, or the check has nothing to look at.
    """
    check = change.after
    if not check.get("condition") and not check.get("required_field"):
        raise Refuse(
            {
                "en": "A check has a condition or a required field.",
                "de": "Eine Prüfung hat Bedingung oder Pflichtfeld.",
            },
            field="condition",
        )
    if check.get("condition"):
        _try(change, "condition", check["condition"])
    if name := check.get("required_field"):
        _try(change, "required_field", {name: {"isNull": True}})


def _try(change: RecordChange, field: str, condition: Mapping[str, Any]) -> None:
    try:
        change.find("opportunity", condition, 1)
    except BadQuery as error:
        text = {"en": f"This does not fit opportunities: {error}", "de": f"Das passt nicht zu Verkaufschancen: {error}"}
        raise Refuse(text, field=field) from None


def _checks(change: RecordChange, stage: Record) -> list[Record]:
    """Active checks of the stage, and of open stages before it in its pipeline; in their order."""
    where = {
        "active": {"eq": True},
        "stage": {
            "pipeline": {"id": {"eq": stage["pipeline"]}},
            "position": {"lte": stage["position"]},
            "or": [{"kind": {"eq": "open"}}, {"id": {"eq": stage["id"]}}],
        },
    }
    return sorted(change.find("stage_check", where, 1_000), key=lambda each: (each["position"], each["id"]))


def _holds(context: HookContext, check: Record, opportunity: str) -> bool:
    return bool(context.find("opportunity", {"and": [{"id": {"eq": opportunity}}, check["condition"]]}, 1))


def _plain(stage: Record) -> Mapping[str, str]:
    return {
        "en": f"A condition of the stage {stage['name']} does not hold.",
        "de": f"Eine Bedingung der Phase {stage['name']} ist nicht erfüllt.",
    }
