"""A pack of one entity, and a plugin that can be told to fail."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest

from xrm_core.api import (
    Command,
    CommandContext,
    DemoData,
    FilesContext,
    HealthCheck,
    HealthContext,
    JobContext,
    JobFailed,
    JobHandler,
    Record,
    RecordEvent,
    Refuse,
    Schedule,
    enqueue,
    hookimpl,
)
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
    def register_commands(self) -> list[Command]:
        """What adds a task, and what counts entities."""
        return [Command("add", add, "Add a task."), Command("count", count, "Count entities.", files_only=True)]

    @hookimpl
    def register_health(self) -> list[HealthCheck]:
        """Whether there is anything in the way."""
        return [HealthCheck("tasks.some", some)]

    @hookimpl
    def register_demo(self) -> list[DemoData]:
        """A task of a user."""
        return [DemoData(lambda demo: [("task", [{"id": demo.new_id(), "text": str(len(demo.ids("user")))}])])]

    @hookimpl
    def register_schedules(self) -> list[Schedule]:
        """At night."""
        return [Schedule("tasks.nightly", "tasks.nightly", "0 3 * * *")]


def add(context: CommandContext, text: str) -> None:
    """Add it, unless it has no text."""
    if not text:
        raise Refuse("A task has a text.")
    with context.transaction() as connection:
        context.records.create(connection, context.caller, "task", {"text": text})


def count(context: FilesContext) -> int:
    """How many there are."""
    return sum(1 for _ in context.model)


def some(context: HealthContext) -> str | None:
    """Whether anything else stands in the way of work."""
    return None if context.tenant == "" and context.settings is None else "There are settings."


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
