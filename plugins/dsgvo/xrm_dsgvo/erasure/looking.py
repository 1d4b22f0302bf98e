"""``dsgvoErasurePlan``: a plan is read again as it was opened, and once it was run what was done by it. No content."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from xrm_core.api import QueryContext, QueryField, Refuse
from xrm_dsgvo.erasure.steps import STEPS
from xrm_dsgvo.erasure.surface import RUN, Kept, PlanDefect, PlannedField, PlannedRecord, StepDone


@dataclass
class ErasurePlanInput:
    """Which."""

    run: str


@dataclass
class ErasurePlanRead:
    """The plan of ``planned_on``; ``steps`` and ``kept`` are empty until it was run."""

    status: str
    trigger: str
    plan_hash: str
    planned_on: date
    needs_review: bool
    records: list[PlannedRecord]
    defects: list[PlanDefect]
    steps: list[StepDone]
    kept: list[Kept]
    backup_clear_on: date | None


def read_plan(context: QueryContext, given: ErasurePlanInput) -> ErasurePlanRead:
    """Read it.

    Raises:
        Refuse: there is no such plan, or it was opened before plans were kept.
    """
    stored = context.read(RUN, given.run)
    plan: Mapping[str, Any] | None = None if stored is None else stored.get("plan")
    if stored is None or plan is None:
        text = {
            "en": "There is no such plan, or it is from before plans were kept: open it anew.",
            "de": "Diesen Plan gibt es nicht, oder er ist von früher und wurde nicht aufbewahrt: neu öffnen.",
        }
        raise Refuse(text, field="run")
    records = [_record(each) for each in plan["records"]]
    report = stored["report"] or {"steps": {}, "kept": []}
    return ErasurePlanRead(
        status=str(stored["status"]),
        trigger=str(stored["trigger"]),
        plan_hash=str(stored["plan_hash"]),
        planned_on=date.fromisoformat(plan["day"]),
        needs_review=any(each.decision == "review" for record in records for each in record.fields),
        records=records,
        defects=[PlanDefect(each["entity"], each["id"], each["code"], each["what"]) for each in plan["defects"]],
        steps=_steps(report["steps"]),
        kept=[Kept(kind, said, why, _day(until), count) for kind, said, why, until, count in report["kept"]],
        backup_clear_on=_day(stored["backup_clear_on"]),
    )


def _steps(counts: Mapping[str, int]) -> list[StepDone]:
    """In the order in which they are done, which JSON does not keep."""
    order = [each.name for each in STEPS]
    names = sorted(counts, key=lambda name: (order.index(name) if name in order else len(order), name))
    return [StepDone(name, counts[name]) for name in names]


def _record(said: Mapping[str, Any]) -> PlannedRecord:
    return PlannedRecord(said["entity"], said["id"], said["action"], said["cut"], [_field(f) for f in said["fields"]])


def _field(said: Mapping[str, Any]) -> PlannedField:
    why = said["decision"], said["code"], said["strategy"], said["basis"]
    return PlannedField(said["name"], *why, _day(said["until"]), said["class"])


def _day(said: Any) -> date | None:
    return None if said is None else date.fromisoformat(str(said)[:10])


def query_fields() -> list[QueryField]:
    """``dsgvoErasurePlan``."""
    about = {"en": "A plan of erasure, and what was done by it.", "de": "Ein Löschplan, und was danach getan wurde."}
    return [
        QueryField(
            "dsgvo.erasure_plan", read_plan, input=ErasurePlanInput, answers=ErasurePlanRead, cost=5, description=about
        )
    ]
