"""Plans that are too large for a request are made, and looked at again, by a job.

So many records that a request would take too long, or hold the database too long: then ``dsgvoErasureOpen`` answers
that the plan is being made, and ``dsgvoErasureRun`` that it goes on, and ``dsgvoErasurePlan`` says how it stands.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from xrm_core.api import JobContext, JobDied, JobHandler, Refuse, enqueue
from xrm_dsgvo import own
from xrm_dsgvo.erasure.keeping import RUN, keep, read_run
from xrm_dsgvo.erasure.mentioned import exported, mentioned
from xrm_dsgvo.erasure.parts import PLAN, Progress, failure
from xrm_dsgvo.erasure.persons import Same, restrictions_of, same_person
from xrm_dsgvo.erasure.pieces import Piece, put
from xrm_dsgvo.erasure.plan import Plan
from xrm_dsgvo.erasure.planned import planned_of
from xrm_dsgvo.erasure.starting import start
from xrm_dsgvo.own import Writing
from xrm_dsgvo.privacy import privacy_of
from xrm_dsgvo.restriction.standing import require_erasable

MAKE = "dsgvo.erasure_plan"
_SECONDS = 600.0

CHANGED = "PLAN_CHANGED"


def is_large(context: Writing, plan: Mapping[str, Any]) -> bool:
    """Whether a plan that is kept is looked at again by a job."""
    return len(plan["records"]) > int(context.settings.erasure_planned_at_once)


def made(context: Any, scope: dict[str, Any], same: Same, most: int | None = None) -> Plan:
    """Plan an erasure, with the texts of others that name the person.

    Args:
        context: reads.
        scope: of a run: whose data and why; what is searched is noted in it.
        same: the other records of the person.
        most: so many records, at most.

    Raises:
        TooManyRecords: there are more.
    """
    texts = mentioned(context, scope, same.records, most)
    sealed = scope["scope"].get("sealed_texts", ())
    scope["scope"] |= {"texts": [*exported(texts or []), *sealed], "many_texts": texts is None}
    return planned_of(context, scope, same.records, most)


def keep_made(context: Writing, run: str, scope: Mapping[str, Any], planned: Plan, same: Same) -> None:
    """Keep a plan with the run, and the records that may be the same person's."""
    keep(context, run, scope, planned.exported())
    maybe = [[each.entity, each.id, list(each.fields), each.code] for each in same.candidates]
    put(context, run, Piece.CANDIDATES, maybe)


def make_later(context: Writing, run: str, owner: str | None) -> None:
    """Let a job make the plan of a run."""
    enqueue(context.connection, MAKE, {"run": run}, key=f"{MAKE} {run}", owner=owner)


def make(job: JobContext, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Make the plan: reading holds nobody up."""
    run = str(payload["run"])
    with job.read() as connection:
        context = own.within(job, connection)
        stored: Any = read_run(context, run)
        if stored is None or stored["status"] != "planning":
            return {"status": "gone" if stored is None else stored["status"]}
        found = _made_of(context, stored)
    if found is None:
        return {"status": own.in_job(job, partial(fail_to_plan, run=run, code="REFUSED_BY_PLUGIN"))}
    same, planned = found
    keeping = partial(_keep, run=run, scope=stored["scope"], same=same, planned=planned)
    return {"status": own.in_job(job, keeping, _SECONDS)}


def look_again(context: Any, stored: Mapping[str, Any]) -> str:
    """The first part of a large run, by a job: the plan as things are now has to be the one that was approved.

    Returns:
        The status of the run. It is planned again, with a failure that says why, if nothing was done.
    """
    run = str(stored["id"])
    same = same_person(context, privacy_of(context.records.model), stored)
    planned = planned_of(context, stored, same.records)
    if planned.hash != stored["plan_hash"] or planned.needs_review:
        return _back(context, run, CHANGED)
    done: list[Mapping[str, Any]] = []
    refusal = context.attempt(lambda: done.append(start(context, stored, planned, same, {})[0]))
    return str(done[0]["status"]) if refusal is None else _back(context, run, refusal.code)


def fail_to_plan(context: Writing, run: str, code: str) -> str:
    """Keep that a plan was not made, and why; answers the status."""
    context.hold(RUN, run)
    stored = context.read(RUN, run)
    if stored is None or stored["status"] != "planning":
        return "gone" if stored is None else str(stored["status"])
    own.change(context, RUN, run, {"status": "failed", "progress": _why(code)})
    return "failed"


def jobs() -> list[JobHandler]:
    """What makes plans."""
    return [JobHandler(MAKE, make, attempts=3, dead=_died)]


def _made_of(context: Any, stored: Any) -> tuple[Same, Plan] | None:
    """None: the person wants their data kept."""
    same = same_person(context, privacy_of(context.records.model), stored)
    try:
        require_erasable(restrictions_of(context, stored, same.records), str(stored["trigger"]))
    except Refuse:
        return None
    return same, made(context, stored, same)


def _died(job: JobDied, payload: Mapping[str, Any]) -> None:
    context: Any = job.within()
    fail_to_plan(context, str(payload["run"]), job.code)


def _keep(context: Writing, run: str, scope: Mapping[str, Any], planned: Plan, same: Same) -> str:
    context.hold(RUN, run)
    stored = context.read(RUN, run)
    if stored is None or stored["status"] != "planning":
        return "gone" if stored is None else str(stored["status"])
    own.change(context, RUN, run, {"status": "planned", "plan_hash": planned.hash, "progress": None})
    keep_made(context, run, scope, planned, same)
    return "planned"


def _back(context: Writing, run: str, code: str) -> str:
    nobody = {"approved_by": None, "approved_at": None, "ran_at": None}
    own.change(context, RUN, run, {"status": "planned", "progress": _why(code), **nobody})
    return "planned"


def _why(code: str) -> dict[str, Any]:
    return Progress(step=PLAN, failures=[failure(PLAN, code)]).exported()
