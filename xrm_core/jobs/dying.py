"""What a job that is dead leaves behind: its kind is told in the transaction that notes it, and may put it right."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection

from xrm_core.jobs.job import Job

if TYPE_CHECKING:
    from xrm_core.jobs.place import Place
    from xrm_core.jobs.registry import JobHandler
    from xrm_core.records.door import Records

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class JobDied:
    """A job of which no attempt is left, also because its worker was lost.

    Args:
        records: the door for records.
        connection: with the transaction in which it is noted.
        tenant: its name; empty for the main database.
        code: why the last attempt failed: an error code, or the name of an exception.
    """

    records: "Records"
    connection: Connection
    tenant: str
    code: str


def tell(place: "Place", handler: "JobHandler", connection: Connection, job: Job, code: str) -> None:
    """Tell the kind of a job that is noted as dead. If that fails, the job is dead all the same."""
    if handler.dead is None:
        return
    try:
        with connection.begin_nested(), place.timed(handler.name, "/dead"):
            handler.dead(JobDied(place.records(), connection, place.name, code), job.payload)
    except Exception as error:
        _log.error("job_death_not_told", tenant=place.name, job=job.id, name=job.name, exc_info=error)
