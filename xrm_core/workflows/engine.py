"""All that workflows have a worker do: what reads the log for them, their jobs and schedules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from xrm_core.events.consumer import Consumer
from xrm_core.jobs.context import JobContext
from xrm_core.jobs.registry import JobHandler, Schedule
from xrm_core.workflows.clock_triggers import clock_jobs
from xrm_core.workflows.definition import Workflow
from xrm_core.workflows.listening import readers
from xrm_core.workflows.rights import Rights
from xrm_core.workflows.runs import remove_ended
from xrm_core.workflows.stepping import steps_job

RETENTION_JOB = "workflow_retention"
_AT_A_TIME = 500


@dataclass(frozen=True)
class WorkflowEngine:
    """What there is to do; nothing where there are no workflows."""

    readers: Sequence[Consumer] = ()
    handlers: Sequence[JobHandler] = ()
    schedules: Sequence[Schedule] = ()


def engine(workflows: Sequence[Workflow], zone: str, days: int) -> WorkflowEngine:
    """What workers do.

    Args:
        workflows: which there are.
        zone: says which day it is where a workflow names none.
        days: so long after their end runs are kept; 0: for ever.
    """
    rights = Rights()
    handlers, schedules = clock_jobs(workflows, rights, zone)
    retention = JobHandler(RETENTION_JOB, partial(_retention, days))
    return WorkflowEngine(
        readers(workflows, rights, zone),
        [*handlers, steps_job(workflows, rights, zone), retention],
        [*schedules, Schedule(RETENTION_JOB, RETENTION_JOB, "30 0 * * *", "UTC")],
    )


def _retention(days: int, job: JobContext, _payload: Mapping[str, Any]) -> Mapping[str, Any]:
    removed, more = 0, days > 0
    while more:
        with job.transaction() as connection:
            gone = remove_ended(connection, days, _AT_A_TIME)
        removed += gone
        more = gone == _AT_A_TIME
    return {"removed": removed}
