"""What a job that is dead leaves behind: its kind is told in the transaction that notes it, and may put it right."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection

from xrm_core.jobs.job import Job
from xrm_core.permissions.caller import System
from xrm_core.records.context import Context

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
        name: of the job.
        owner: for whom it was done: id of a user, or of a service's token; None: nobody.
    """

    records: "Records"
    connection: Connection
    tenant: str
    code: str
    name: str
    owner: str | None = None

    def within(self) -> Context:
        """The transaction as actions and hooks see theirs, for code that is shared with the job."""
        caller = System(self.records.full_access, f"job {self.name}", actor=self.owner)
        return Context(self.records, self.connection, caller, ("job", self.name))


def tell(place: "Place", handler: "JobHandler", connection: Connection, job: Job, code: str) -> None:
    """Tell the kind of a job that is noted as dead. If that fails, the job is dead all the same."""
    if handler.dead is None:
        return
    try:
        with connection.begin_nested(), place.timed(handler.name, "/dead"):
            handler.dead(JobDied(place.records(), connection, place.name, code, job.name, job.owner), job.payload)
    except Exception as error:
        _log.error("job_death_not_told", tenant=place.name, job=job.id, name=job.name, exc_info=error)
