"""``dsgvoErasurePlan``: a plan is read again as it was opened, how far it is, and what was done by it. No content."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from xrm_core.api import QueryContext, QueryField, Refuse
from xrm_dsgvo.erasure.approving import Kept, StepDone, kept_told, steps_done
from xrm_dsgvo.erasure.ending import days
from xrm_dsgvo.erasure.going_on import ErasureFailure
from xrm_dsgvo.erasure.keeping import read_run
from xrm_dsgvo.erasure.parts import Progress
from xrm_dsgvo.erasure.pieces import Piece, get
from xrm_dsgvo.erasure.surface import ErasureCandidate, PlanDefect, PlannedField, PlannedRecord


@dataclass
class ErasurePlanInput:
    """Which, and of its records so many after the first ones that were read already; without, all of them."""

    run: str
    first: int | None = None
    skip: int = 0


@dataclass
class ErasureStore:
    """How a store of a plugin is: ``status`` is open, done or failed, ``code`` why it is not done yet; how many items
    were erased there, and how many have to stay.
    """

    store: str
    status: str
    erased: int
    kept: int
    code: str


@dataclass
class ErasurePlanRead:
    """The plan of ``planned_on``, which is empty as long as a job makes it; ``steps`` are empty until it was run,
    ``kept`` until it is done. ``candidates`` are told until then. ``total``: how many entries ``records`` has in all.

    ``percent`` says how far a run is that goes on by a job, ``failures`` what stands in its way.
    """

    status: str
    trigger: str
    plan_hash: str | None
    planned_on: date | None
    needs_review: bool
    total: int
    records: list[PlannedRecord]
    defects: list[PlanDefect]
    candidates: list[ErasureCandidate]
    files_searched_on: date | None
    steps: list[StepDone]
    kept: list[Kept]
    backup_clear_on: date | None
    percent: int
    failures: list[ErasureFailure]
    stores: list[ErasureStore]


def read_plan(context: QueryContext, given: ErasurePlanInput) -> ErasurePlanRead:
    """Read it.

    Raises:
        Refuse: there is no such plan, or it was opened before plans were kept.
    """
    stored = read_run(context, given.run)
    plan: Mapping[str, Any] | None = None if stored is None else stored.get("plan")
    if stored is None or plan is None:
        text = {
            "en": "There is no such plan, or it is from before plans were kept: open it anew.",
            "de": "Diesen Plan gibt es nicht, oder er ist von früher und wurde nicht aufbewahrt: neu öffnen.",
        }
        raise Refuse(text, field="run")
    maybe = get(context, given.run, Piece.CANDIDATES) or ()
    if given.skip < 0 or (given.first is not None and given.first < 0):
        raise Refuse({"en": "Name 0 or more.", "de": "0 oder mehr angeben."}, field="first")
    all_ = plan["records"]
    records = [_record(each) for each in all_[given.skip :][: given.first]]
    progress = Progress.of(stored["progress"])
    report = stored["report"] or {"steps": progress.counts, "kept": []}
    is_done = str(stored["status"]).startswith("complete")
    return ErasurePlanRead(
        status=str(stored["status"]),
        trigger=str(stored["trigger"]),
        plan_hash=stored["plan_hash"],
        planned_on=days(plan.get("day")),
        needs_review=any(each["decision"] == "review" for record in all_ for each in record["fields"]),
        total=len(all_),
        records=records,
        defects=[
            PlanDefect(each["entity"], each["id"] or None, each["code"], each["what"]) for each in plan["defects"]
        ],
        candidates=[ErasureCandidate(entity, id_, fields, code) for entity, id_, fields, code in maybe],
        files_searched_on=days(stored["scope"].get("searched_on")),
        steps=steps_done(report["steps"]),
        kept=kept_told(report),
        backup_clear_on=days(stored["backup_clear_on"]),
        percent=100 if is_done else progress.percent(),
        failures=[_failure(each) for each in progress.failures],
        stores=[ErasureStore(name, **each) for name, each in (report.get("stores") or progress.stores).items()],
    )


def _record(said: Mapping[str, Any]) -> PlannedRecord:
    fields = [_field(each) for each in said["fields"]]
    return PlannedRecord(said["entity"], said["id"], said.get("count", 1), said["action"], said["cut"], fields)


def _failure(said: Mapping[str, Any]) -> ErasureFailure:
    return ErasureFailure(said["step"], said["code"], said["entity"], said["record"])


def _field(said: Mapping[str, Any]) -> PlannedField:
    why = said["decision"], said["code"], said["strategy"], said["basis"]
    return PlannedField(said["name"], *why, days(said["until"]), said["class"])


def query_fields() -> list[QueryField]:
    """``dsgvoErasurePlan``."""
    about = {"en": "A plan of erasure, and what was done by it.", "de": "Ein Löschplan, und was danach getan wurde."}
    return [
        QueryField(
            "dsgvo.erasure_plan",
            read_plan,
            input=ErasurePlanInput,
            answers=ErasurePlanRead,
            cost=5,
            seconds=20,
            description=about,
        )
    ]
