"""A job as it is kept: its states, and how it is read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from xrm_core.errors import XrmError


class State(StrEnum):
    """What has become of a job so far."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"
    CANCELLED = "cancelled"


FINISHED = (State.DONE, State.DEAD, State.CANCELLED)


class JobInvalid(XrmError):
    """A job is not one that can be kept."""

    code = "JOB_INVALID"
    http_status = 422


class JobConflict(XrmError):
    """A job is in a state in which this cannot be done with it."""

    code = "JOB_CONFLICT"
    http_status = 409


@dataclass(frozen=True)
class Failure:
    """Why the last attempt of a job failed: a word for programs and, at most, a sentence of whoever wrote the handler.

    Never the text of an exception, which may have values of records in it.
    """

    code: str
    message: str | None = None

    def to_json(self) -> dict[str, Any]:
        """``{"code", "message"?}``."""
        return {"code": self.code} | ({"message": self.message} if self.message else {})


@dataclass(frozen=True)
class Job:
    """A row of ``xrm_job``; see there. Moments are RFC 3339 texts in UTC."""

    id: str
    name: str
    payload: Mapping[str, Any]
    key: str | None
    state: State
    priority: int
    due_at: str
    scheduled_for: str | None
    attempts: int
    max_attempts: int | None
    worker: str | None
    cancel: bool
    progress: int
    message: str | None
    result: Any
    error: Mapping[str, Any] | None
    owner: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None

    @classmethod
    def of(cls, row: Mapping[Any, Any]) -> Self:
        """The job of a row of the table."""
        values = {name: row[name] for name in cls.__dataclass_fields__}
        values |= {name: None if row[name] is None else json.loads(row[name]) for name in _JSON}
        return cls(**{**values, "state": State(row["state"]), "id": str(row["id"])})


_JSON = ("payload", "result", "error")
