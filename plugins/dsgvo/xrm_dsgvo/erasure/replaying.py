"""An erasure is done again, once the restore of a backup has brought back what it had erased."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from xrm_core.api import Replay, keep_beyond_restore
from xrm_dsgvo import own
from xrm_dsgvo.erasure.facts import Trigger
from xrm_dsgvo.erasure.persons import same_person
from xrm_dsgvo.erasure.plan import Decision, FieldPlan, Plan, RecordAction, RecordPlan
from xrm_dsgvo.erasure.planned import planned_of
from xrm_dsgvo.erasure.steps import STEPS, Work, needles_of
from xrm_dsgvo.own import Writing
from xrm_dsgvo.privacy import privacy_of

KIND = "dsgvo.erasure"
_RUN = "erasure_run"
_SCOPE = ("trigger", "entity_name", "record_id", "scope")


def keep(context: Writing, run: str, stored: Mapping[str, Any], planned: Plan, done: Mapping[str, Any]) -> None:
    """Keep what a run has done: ids, names of fields, and its report, which has no content."""
    said = {name: stored[name] for name in _SCOPE} | {"plan_hash": stored["plan_hash"], **done}
    said.pop("approved_by", None)  # who that was may not be known to the backup
    keep_beyond_restore(context.connection, KIND, {"run": run, "said": said, "plan": planned.exported()})


def replay(context: Writing, content: Mapping[str, Any]) -> None:
    """Erase again: what belongs to the person in the data as they are, then all that the run had erased.

    The first also reaches what had been deleted by other ways before the run; the second what is held or kept by
    something that was ended before it.
    """
    said = content["said"]
    needles: frozenset[str] = frozenset()
    for planned in (_as_things_are(context, said), _as_it_was(context, content["plan"])):
        if planned is not None:
            privacy = privacy_of(context.records.model)
            needles |= needles_of(context, privacy, planned)
            work = Work(context, privacy, planned, needles)
            for step in STEPS:
                step.do(work)
    _note(context, content)


def replays() -> list[Replay]:
    """What the plugin does again."""
    return [Replay(KIND, replay)]


def _as_things_are(context: Writing, said: Mapping[str, Any]) -> Plan | None:
    """A plan of what is there. On texts that nobody had to decide on any more when it ran, nobody has to now."""
    entity, record = str(said["entity_name"]), str(said["record_id"])
    if entity not in context.records.model or context.read(entity, record) is None:
        return None
    looking: Any = context
    same, _ = same_person(looking, privacy_of(context.records.model), said)
    planned = planned_of(looking, said, same)
    open_ = [[at.entity, at.id, each.name, True] for at, each in planned.fields() if each.decision is Decision.REVIEW]
    if not open_:
        return planned
    scope = {**said["scope"], "reviewed": [*said["scope"]["reviewed"], *open_]}
    return planned_of(looking, {**said, "scope": scope}, same)


def _as_it_was(context: Writing, said: Mapping[str, Any]) -> Plan:
    """The plan that was run, as far as the model still has its entities and fields."""
    model = context.records.model
    records = [_record(model[each["entity"]], each) for each in said["records"] if each["entity"] in model]
    return Plan(Trigger(said["trigger"]), date.fromisoformat(said["day"]), tuple(records))


def _record(entity: Any, said: Mapping[str, Any]) -> RecordPlan:
    fields = [
        FieldPlan(each["name"], Decision(each["decision"]), each["code"], each["strategy"], each["basis"])
        for each in said["fields"]
        if each["name"] in entity.fields
    ]
    cut = tuple(name for name in said["cut"] if name in entity.fields)
    action = RecordAction(said["action"])
    return RecordPlan(said["entity"], said["id"], said["datenart"], action, tuple(fields), cut)


def _note(context: Writing, content: Mapping[str, Any]) -> None:
    """The run says again that it was done: its plan alone may have come back, or not even that."""
    said = content["said"]
    stored = context.read(_RUN, content["run"])
    if stored is None:
        own.create(context, _RUN, {**said, "plan": content["plan"]})
    elif stored["status"] == "planned":
        done = {name: value for name, value in said.items() if name not in (*_SCOPE, "plan_hash")}
        own.change(context, _RUN, content["run"], done)
