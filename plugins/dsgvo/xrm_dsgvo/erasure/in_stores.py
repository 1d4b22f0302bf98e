"""The part of a run that is done in stores of plugins: outside of transactions, each store noted on its own."""

from functools import partial
from typing import Any

from xrm_core.api import JobContext
from xrm_dsgvo import own
from xrm_dsgvo.erasure.holding import held
from xrm_dsgvo.erasure.keeping import RUN, read_run
from xrm_dsgvo.erasure.parts import STORES, Progress, failure, skip
from xrm_dsgvo.erasure.plan import kept_plan
from xrm_dsgvo.own import Writing
from xrm_dsgvo.stores.persons import of_plan
from xrm_dsgvo.stores.steps import FAILED, FOUND, NAMES_LOST, State, erased, open_of

LATER = "later"
"""Some stores are to be asked again."""


def waits_for_stores(job: JobContext, run: str) -> bool:
    """Whether stores are next in a run."""
    with job.read() as connection:
        stored = own.within(job, connection).read(RUN, run)
    return stored is not None and stored["status"] == "running" and Progress.of(stored["progress"]).waits_for_stores


def erase_in_stores(job: JobContext, run: str) -> str:
    """Have stores erase what they have of the person of a run that waits for them.

    Returns:
        ``running`` once all are done; ``later``; ``failed``: in one something is left, and somebody has to look.
    """
    with job.read() as connection:
        context = own.within(job, connection)
        stored: Any = read_run(context, run)
        progress, plan = Progress.of(stored["progress"]), kept_plan(context.records.model, stored["plan"])
        is_held, about = held(context, plan), of_plan(context, plan)
    if is_held:
        return own.in_job(job, partial(_failed, run=run, code="LEGAL_HOLD"))
    for name in open_of(progress.stores):
        state = {**progress.stores[name], "status": FAILED, "code": NAMES_LOST}
        if about.identifiers or not progress.named:
            state = erased(job, name, progress.stores[name], about, stored["scope"]["running"])
        own.in_job(job, partial(_note, run=run, name=name, state=state))
    return own.in_job(job, partial(_then, run=run))


def _note(context: Writing, run: str, name: str, state: State) -> None:
    if (stored := _going(context, run)) is not None:
        progress = Progress.of(stored["progress"])
        progress.stores[name] = state
        own.change(context, RUN, run, {"progress": progress.exported()})


def _then(context: Writing, run: str) -> str:
    """What becomes of the run, once all have been asked."""
    if (stored := _going(context, run)) is None:
        return "running"
    progress, status = Progress.of(stored["progress"]), "running"
    if progress.waits_for_stores:
        found = {name: each["code"] for name, each in progress.stores.items() if each["code"] in FOUND}
        progress.failures += [failure(name, code) for name, code in found.items()]
        status = "failed" if found else LATER
    skip(kept_plan(context.records.model, stored["plan"]), progress)
    if status != LATER:
        own.change(context, RUN, run, {"status": status, "progress": progress.exported()})
    return status


def _failed(context: Writing, run: str, code: str) -> str:
    if (stored := _going(context, run)) is not None:
        progress = Progress.of(stored["progress"])
        progress.failures.append(failure(STORES, code))
        own.change(context, RUN, run, {"status": "failed", "progress": progress.exported()})
    return "failed"


def _going(context: Writing, run: str) -> Any:
    """The run, held; None: it does not go on."""
    context.hold(RUN, run)
    stored = read_run(context, run)
    return stored if stored is not None and stored["status"] == "running" else None
