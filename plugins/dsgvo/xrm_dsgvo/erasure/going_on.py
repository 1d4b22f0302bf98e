"""Large erasures go on by a job, part by part. What was killed goes on where it was; what refuses is told."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from xrm_core.api import JobContext, JobDied, JobFailed, JobHandler, destroy_many_keys, enqueue
from xrm_dsgvo import own
from xrm_dsgvo.erasure.arriving import APART, Names, names_kept, put_apart
from xrm_dsgvo.erasure.beside import LEFT, SYSTEM, left_beside, named_by
from xrm_dsgvo.erasure.ending import COMPLETE, ended
from xrm_dsgvo.erasure.holding import held
from xrm_dsgvo.erasure.in_stores import LATER, erase_in_stores, waits_for_stores
from xrm_dsgvo.erasure.keeping import RUN, close, read_run
from xrm_dsgvo.erasure.large import look_again
from xrm_dsgvo.erasure.parts import (
    BEFORE_HISTORY,
    PLAN,
    Progress,
    failure,
    go_on,
    keys_kept,
    names_anybody,
    search_system,
)
from xrm_dsgvo.erasure.plan import Plan, kept_plan
from xrm_dsgvo.erasure.planned import planned_of
from xrm_dsgvo.erasure.running import carry_out
from xrm_dsgvo.erasure.steps import needles_of
from xrm_dsgvo.own import Writing
from xrm_dsgvo.privacy import privacy_of

ERASE = "dsgvo.erase"
_ATTEMPTS = 10
_SECONDS = 600.0
"""Of the transaction of a part; that which plans a very large one anew is the longest."""


@dataclass
class ErasureFailure:
    """What has refused: in which step, by which error code, and of which record, if it is one."""

    step: str
    code: str
    entity: str | None
    record: str | None


def enqueue_run(context: Writing, run: str, owner: str | None) -> None:
    """Let a job go on with a run; one of them at a time."""
    enqueue(context.connection, ERASE, {"run": run}, key=f"{ERASE} {run}", owner=owner)


def erase(job: JobContext, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Go on until all is done, or nothing more goes."""
    run = str(payload["run"])
    parts, through = _Parts(run), False
    try:
        while not through:
            if waits_for_stores(job, run):
                status = erase_in_stores(job, run)
            else:
                status, percent = own.in_job(job, parts.next, _SECONDS)
                job.progress(percent)
            through = status != "running"
    finally:
        if job.cancelled and not through:
            job.transact_anyway(lambda connection: fail(own.within(job, connection), run, "CANCELLED"))
    if status == LATER:
        raise JobFailed("Stores of plugins have not erased what they have: dsgvoErasurePlan says which.")
    if status == "failed":
        raise JobFailed("Parts of the erasure were refused: dsgvoErasurePlan says which.", retry=False)
    return {"status": status}


class _Parts:
    """The parts of one run as one attempt does them: the plan is read once, and so is what names the person.

    Before each of them what has come in of the person meanwhile is put apart.
    """

    def __init__(self, run: str) -> None:
        self._run = run
        self._plan: Plan | None = None
        self._needles: frozenset[str] | None = None
        self._scope: Mapping[str, Any] = {}
        self._names = Names()

    def next(self, context: Writing) -> tuple[str, int]:
        """Do the next part; answers the status of the run after it, and how much is done."""
        context.hold(RUN, self._run)
        stored = context.read(RUN, self._run)
        if stored is None or stored["status"] != "running":
            return ("gone" if stored is None else str(stored["status"])), 100
        progress = Progress.of(stored["progress"])
        if progress.step == PLAN:
            return look_again(context, read_run(context, self._run) or stored), 0
        if self._plan is None:
            kept = read_run(context, self._run) or stored
            self._plan, self._scope = kept_plan(context.records.model, kept["plan"]), kept["scope"]
            self._names = names_kept(context, self._run) or Names()
        stored = {**stored, "scope": self._scope}
        count, refused = put_apart(context, stored, self._plan, self._names.known)
        progress.counts[APART] = progress.counts.get(APART, 0) + count
        if progress.is_through:
            if refused:
                return fail(context, self._run, refused[0]["code"] or "", refused), progress.percent()
            return _finish(context, stored, self._plan, progress, self._names.named), 100
        if held(context, self._plan):
            return fail(context, self._run, "LEGAL_HOLD"), progress.percent()
        if progress.step == SYSTEM:
            # without a key store what names the person is known as long as the change log is, and this worker is at it
            self._names = Names(self._names.known, self._names.named or named_by(context, self._plan))
            status = search_system(context, progress, self._plan, self._names.named)
            own.change(context, RUN, self._run, {"status": status, "progress": progress.exported()})
            return status, progress.percent()
        needles: frozenset[str] = frozenset()
        if names_anybody(progress.step, self._plan):
            if self._needles is None:
                self._needles = needles_of(context, privacy_of(context.records.model), self._plan)
            needles = self._needles
        go_on(context, self._run, self._plan, progress, needles, context.settings.erasure_batch)
        # as long as a text could not be blackened, former values say what names the person
        status = "failed" if progress.failures and progress.step not in BEFORE_HISTORY else "running"
        own.change(context, RUN, self._run, {"status": status, "progress": progress.exported()})
        return status, progress.percent()


def fail(context: Writing, run: str, code: str, failures: Iterable[dict[str, str | None]] = ()) -> str:
    """Keep that a run does not go on, and why; answers its status. ``failures`` say it more exactly."""
    context.hold(RUN, run)
    stored = context.read(RUN, run)
    if stored is None or stored["status"] != "running":
        return "gone" if stored is None else str(stored["status"])
    progress = Progress.of(stored["progress"])
    progress.failures += list(failures) or [failure(progress.step or "look", code)]
    own.change(context, RUN, run, {"status": "failed", "progress": progress.exported()})
    return "failed"


def jobs() -> list[JobHandler]:
    """What goes on with runs."""
    return [JobHandler(ERASE, erase, attempts=_ATTEMPTS, dead=_died)]


def _died(job: JobDied, payload: Mapping[str, Any]) -> None:
    context: Any = job.within()
    fail(context, str(payload["run"]), job.code)


def _finish(context: Writing, stored: Mapping[str, Any], plan: Plan, progress: Progress, named: frozenset[str]) -> str:
    """Look for the person again: what has come meanwhile goes now; then the keys. Else the run has failed.

    ``named`` is that by which the queue was searched: it is searched once more.
    """
    run = str(stored["id"])
    person = (str(stored["entity_name"]), str(stored["record_id"]))
    again: Callable[[], Plan] = partial(planned_of, context, stored, own_of(plan, person))
    left, counts = again(), dict(progress.counts)
    if left.needs_review:
        return fail(context, run, "TEXTS_TO_REVIEW")

    def rest() -> None:
        for name, count in carry_out(context, left, again, person).items():
            counts[name] = counts.get(name, 0) + count

    if (refusal := context.attempt(rest)) is not None:
        return fail(context, run, refusal.code)
    count, beside = left_beside(context, named)
    if beside:
        return fail(context, run, LEFT, beside)
    counts[SYSTEM] = counts.get(SYSTEM, 0) + count
    destroy_many_keys(context.connection, [*keys_kept(context, run), (run, None)])
    done = ended(context, plan, counts, progress.stores)
    close(context, stored, plan, done)
    return str(done["status"])


def own_of(plan: Plan, person: tuple[str, str]) -> list[tuple[str, str]]:
    """The other records that are the person, as they were when it was planned: nothing joins them any more."""
    return [key for each in plan.records if each.own and (key := (each.entity, each.id)) != person]


__all__ = ["COMPLETE", "ERASE", "ErasureFailure", "enqueue_run", "erase", "fail", "jobs"]
