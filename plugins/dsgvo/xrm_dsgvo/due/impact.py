"""``dsgvoImpactTriggers``: which activities may need an impact assessment (Article 35), and what was decided of each.

What was looked at is kept with the assessment when it is approved: a field, a recipient or a crowd that has come since
makes it one that was changed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xrm_core.api import Model, QueryContext, QueryField
from xrm_dsgvo.due.criteria import Found, Scale, found_of
from xrm_dsgvo.privacy import PrivacyModel, privacy_of
from xrm_dsgvo.processors.connectors import today
from xrm_dsgvo.processors.standing import EEA
from xrm_dsgvo.record.editions import now_of

QUERY = """
query ($today: Date!) {
  assessments(
    first: 1000
    where: {status: {eq: approved}, kind: {eq: impact}, reviewOn: {gt: $today}}
    orderBy: [{approvedAt: ASC}, {id: ASC}]
  ) { nodes { id activity outcome criteria approvedAt } }
}"""
Ask = Callable[[str, Mapping[str, Any]], dict[str, Any]]


@dataclass
class ListedKind:
    """A kind of processing that needs an assessment anyway, as the register has it."""

    key: str
    de: str
    en: str


@dataclass
class ImpactTrigger:
    """An activity, what speaks for an assessment, and whether one is approved.

    ``fields``: fields, entities and recipients by which criteria are met. ``listed``: of which kinds it is that need an
    assessment anyway. ``required``: enough speaks for it. ``changed``: something has come since it was approved.
    """

    activity: str
    criteria: list[str]
    fields: list[str]
    listed: list[ListedKind]
    required: bool
    outcome: str | None
    changed: bool


def standing(model: Model, ask: Ask, settings: Any) -> list[Found]:
    """What speaks for assessments now: by the files, the registers, and how much there is."""
    privacy, registers = privacy_of(model), settings.all_registers()
    record = now_of(model, ask, settings)
    abroad = {
        each["key"]: [one["key"] for one in each["recipients"] if one["country"] and one["country"] not in EEA]
        for each in record["activities"]
    }
    scale = Scale(_persons(model, privacy, ask), abroad, settings.large_scale)
    return list(found_of(privacy, registers, scale))


def decided(found: Sequence[Found], ask: Ask, day: str) -> Iterator[tuple[Found, Mapping[str, Any] | None, bool]]:
    """Each activity with the newest assessment of it that holds, and whether something has come since."""
    approved = {each["activity"]: each for each in ask(QUERY, {"today": day})["assessments"]["nodes"]}
    for each in found:
        assessment = approved.get(each.activity)
        seen = set(((assessment or {}).get("criteria") or {}).get("keys", ()))
        yield each, assessment, assessment is not None and not set(each.marks) <= seen


def triggers_of(model: Model, ask: Ask, settings: Any) -> list[ImpactTrigger]:
    """What is answered."""
    return [
        ImpactTrigger(
            each.activity,
            sorted(each.criteria),
            sorted({name for names in each.criteria.values() for name in names}),
            [ListedKind(one.key, *(one.labels.get(name, one.key) for name in ("de", "en"))) for one in each.listed],
            each.required,
            None if assessment is None else assessment["outcome"],
            changed,
        )
        for each, assessment, changed in decided(standing(model, ask, settings), ask, today(settings))
    ]


def triggers(context: QueryContext) -> list[ImpactTrigger]:
    """``dsgvoImpactTriggers``."""
    return triggers_of(context.model, context.query_as_system, context.settings)


def query_fields() -> list[QueryField]:
    """``dsgvoImpactTriggers``."""
    about = {
        "en": "Which activities may need an impact assessment.",
        "de": "Welche Tätigkeiten eine Folgenabschätzung brauchen können.",
    }
    return [
        QueryField(
            "dsgvo.impact_triggers",
            triggers,
            answers=list[ImpactTrigger],
            cost=500,
            seconds=20,
            description=about,
        )
    ]


def _persons(model: Model, privacy: PrivacyModel, ask: Ask) -> dict[str, int]:
    """Entity → how many persons there are of it."""
    names = {each.name: _camel(model[each.name].plural) for each in privacy.subjects()}
    if not names:
        return {}
    answer = ask("{" + " ".join(f"{plural}(first: 1) {{ totalCount }}" for plural in names.values()) + "}", {})
    return {name: int(answer[plural]["totalCount"]) for name, plural in names.items()}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(each.capitalize() for each in rest)
