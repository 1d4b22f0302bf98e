"""Steps of runs, done one after the other: each in a transaction in which the run moves on, so that it is done once."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection

from xrm_core.errors import (
    BadQuery,
    BadRequest,
    DatabaseOverloaded,
    DatabaseUnavailable,
    Forbidden,
    ModelOutOfDate,
    NotFound,
    Overloaded,
    TablesChanged,
    ValidationFailed,
    XrmError,
)
from xrm_core.jobs import clock
from xrm_core.jobs.context import JobContext
from xrm_core.jobs.dying import JobDied
from xrm_core.jobs.registry import JobHandler
from xrm_core.messages import Message, send_message
from xrm_core.metadata.clock import duration_seconds
from xrm_core.permissions.caller import Caller
from xrm_core.records import looking
from xrm_core.records.actions import perform
from xrm_core.records.asking import DocumentInvalid, asks_of
from xrm_core.records.context import Context
from xrm_core.workflows import matching, runs
from xrm_core.workflows.clock_triggers import zone_of
from xrm_core.workflows.definition import CAUSE, Workflow, plugin_of
from xrm_core.workflows.rights import Rights
from xrm_core.workflows.runs import STEPS_JOB, Run
from xrm_core.workflows.values import PATH, Facts, PathWrong, document, target_of, words_in


class WorkflowGone(Exception):
    """A run is of a workflow that no file has any more."""


_RESTING = dt.timedelta(hours=1)
"""So often it is looked whether the plugin of a workflow is switched on again."""


_ANEW = (DatabaseUnavailable, DatabaseOverloaded, Overloaded, ModelOutOfDate, TablesChanged)
"""Nobody's fault: the job is done again."""

_FINAL = (
    BadQuery,
    BadRequest,
    Forbidden,
    NotFound,
    ValidationFailed,
    DocumentInvalid,
    PathWrong,
    KeyError,
    WorkflowGone,
)
"""Another attempt would fail, too, until somebody has mended something."""

_log = structlog.get_logger(__name__)


def steps_job(workflows: Sequence[Workflow], rights: Rights, zone: str) -> JobHandler:
    """What goes on with runs."""
    known = {each.name: each for each in workflows}
    return JobHandler(STEPS_JOB, partial(_go_on, known, rights, zone), attempts=20, dead=_gave_up)


def _gave_up(job: JobDied, payload: Mapping[str, Any]) -> None:
    """The run is dead as well, where people see it and may have it tried again: nobody else would go on with it."""
    runs.give_up(job.connection, str(payload.get("workflow")), str(payload.get("record")), job.code)


def _go_on(
    known: Mapping[str, Workflow], rights: Rights, zone: str, job: JobContext, payload: Mapping[str, Any]
) -> Mapping[str, Any]:
    name, record_id = str(payload.get("workflow")), str(payload.get("record"))
    done = 0
    while True:
        run: Run | None = None
        try:
            with job.transaction() as connection:
                found = runs.next_of(connection, name, record_id)
                run = found.run
                due = found.due
                if run is not None and _rests(job, run, known):
                    run, due = None, clock.now(connection) + _RESTING
                if run is None:
                    if due is not None:
                        runs.wake(connection, name, record_id, due)
                    return {"steps": done}
                _step(known.get(name), rights, zone, job, connection, run)
            done += 1
        except _ANEW:
            raise
        except Exception as error:
            if run is None:
                raise
            _note_failure(job, run, error)


def _rests(job: JobContext, run: Run, known: Mapping[str, Workflow]) -> bool:
    """Whether its workflow, or what its next step uses, is of a plugin that is switched off: it waits, as jobs do."""
    resting = [each for each in job.records.plugins.resting if not each.removed]
    if run.workflow not in known:
        return any(run.workflow in each.workflows for each in resting)
    return plugin_of(run.program[run.step]) in {each.name for each in resting}


def _note_failure(job: JobContext, run: Run, error: Exception) -> None:
    code = error.code if isinstance(error, XrmError) else type(error).__name__
    told = {"tenant": job.tenant, "workflow": run.workflow, "run": run.id, "step": run.step, "code": code}
    _log.warning("workflow_step_failed", exc_info=None if isinstance(error, XrmError) else error, **told)
    with job.transaction() as connection:
        if runs.fail(connection, run, code, final=isinstance(error, _FINAL)):
            _log.error("workflow_run_dead", **told)


def _step(
    workflow: Workflow | None, rights: Rights, zone: str, job: JobContext, connection: Connection, run: Run
) -> None:
    if workflow is None:
        raise WorkflowGone
    records, step = job.records, run.program[run.step]
    deleted = "delete" in workflow.changes
    if not deleted and not _is_there(job, connection, run):
        runs.end_gone(connection, run)
        return
    if "goto" in step:
        runs.move(connection, run, step["goto"], run.created)
        return
    if "wait" in step:
        runs.move(connection, run, run.step + 1, run.created, duration_seconds(step["wait"]))
        return
    caller = rights.caller(records, connection, workflow, run.causes, zone_of(workflow, zone))
    if "branch" in step:
        yes = matching.holds(records, connection, caller, run.entity, step["branch"], run.record_id)
        runs.move(connection, run, run.step + 1 if yes else step["otherwise"], run.created)
        return
    created = _do(job, connection, caller, run, step, deleted=deleted)
    runs.move(connection, run, run.step + 1, {**run.created, **created})


def _is_there(job: JobContext, connection: Connection, run: Run) -> bool:
    records = job.records
    return run.entity in records.model and looking.read(records, connection, run.entity, run.record_id) is not None


def _do(
    job: JobContext, connection: Connection, caller: Caller, run: Run, step: Mapping[str, Any], *, deleted: bool
) -> dict[str, str]:
    """Do a step that writes; ids of what it has created, by the name of the step."""
    records = job.records
    facts = _facts(job, connection, caller, run, step, deleted=deleted)
    entity, id_ = run.entity, run.record_id
    if "of" in step:
        entity, id_ = target_of(records.model, records.model[run.entity], step["of"]).name, facts.at(step["of"])
        if id_ is None:
            raise NotFound(f"There is no record at {step['of']}, or none that the workflow may see.")
    if "action" in step:
        about = records.actions[step["action"]].entity is not None
        given = facts.value(step.get("input", {}))
        perform(records, connection, caller, step["action"], id_=id_ if about else None, given=given)
    elif "create" in step:
        new = records.create(connection, caller, step["create"], facts.value(step.get("values", {})))
        return {step["as"]: new} if "as" in step else {}
    elif "update" in step:
        records.update(connection, caller, entity, id_, facts.value(step["update"]))
    elif "link" in step:
        link, other = records.model[entity].links[step["link"]], facts.value(step["to"])
        ends = {link.near: id_, link.far: other}
        if other is None or not looking.find(records, connection, link.through, _equal(ends), 1):
            records.create(connection, caller, link.through, ends)
    else:
        person = None
        if "person" in step:
            target = target_of(records.model, records.model[run.entity], step["person"]).name
            found = facts.at(step["person"])
            person = None if found is None else (target, found)
        context = Context(records, connection, caller, (CAUSE, run.workflow))
        key = f"workflow {run.id} {run.step}"
        send_message(context, Message(step["message"], (run.entity, run.record_id), person, key))
    return {}


def _equal(ends: Mapping[str, str]) -> dict[str, Any]:
    return {name: {"id": {"eq": id_}} for name, id_ in ends.items()}


def _facts(
    job: JobContext, connection: Connection, caller: Caller, run: Run, step: Mapping[str, Any], *, deleted: bool
) -> Facts:
    model, kind = job.records.model, job.records.model[run.entity]
    paths = sorted(set(_paths(step)) - {"id"})
    record: Mapping[str, Any] = {"id": run.record_id}
    if paths and not deleted:
        answer = asks_of(job.records).ask(connection, caller, document(model, kind, paths), {"id": run.record_id}).data
        [nodes] = (connection_["nodes"] for connection_ in answer.values())
        if not nodes:
            raise NotFound(f"The workflow {run.workflow} may not see its record.")
        record = nodes[0]
    return Facts(model, kind, record, clock.now(connection), caller.zone, run.created)


def _paths(step: Mapping[str, Any]) -> Iterator[str]:
    for word in ("of", "person"):
        if word in step:
            yield step[word]
    for value in (step.get("values"), step.get("input"), step.get("update"), step.get("to")):
        yield from (given for _, word, given in words_in(value, "") if word == PATH)
