"""Where an opportunity stands: it begins in a stage, moves from one to another, and everything that follows is here."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from xrm_core.api import ActionContext, HookContext, Record, RecordChange, Refuse
from xrm_sales.moments import now, today
from xrm_sales.opportunities.checks import check_stage
from xrm_sales.opportunities.ending import check_end
from xrm_sales.opportunities.history import begin_periods, next_periods

OPPORTUNITY = "opportunity"
WORDS = {
    "won": {"en": "An opportunity is won by the action winOpportunity.", "de": "Gewonnen wird durch winOpportunity."},
    "lost": {
        "en": "An opportunity is lost by the action loseOpportunity.",
        "de": "Verloren wird durch loseOpportunity.",
    },
    "open": {"en": "It is opened again by reopenOpportunity.", "de": "Wieder geöffnet wird durch reopenOpportunity."},
}


def begin(change: RecordChange) -> Mapping[str, Any]:
    """A new opportunity begins in the stage that is given, or in the first of its pipeline, or of the default one.

    One from elsewhere may be closed already: then it says when, and why it was lost; and whoever creates it may write
    the status, as an import may. All others win and lose by the actions.
    """
    given = change.changes
    pipeline, stage = _place(change, given)
    wanted: dict[str, Any] = {
        "pipeline": pipeline["id"],
        "stage": stage["id"],
        "status": stage["kind"],
        "stage_since": now(),
        "engaged_on": given.get("engaged_on") or today(),
        "probability": _or(given.get("probability"), stage["probability"]),
        "forecast_category": given.get("forecast_category") or stage["forecast_category"],
    }
    whole = {**given, **wanted}
    if stage["kind"] != "open" and not whole.get("closed_on"):
        raise Refuse(WORDS[stage["kind"]], field="stage")
    check_end(change, whole)
    if stage["kind"] != "lost":
        check_stage(change, stage, whole)
    if stage["kind"] != "open":
        change.then(partial(_check_right, stage["kind"]))
    change.then(begin_periods, key="first periods")
    return wanted


def move(change: RecordChange) -> Mapping[str, Any]:
    """An opportunity moves to another stage, or ends, or is opened again.

    The status follows the stage. It is written along with it by the actions alone, or by whoever may change the field:
    so who may move an opportunity may not end it for that.
    """
    whole = change.after
    pipeline, stage = _place(change, whole, moved="pipeline" in change.changes)
    if stage["kind"] != whole["status"]:
        raise Refuse(WORDS[stage["kind"]], field="stage")
    if stage["id"] == change.before["stage"]:
        return {}
    wanted: dict[str, Any] = {
        "pipeline": pipeline["id"],
        "stage": stage["id"],
        "stage_since": now(),
        "stalled_since": None,
        "probability": _or(change.changes.get("probability"), stage["probability"]),
        "forecast_category": change.changes.get("forecast_category") or stage["forecast_category"],
    }
    whole = {**whole, **wanted}
    check_end(change, whole)
    if stage["kind"] != "lost" and _goes_on(change, stage):
        check_stage(change, stage, whole)
    change.then(next_periods, key="next periods")
    return wanted


def _check_right(kind: str, context: HookContext, _: str) -> None:
    """Whoever may write the status of a new one may create a closed one: it is written along with the stage.

    Raises:
        Refuse: they may not.
    """
    caller: Any = context.caller
    right = caller.access.get(OPPORTUNITY, "create")
    if right is None or "status" not in right.fields:
        raise Refuse(WORDS[kind], field="stage")


def _place(change: RecordChange, record: Mapping[str, Any], *, moved: bool = False) -> tuple[Record, Record]:
    """The pipeline and the stage of a record; where they are left out, the default one and the first."""
    stage = change.read("stage", record.get("stage")) if record.get("stage") else None
    if stage is not None and not (moved and stage["pipeline"] != record["pipeline"] and "stage" not in change.changes):
        pipeline = change.read("pipeline", record.get("pipeline") or stage["pipeline"])
        if pipeline is None or stage["pipeline"] != pipeline["id"]:
            text = {
                "en": f"The stage {stage['name']} belongs to another pipeline.",
                "de": f"Die Phase {stage['name']} gehört zu einer anderen Pipeline.",
            }
            raise Refuse(text, field="stage")
        return pipeline, stage
    pipeline = change.read("pipeline", record["pipeline"]) if record.get("pipeline") else _default(change)
    if pipeline is None:  # a reference to nothing is refused by the platform, with its own words
        raise Refuse({"en": "There is no such pipeline.", "de": "Diese Pipeline gibt es nicht."}, field="pipeline")
    return pipeline, first_stage(change, pipeline)


def first_stage(look: RecordChange | ActionContext, pipeline: Record) -> Record:
    """The first open stage of a pipeline."""
    where = {"pipeline": {"id": {"eq": pipeline["id"]}}, "kind": {"eq": "open"}}
    stages = sorted(look.find("stage", where), key=lambda stage: stage["position"])
    if not stages:
        text = {
            "en": f"The pipeline {pipeline['name']} has no open stage.",
            "de": f"Die Pipeline {pipeline['name']} hat keine offene Phase.",
        }
        raise Refuse(text, field="pipeline")
    return stages[0]


def _default(change: RecordChange) -> Record:
    found = change.find("pipeline", {"active": {"eq": True}, "is_default": {"eq": True}}, 1)
    if not found:
        text = {
            "en": "No pipeline is the default one: name one, or make one by salesInstallDefaults.",
            "de": "Keine Pipeline ist der Standard: eine angeben, oder eine durch salesInstallDefaults anlegen.",
        }
        raise Refuse(text, field="pipeline")
    return found[0]


def _goes_on(change: RecordChange, stage: Record) -> bool:
    """Whether the opportunity moves forward, or to another pipeline: going back asks nothing."""
    before = change.read("stage", change.before["stage"])
    return before is None or before["pipeline"] != stage["pipeline"] or before["position"] < stage["position"]


def _or(value: Any, other: Any) -> Any:
    return other if value is None else value


def keep_stage(change: RecordChange) -> None:
    """A stage in which opportunities are stays what it is: their status follows it.

    Raises:
        Refuse: there are some.
    """
    if change.find(OPPORTUNITY, {"stage": {"id": {"eq": change.before["id"]}}}, 1):
        text = {
            "en": "There are opportunities in this stage: its kind and its pipeline stay.",
            "de": "In dieser Phase sind Verkaufschancen: Art und Pipeline bleiben.",
        }
        raise Refuse(text, field="kind" if "kind" in change.changes else "pipeline")
