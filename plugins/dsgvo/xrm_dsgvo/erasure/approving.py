"""A plan is approved and run, by somebody else where much depends on it; what has failed goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from xrm_core.api import Action, ActionContext, Refuse, data_stores
from xrm_dsgvo import own
from xrm_dsgvo.erasure.ending import days
from xrm_dsgvo.erasure.going_on import enqueue_run
from xrm_dsgvo.erasure.keeping import RUN, read_run
from xrm_dsgvo.erasure.large import is_large, make_later
from xrm_dsgvo.erasure.parts import ORDER, PLAN, Progress
from xrm_dsgvo.erasure.persons import Same, same_person
from xrm_dsgvo.erasure.plan import Plan, kept_plan
from xrm_dsgvo.erasure.planned import planned_of
from xrm_dsgvo.erasure.starting import start
from xrm_dsgvo.erasure.steps import STEPS
from xrm_dsgvo.own import Writing
from xrm_dsgvo.privacy import privacy_of
from xrm_dsgvo.stores.steps import again


@dataclass
class ErasureRunInput:
    """Which, and the plan that was looked at."""

    run: str
    plan_hash: str


@dataclass
class StepDone:
    """How much a step has done."""

    name: str
    count: int


@dataclass
class Kept:
    """What stays, why, and until when."""

    datenart: str
    decision: str
    basis: str
    until: date | None
    records: int


@dataclass
class ErasureDone:
    """What was done, what stays, and when the last backup with it is gone.

    ``running``: the person is out of reach, and a job goes on with the rest: ``dsgvoErasurePlan`` says how far it is.
    """

    status: str
    steps: list[StepDone]
    kept: list[Kept]
    backup_clear_on: date | None


@dataclass
class ErasureApproved:
    """Who has approved it, and that may be run now."""

    run: str
    status: str


@dataclass
class ErasureResumeInput:
    """Which."""

    run: str


@dataclass
class ErasureResumed:
    """It goes on."""

    run: str
    status: str


def approve(context: ActionContext, given: ErasureRunInput) -> ErasureApproved:
    """Approve a plan, if it still is what was looked at. Nothing is erased yet.

    Raises:
        Refuse: it is not, somebody has to decide first, or somebody else has to approve it.
    """
    stored = _held(context, given.run, "planned")
    planned, _ = _as_seen(context, stored, given.plan_hash)
    _four_eyes(context, stored, planned)
    values = {"status": "approved", "approved_by": context.caller.actor, "approved_at": own.now()}
    own.change(context, RUN, given.run, values)
    return ErasureApproved(given.run, "approved")


def run(context: ActionContext, given: ErasureRunInput) -> ErasureDone:
    """Carry a plan out, if it still is what was looked at: all of it, or of a large one the person alone, and then the
    rest by a job, as what there is in stores of plugins. Whoever runs one that nobody has approved approves it. Of a
    very large one the job looks whether it still is the same, before anything goes.

    Raises:
        Refuse: it is not, somebody has to decide first, or somebody else has to run it.
    """
    stored = _held(context, given.run, "planned", "approved")
    planned, same = _as_seen(context, stored, given.plan_hash)
    values: dict[str, Any] = {"progress": None}
    if stored["status"] == "planned":
        _four_eyes(context, stored, planned)
        values |= {"approved_by": context.caller.actor, "approved_at": own.now()}
    if same is None:
        waiting = {"status": "running", "ran_at": own.now(), "progress": Progress(step=PLAN).exported()}
        own.change(context, RUN, given.run, {**values, **waiting})
        enqueue_run(context, given.run, context.caller.actor)
        return _done(waiting, {})
    done, steps = start(context, stored, planned, same, values)
    if done["status"] == "running":
        enqueue_run(context, given.run, context.caller.actor)
    return _done(done, steps)


def resume(context: ActionContext, given: ErasureResumeInput) -> ErasureResumed:
    """Let a run go on that has failed, or that could not be planned, once what stood in its way is mended; or one whose
    job is gone.

    Raises:
        Refuse: there is no such run that has begun and is not done.
    """
    return ErasureResumed(given.run, let_go_on(context, given.run, context.caller.actor))


def let_go_on(context: Writing, run: str, actor: str | None = None) -> str:
    """The same, in whatever transaction; answers the status. Raises Refuse as :func:`resume`."""
    stored = _held(context, run, "planning", "failed", "running")
    progress = Progress.of(stored["progress"])
    if stored["status"] == "planning" or (stored["status"] == "failed" and progress.step == PLAN):
        own.change(context, RUN, run, {"status": "planning", "progress": None})
        make_later(context, run, actor)
        return "planning"
    if stored["status"] == "failed":
        progress.step, progress.at, progress.failures = ORDER[0], 0, []  # what is done already is found so
        progress.stores = again(progress.stores, data_stores(context))
        own.change(context, RUN, run, {"status": "running", "progress": progress.exported()})
    enqueue_run(context, run, actor)
    return "running"


def actions() -> list[Action]:
    """``dsgvoErasureApprove``, ``dsgvoErasureRun`` and ``dsgvoErasureResume``."""
    approves = {"en": "Approve a plan of erasure.", "de": "Einen Löschplan freigeben."}
    runs = {"en": "Carry out a plan of erasure.", "de": "Einen Löschplan ausführen."}
    resumes = {"en": "Let an erasure go on that has failed.", "de": "Eine gescheiterte Löschung fortsetzen."}
    return [
        Action("dsgvo.erasure_approve", approve, input=ErasureRunInput, answers=ErasureApproved, description=approves),
        Action("dsgvo.erasure_run", run, input=ErasureRunInput, answers=ErasureDone, description=runs),
        Action("dsgvo.erasure_resume", resume, input=ErasureResumeInput, answers=ErasureResumed, description=resumes),
    ]


def steps_done(counts: Mapping[str, int]) -> list[StepDone]:
    """In the order in which they are done, which JSON does not keep."""
    order = [each.name for each in STEPS]
    names = sorted(counts, key=lambda name: (order.index(name) if name in order else len(order), name))
    return [StepDone(name, counts[name]) for name in names]


def kept_told(report: Mapping[str, Any]) -> list[Kept]:
    """What stays, of the report that is kept."""
    return [Kept(kind, said, why, days(until), count) for kind, said, why, until, count in report.get("kept", ())]


def _held(context: Writing, run: str, *states: str) -> Any:
    context.hold(RUN, run)
    stored = read_run(context, run)
    if stored is None or stored["status"] not in states:
        text = {
            "en": "There is no such plan, or it is in another state.",
            "de": "Diesen Plan gibt es nicht, oder er hat einen anderen Status.",
        }
        raise Refuse(text, field="run")
    return stored


def _as_seen(context: ActionContext, stored: Any, plan_hash: str) -> tuple[Plan, Same | None]:
    """The plan as things are now, which has to be the one that was looked at; and the other records of the person.
    A very large one as it was looked at, and None: a job looks at it again.
    """
    later = is_large(context, stored["plan"])
    same = None if later else same_person(context, privacy_of(context.records.model), stored)
    planned = kept_plan(context.records.model, stored["plan"])
    if same is not None:
        planned = planned_of(context, stored, same.records)
    if plan_hash != stored["plan_hash"] or (not later and planned.hash != stored["plan_hash"]):
        text = {
            "en": "The data have changed since: open the plan anew.",
            "de": "Die Daten haben sich seither geändert: den Plan neu öffnen.",
        }
        raise Refuse(text, field="planHash")
    if planned.needs_review:
        text = {
            "en": "Decide on the texts that are to be reviewed.",
            "de": "Erst über die zu prüfenden Texte entscheiden.",
        }
        raise Refuse(text, field="reviewed")
    return planned, same


def _four_eyes(context: ActionContext, stored: Any, planned: Plan) -> None:
    much = len(planned.records) > context.settings.erasure_alone or bool(stored["scope"]["reviewed"])
    if much and context.caller.actor in (None, stored["created_by"]):
        text = {
            "en": "Somebody else than who has opened the plan runs it.",
            "de": "Den Plan führt jemand anderes aus, als ihn geöffnet hat.",
        }
        raise Refuse(text, field="run")


def _done(done: Mapping[str, Any], steps: Mapping[str, int]) -> ErasureDone:
    kept = kept_told(done.get("report", {}))
    return ErasureDone(str(done["status"]), steps_done(steps), kept, days(done.get("backup_clear_on")))
