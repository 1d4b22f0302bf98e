"""What waits for a plugin in a database beside its records: jobs, messages, runs of its workflows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from xrm_core.events import by_hand
from xrm_core.events.listeners import PREFIX
from xrm_core.jobs import clock
from xrm_core.jobs.job import State
from xrm_core.messages.handing_over import NO_KIND
from xrm_core.messages.message import MessageState
from xrm_core.storage.job_tables import JOB, SCHEDULE
from xrm_core.storage.message_tables import MESSAGE
from xrm_core.workflows import traces


@dataclass(frozen=True)
class Leftovers:
    """What would wait for ever for a plugin that is gone.

    ``jobs`` and ``messages`` are how many of each name or kind wait, ``workflows`` how many runs of each are under way;
    ``dead`` counts events that its after-hooks, by ``reader``, could not take.
    """

    jobs: Mapping[str, int]
    schedules: Sequence[str]
    reader: str | None
    dead: int
    workflows: Mapping[str, int]
    messages: Mapping[str, int]

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.jobs or self.schedules or self.reader or self.workflows or self.messages)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def lines(self) -> Iterator[str]:
        """For people."""
        for name, count in self.jobs.items():
            yield f"jobs that wait: {count} × {name}, which are cancelled"
        for name in self.schedules:
            yield f"schedule: {name}"
        if self.reader is not None:
            yield f"reader of the change log: {self.reader}, with {self.dead} dead events"
        for name, count in self.workflows.items():
            yield f"workflow: {name}{f'; runs under way: {count}, which go no further' if count else ''}"
        for name, count in self.messages.items():
            yield f"messages that wait: {count} × {name}, which are not sent"


def leftovers(connection: Connection, plugin: str, workflows: Sequence[str]) -> Leftovers:
    """What there is; ``workflows`` are the names of those of the plugin."""
    readers = {each.name: each for each in by_hand.states(connection)}
    reader = readers.get(f"{PREFIX}{plugin}")
    return Leftovers(
        _counted(connection, JOB.c.name, _is_its(JOB.c.name, plugin), JOB.c.state == State.PENDING),
        sorted(connection.scalars(select(SCHEDULE.c.name).where(_is_its(SCHEDULE.c.name, plugin)))),
        None if reader is None else reader.name,
        0 if reader is None else reader.dead,
        traces.under_way(connection, workflows),
        _counted(connection, MESSAGE.c.kind, *_waiting(plugin)),
    )


def clear(connection: Connection, plugin: str, workflows: Sequence[str]) -> None:
    """End all of it."""
    now = clock.now(connection)
    waiting = update(JOB).where(_is_its(JOB.c.name, plugin), JOB.c.state == State.PENDING)
    connection.execute(waiting.values(state=State.CANCELLED.value, finished_at=now))
    connection.execute(delete(SCHEDULE).where(_is_its(SCHEDULE.c.name, plugin)))
    unsent = update(MESSAGE).where(*_waiting(plugin))
    connection.execute(unsent.values(state=MessageState.FAILED.value, reason=NO_KIND, ended_at=now))
    reader = f"{PREFIX}{plugin}"
    if any(each.name == reader for each in by_hand.states(connection)):
        by_hand.forget(connection, reader)
    traces.remove(connection, workflows)


def _counted(connection: Connection, name: ColumnElement[str], *only: ColumnElement[bool]) -> Mapping[str, int]:
    found = connection.execute(select(name, func.count()).where(*only).group_by(name).order_by(name))
    return {row[0]: int(row[1]) for row in found}


def _waiting(plugin: str) -> tuple[ColumnElement[bool], ...]:
    return _is_its(MESSAGE.c.kind, plugin), MESSAGE.c.state == MessageState.QUEUED.value


def _is_its(name: ColumnElement[str], plugin: str) -> ColumnElement[bool]:
    return name.startswith(f"{plugin}.", autoescape=True)
