"""Root fields about jobs: all of them for roles with a right to that, else those done for whoever asks.

What they do stands outside this room, behind :class:`JobAdministration`. An entity may be called ``job``, so they are
background jobs here.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import strawberry

from xrm_core.graphql import builder
from xrm_core.graphql.builder import Argument, ObjectType
from xrm_core.graphql.scalars import DateTime, Json
from xrm_core.graphql.types import Types
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import JOBS, Action

_STATES = {
    "PENDING": "It waits for its moment, a worker, or the next attempt.",
    "RUNNING": "A worker is at it.",
    "DONE": "It has ended well.",
    "DEAD": "All attempts have failed.",
    "CANCELLED": "It is not done.",
}


class JobAdministration(Protocol):
    """Sees and changes jobs, as far as a caller may. Blocking. Answers have the shape of the GraphQL types below.

    All raise BadQuery: an argument is not understood. Those that change something also PermissionsChanged.
    """

    def background_jobs(
        self,
        caller: User,
        address: str | None,
        where: Mapping[str, Any] | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> dict[str, Any]:
        """A page of jobs."""

    def background_job(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:
        """A job; None if there is none."""

    def cancel_background_job(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:
        """Let it not be done; None if there is none."""

    def retry_background_job(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:
        """Let it be tried again; None if there is none. Raises JobConflict."""


def add_job_fields(types: Types) -> None:
    """The fields, for who may see all jobs or can have some of their own."""
    may = [action for action in (Action.READ, Action.UPDATE) if types.access.may(JOBS, action)]
    if not types.access.personal and Action.READ not in may:
        return
    state = builder.enum_type("BackgroundJobState", _STATES, _STATES, "What has become of a job so far.")
    job = _job(types, state)
    chosen = builder.input_type("BackgroundJobFilter", "Only jobs for which all of this is so.")
    builder.add(chosen, "state", builder.optional(state), "It is in this state.")
    builder.add(chosen, "name", str | None, "It is called so.")
    builder.add(chosen, "owner", builder.optional(strawberry.ID), "It is done for this user.")
    builder.add(chosen, "mine", bool | None, "It is done for you.")
    page = builder.object_type("BackgroundJobConnection", "A page of jobs.")
    builder.add(page, "nodes", builder.list_of(job))
    builder.add(page, "pageInfo", types.page_info)
    types.know(state, job, chosen, page)

    field = types.beside_records
    id_ = Argument("id", strawberry.ID, "Of the job.")
    whose = "All jobs" if Action.READ in may else "Jobs that are done for you"
    field(
        types.query,
        "backgroundJobs",
        "background_jobs",
        page,
        f"{whose}, the newest first.",
        *builder.page_arguments(chosen),
    )
    text = "A job; null if there is none that you may see."
    field(types.query, "backgroundJob", "background_job", builder.optional(job), text, id_)
    if not types.access.personal and Action.UPDATE not in may:
        return
    text = "Let a job not be done: at once if it is pending, else it stops soon. Null if there is none."
    field(types.mutation, "cancelBackgroundJob", "cancel_background_job", builder.optional(job), text, id_)
    text = "Let a job that is dead or cancelled be tried again, with all its attempts. Null if there is none."
    field(types.mutation, "retryBackgroundJob", "retry_background_job", builder.optional(job), text, id_)


def _job(types: Types, state: Any) -> ObjectType:
    error = builder.object_type("BackgroundJobError", "Why the last attempt failed.")
    builder.add(error, "code", str, "For programs: an error code, or the name of an exception.")
    builder.add(error, "message", str | None, "For people, if there is something to say.")
    types.know(error)
    job = builder.object_type("BackgroundJob", "Work that is done beside the requests.")
    builder.add(job, "id", strawberry.ID)
    builder.add(job, "name", str, "What kind of job it is.")
    builder.add(job, "state", state)
    builder.add(job, "progress", int, "0 to 100.")
    builder.add(job, "message", str | None, "What is being done.")
    builder.add(job, "cancelling", bool, "Whether it runs, but shall stop.")
    builder.add(job, "attempts", int, "How often it was begun.")
    builder.add(job, "maxAttempts", int | None, "How often it is, if the job itself says so.")
    builder.add(job, "priority", int, "Of those that are due the highest goes first.")
    builder.add(job, "dueAt", DateTime, "Not before this moment.")
    builder.add(job, "createdAt", DateTime)
    for name, text in (
        ("scheduledFor", "The tick of the schedule that made it."),
        ("startedAt", "When the last attempt began."),
        ("finishedAt", "When it was done, dead or cancelled."),
    ):
        builder.add(job, name, builder.optional(DateTime), text)
    builder.add(job, "result", builder.optional(Json), "What came of it.")
    builder.add(job, "error", builder.optional(error), "Why the last attempt failed.")
    builder.add(job, "ownerId", builder.optional(strawberry.ID), "Id of the user for whom it is done.")
    return job
