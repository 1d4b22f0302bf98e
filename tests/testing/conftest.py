"""A pack of one entity, and a plugin that can be told to fail."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest

from xrm_core.api import JobContext, JobFailed, JobHandler, Record, RecordEvent, Refuse, Schedule, enqueue, hookimpl
from xrm_core.testing import Setup

TEXT = {"type": "string"}
FILES = {
    "user": {
        "x-entity": "user",
        "type": "object",
        "required": ["name", "email"],
        "properties": {
            "name": TEXT,
            "email": {**TEXT, "format": "email", "x-unique": True},
            "active": {"type": "boolean", "default": True},
        },
    },
    "task": {
        "x-entity": "task",
        "type": "object",
        "required": ["text"],
        "properties": {"text": TEXT, "due": {**TEXT, "format": "date-time"}},
    },
}


class Plugin:
    """Refuses, fails and works by what the text of a task says."""

    @hookimpl
    def before_record_create(self, entity: str, record: Record) -> None:
        """Refuse what is refused."""
        if record.get("text") == "refuse":
            raise Refuse("No such task.", field="text")

    @hookimpl
    def after_record_create(self, entity: str, record: Record, event: RecordEvent) -> None:
        """Fail, or do something in a minute."""
        if record.get("text") == "fail":
            raise RuntimeError("the hook is broken")
        if entity == "task":
            enqueue(event.connection, "tasks.remind", {"task": event.record_id}, delay=dt.timedelta(minutes=1))

    @hookimpl
    def register_jobs(self) -> list[JobHandler]:
        """What reminds."""
        return [JobHandler("tasks.remind", remind, attempts=2), JobHandler("tasks.nightly", lambda _job, _given: None)]

    @hookimpl
    def register_schedules(self) -> list[Schedule]:
        """At night."""
        return [Schedule("tasks.nightly", "tasks.nightly", "0 3 * * *")]


def remind(job: JobContext, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Change the task."""
    if payload.get("fails") and job.attempt == 1:
        raise JobFailed("Not yet.")
    with job.transaction() as connection:
        job.records.update(connection, job.caller, "task", payload["task"], {"text": "reminded"})
    return {"reminded": payload["task"]}


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    """Clerks do all with tasks; readers see them."""
    return Setup(
        {"tasks": Plugin()},
        pack=None,
        files=FILES,
        roles={"roles": {"clerk": {}, "reader": {}}},
        policies=["clerk,task,*,*,,allow", "reader,task,read,text,,allow"],
    )
