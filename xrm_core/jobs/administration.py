"""Jobs as users see and change them: who administers jobs, all of them; anybody else, those done for them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_

from xrm_core.jobs import by_hand
from xrm_core.jobs.job import Job, State
from xrm_core.metadata.model import Model
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import JOBS, Action
from xrm_core.records.pages import TIMEOUT, changing, known_id, page_of, page_size
from xrm_core.storage.engines import Database
from xrm_core.storage.job_tables import JOB


@dataclass(frozen=True)
class JobAdministration:
    """The jobs of one database. Blocking.

    A job that a caller may not see is none for them. Those that change something raise ModelOutOfDate and
    PermissionsChanged if others hold by now, and what ``held`` raises.

    Args:
        database: has the jobs.
        model: that the callers' rights are about.
        policies: digest of the policies that these come from.
        held: refuses, in a transaction, callers who have lost by now what they were let in with.
    """

    database: Database
    model: Model
    policies: str
    held: Callable[[Connection, User], None]

    def background_jobs(
        self,
        caller: User,
        address: str | None,  # noqa: ARG002
        where: Mapping[str, Any] | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> dict[str, Any]:
        """A page of jobs, the newest first; ``where``: ``state``, ``name``, ``owner``, ``mine``.

        Raises:
            BadQuery: an argument is not understood.
        """
        limit = page_size(first)
        only = [_visible(caller, Action.READ), *_chosen(caller, where or {})]
        with self.database.read(TIMEOUT) as connection:
            found = by_hand.jobs(connection, *only, limit=limit + 1, after=None if after is None else known_id(after))
        page = found[:limit]
        return page_of([_shown(job) for job in page], more=len(found) > limit, after=after)

    def background_job(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:  # noqa: ARG002
        """A job; None if there is none that the caller may see. Raises BadQuery: this is no id."""
        with self.database.read(TIMEOUT) as connection:
            found = by_hand.job(connection, known_id(id), _visible(caller, Action.READ))
        return None if found is None else _shown(found)

    def cancel_background_job(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:  # noqa: ARG002
        """Let a job not be done; answers it as it is then, None if there is none. Raises BadQuery: this is no id."""
        return self._change(caller, id, by_hand.cancel)

    def retry_background_job(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:  # noqa: ARG002
        """Let a job be tried again; answers it as it is then, None if there is none.

        Raises:
            JobConflict: it is not dead or cancelled, or another one of its key is pending.
            BadQuery: this is no id.
        """
        return self._change(caller, id, by_hand.retry)

    def _change(self, caller: User, id_: str, change: Callable[..., Job | None]) -> dict[str, Any] | None:
        known = known_id(id_)
        with changing(self.database, caller, self.model, self.policies, self.held) as connection:
            found = change(connection, known, _visible(caller, Action.UPDATE))
        return None if found is None else _shown(found)


def _visible(caller: User, action: Action) -> ColumnElement[bool]:
    """Which jobs somebody may see, or change: all, by a right to that; else those that are done for them.

    A token that is held to less than its user may do neither with the user's.
    """
    if all(caller.access.may(JOBS, each) for each in {Action.READ, action}):
        return JOB.c.id.is_not(None)
    return _mine(caller)


def _mine(caller: User) -> ColumnElement[bool]:
    if caller.id is None or not caller.access.personal:
        return or_(False)
    return JOB.c.owner == caller.id


def _chosen(caller: User, where: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    only: list[ColumnElement[bool]] = []
    if (state := where.get("state")) is not None:
        only.append(JOB.c.state == State(state.lower()).value)
    if (name := where.get("name")) is not None:
        only.append(JOB.c.name == name)
    if (owner := where.get("owner")) is not None:
        only.append(JOB.c.owner == known_id(owner))
    if where.get("mine"):
        only.append(_mine(caller))
    return only


def _shown(job: Job) -> dict[str, Any]:
    """In the shape of GraphQL's type ``BackgroundJob``: without its payload, in which there may be personal data."""
    error = None if job.error is None else {"code": job.error["code"], "message": job.error.get("message")}
    return {
        "id": job.id,
        "name": job.name,
        "state": job.state.upper(),
        "progress": job.progress,
        "message": job.message,
        "cancelling": job.cancel and job.state is State.RUNNING,
        "attempts": job.attempts,
        "maxAttempts": job.max_attempts,
        "priority": job.priority,
        "dueAt": job.due_at,
        "scheduledFor": job.scheduled_for,
        "createdAt": job.created_at,
        "startedAt": job.started_at,
        "finishedAt": job.finished_at,
        "result": job.result,
        "error": error,
        "ownerId": job.owner,
    }
