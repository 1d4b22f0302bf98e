"""Workflows that begin by the clock: when a date in a field comes, or by a schedule for all records of a condition."""

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from xrm_core.jobs import clock
from xrm_core.jobs.context import JobContext
from xrm_core.jobs.registry import JobHandler, Schedule
from xrm_core.metadata.types import FieldType
from xrm_core.workflows import matching, runs
from xrm_core.workflows.definition import Workflow
from xrm_core.workflows.rights import Rights

BEGIN_JOB = "workflow_begin"
"""The job that begins the runs of a workflow by the clock."""

_EVERY_FIVE_MINUTES = "*/5 * * * *"
_OVERLAP = dt.timedelta(days=1)
"""So far back dates are looked at again: a record may have been written, or its date changed, after the last look."""

_AT_A_TIME = 200


def clock_jobs(
    workflows: Sequence[Workflow], rights: Rights, zone: str
) -> tuple[Sequence[JobHandler], Sequence[Schedule]]:
    """What begins such workflows; ``zone`` is that of those that name none."""
    timed = {each.name: each for each in workflows if each.happens != "change"}
    schedules = [
        Schedule(schedule_of(name), BEGIN_JOB, *_times(each, zone), payload={"workflow": name})
        for name, each in timed.items()
    ]
    return [JobHandler(BEGIN_JOB, partial(_begin, timed, rights, zone))], schedules


def schedule_of(workflow: str) -> str:
    """The name of the schedule of a workflow."""
    return f"workflow {workflow}"


def zone_of(workflow: Workflow, usual: str) -> str:
    """The time zone that says which day it is for a workflow."""
    return str(workflow.trigger.get("schedule", {}).get("zone", usual))


def _times(workflow: Workflow, zone: str) -> tuple[str, str]:
    if workflow.happens == "schedule":
        return workflow.trigger["schedule"]["cron"], zone_of(workflow, zone)
    return _EVERY_FIVE_MINUTES, zone


def _begin(
    timed: Mapping[str, Workflow], rights: Rights, zone: str, job: JobContext, payload: Mapping[str, Any]
) -> Mapping[str, Any]:
    workflow = timed.get(str(payload.get("workflow")))
    if workflow is None or workflow.entity not in job.records.model:
        return {"begun": 0}
    with job.read() as connection:
        now, before = clock.now(connection), runs.looked_until(connection, workflow.name)
    tick = job.scheduled_for or now
    where, key = workflow.where, f"tick {tick.isoformat()}"
    if workflow.happens == "due":
        after = now if before is None else before - _OVERLAP  # what was due before it was there is none of its matter
        where, key = _due(job, workflow, after, now, zone), ""
    begun, last = 0, None
    while True:
        with job.transaction() as connection:
            caller = rights.caller(job.records, connection, workflow, (), zone)
            found = matching.ids(job.records, connection, caller, workflow.entity, where, after=last, limit=_AT_A_TIME)
            begun += sum(_begin_of(job, connection, workflow, found, key))
            if len(found) < _AT_A_TIME and workflow.happens == "due":
                runs.look_until(connection, workflow.name, now)
        if len(found) < _AT_A_TIME:
            return {"begun": begun}
        last = found[-1]
        job.progress(50, f"{begun} begun")


def _due(job: JobContext, workflow: Workflow, after: dt.datetime, until: dt.datetime, zone: str) -> dict[str, Any]:
    name, offset = workflow.trigger["due"]["field"], dt.timedelta(seconds=workflow.offset_seconds)
    of_days = job.records.model[workflow.entity][name].type is FieldType.DATE
    first, last = ((moment.astimezone(ZoneInfo(zone)) - offset) for moment in (after, until))
    return matching.in_window(name, of_days=of_days, after=first, until=last, where=workflow.where)


def _begin_of(
    job: JobContext, connection: Connection, workflow: Workflow, found: Sequence[str], key: str
) -> list[bool]:
    keys = dict.fromkeys(found, key)
    if workflow.happens == "due" and found:
        field = workflow.trigger["due"]["field"]
        values = matching.values_of(job.records, connection, workflow.entity, field, found)
        keys = {id_: f"due {values[id_]}" for id_ in found}
    return [
        runs.begin(connection, workflow.name, workflow.entity, id_, of, workflow.program, ())
        for id_, of in keys.items()
    ]
