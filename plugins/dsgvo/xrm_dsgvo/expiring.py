"""Assessments end on the day of their review: each night their records say so. The gates go by the day itself."""

from collections.abc import Mapping
from typing import Any

from xrm_core.api import JobContext, JobHandler, Schedule
from xrm_dsgvo.own import Writing, change, in_job
from xrm_dsgvo.processors.connectors import today
from xrm_dsgvo.reasons import ASSESSMENT

EXPIRE = "dsgvo.expire_assessments"
_LOT = 200


def expire_all(job: JobContext, _: Mapping[str, Any]) -> Mapping[str, Any]:
    """All that were to be reviewed by now; answers how many."""
    done = 0
    while (found := in_job(job, _lot)) == _LOT:
        done += found
    return {"assessments": done + found}


def jobs() -> list[JobHandler]:
    """The one that ends them."""
    return [JobHandler(EXPIRE, expire_all)]


def schedules() -> list[Schedule]:
    """Each night."""
    return [Schedule(EXPIRE, EXPIRE, "5 0 * * *")]


def _lot(context: Writing) -> int:
    where = {"status": {"eq": "approved"}, "review_on": {"lte": today(context.settings)}}
    found = context.find(ASSESSMENT, where, _LOT)
    for each in found:
        change(context, ASSESSMENT, str(each["id"]), {"status": "expired"})
    return len(found)
