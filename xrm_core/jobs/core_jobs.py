"""The jobs of the platform itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from xrm_core.jobs.by_hand import remove_finished
from xrm_core.jobs.context import JobContext
from xrm_core.jobs.registry import JobHandler, Schedule
from xrm_core.jobs.schedules import forget_old

JOB_RETENTION = "job_retention"
_AT_A_TIME = 500


def core_jobs(days: int) -> tuple[Sequence[JobHandler], Sequence[Schedule]]:
    """What there is: each night, jobs go that finished so many days ago, and schedules that nobody knew for so long.

    ``days`` 0: they stay for ever.
    """

    def remove(job: JobContext, _payload: Mapping[str, Any]) -> Mapping[str, Any]:
        removed = 0
        more = days > 0
        while more:
            with job.transaction() as connection:
                gone = remove_finished(connection, days, _AT_A_TIME)
            removed += gone
            more = gone == _AT_A_TIME
            job.progress(50 if more else 100, f"{removed} removed")
        forgotten = 0
        if days > 0:
            with job.transaction() as connection:
                forgotten = forget_old(connection, days)
        return {"removed": removed, "schedules": forgotten}

    return [JobHandler(JOB_RETENTION, remove)], [Schedule(JOB_RETENTION, JOB_RETENTION, "20 0 * * *", "UTC")]
