"""An erasure is done again, once the restore of a backup has brought back what it had erased."""

from collections.abc import Mapping
from typing import Any

from xrm_core.api import Record, Replay, erase_in_vault, forget_answers, keep_beyond_restore
from xrm_dsgvo import own
from xrm_dsgvo.erasure.beside import left_beside, named_by
from xrm_dsgvo.erasure.keeping import RUN, close, read_run, without_ids
from xrm_dsgvo.erasure.persons import restrictions_of, same_person
from xrm_dsgvo.erasure.plan import Decision, Plan, kept_plan
from xrm_dsgvo.erasure.planned import planned_of
from xrm_dsgvo.erasure.steps import STEPS, Work, needles_of
from xrm_dsgvo.own import Writing
from xrm_dsgvo.privacy import privacy_of
from xrm_dsgvo.restriction.standing import RESTRICTION, brought_back
from xrm_dsgvo.stores.restored import after_restore

KIND = "dsgvo.erasure"
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
    said, was = content["said"], kept_plan(context.records.model, content["plan"])
    for restriction in restrictions_of(context, said, [(each.entity, each.id) for each in was.records if each.own]):
        _out_of_vault(context, restriction)
    needles, named = frozenset[str](), frozenset[str]()
    for planned in (_as_things_are(context, said), was):
        if planned is not None:
            privacy = privacy_of(context.records.model)
            needles |= needles_of(context, privacy, planned)
            named |= named_by(context, planned)
            work = Work(context, privacy, planned, needles, anew=True)
            for step in STEPS:
                step.do(work)
    forget_answers(context)
    left_beside(context, named)  # queue and outbox came back with the backup
    _note(context, content, was)
    after_restore(context, ((each.entity, each.id) for each in was.records if each.own))


def replays() -> list[Replay]:
    """What the plugin does again."""
    return [Replay(KIND, replay)]


def _out_of_vault(context: Writing, restriction: Record) -> None:
    """What was restricted when the backup was made comes back for the erasure; or ends there, if nobody can open it."""
    refusal = context.attempt(lambda: brought_back(context, [restriction]))
    if refusal is None:
        return
    if refusal.code != "SEALED_KEY_DESTROYED":
        raise refusal
    erase_in_vault(context, str(restriction["deposit"]))
    own.change(context, RESTRICTION, str(restriction["id"]), {"status": "lifted", "deposit": None})


def _as_things_are(context: Writing, said: Mapping[str, Any]) -> Plan | None:
    """A plan of what is there. On texts that nobody had to decide on any more when it ran, nobody has to now."""
    entity, record = str(said["entity_name"]), str(said["record_id"])
    if entity not in context.records.model or context.read(entity, record) is None:
        return None
    looking: Any = context
    same = same_person(looking, privacy_of(context.records.model), said).records
    planned = planned_of(looking, said, same)
    open_ = [[at.entity, at.id, each.name, True] for at, each in planned.fields() if each.decision is Decision.REVIEW]
    if not open_:
        return planned
    scope = {**said["scope"], "reviewed": [*said["scope"]["reviewed"], *open_]}
    return planned_of(looking, {**said, "scope": scope}, same)


def _note(context: Writing, content: Mapping[str, Any], was: Plan) -> None:
    """The run says again that it was done: its plan alone may have come back, or not even that."""
    said, run = content["said"], str(content["run"])
    stored = read_run(context, run)
    if stored is None:
        run = own.create(context, RUN, {**said, **without_ids(said["scope"])})
        stored = {**said, "id": run}
    if not str(stored["status"]).startswith("complete") or stored.get("record_id") is not None:
        done = {name: value for name, value in said.items() if name not in (*_SCOPE, "plan_hash")}
        close(context, {**said, "id": run}, was, done)
