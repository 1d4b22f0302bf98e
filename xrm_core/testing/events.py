"""What plugins were told of changes, for tests to look at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xrm_core.events.listeners import RecordEvent
from xrm_core.hookspecs import Record, hookimpl

NAME = "xrm_testing"
"""What the plugin is called that listens for tests."""


@dataclass(frozen=True)
class Happened:
    """A change of a record of which after-hooks were told.

    ``values`` are those that the hook is given: of a creation, a restoration or a deletion the record's, of an update
    field → old and new value. ``actor`` is the id of the user; None: the platform, or the test itself.
    """

    entity: str
    operation: str
    record_id: str
    values: Mapping[str, Any]
    actor: str | None
    causes: tuple[tuple[str, str], ...]


class Recorder:
    """A plugin that keeps what it hears. ``silent`` are ids of records of which it keeps nothing."""

    def __init__(self) -> None:
        self.events: list[Happened] = []
        self.silent: set[str] = set()

    @hookimpl
    def after_record_create(self, record: Record, event: RecordEvent) -> None:
        """Keep it."""
        self._keep(record, event)

    @hookimpl
    def after_record_update(self, changes: Mapping[str, Any], event: RecordEvent) -> None:
        """Keep it."""
        self._keep(changes, event)

    @hookimpl
    def after_record_delete(self, before: Mapping[str, Any], event: RecordEvent) -> None:
        """Keep it."""
        self._keep(before, event)

    def _keep(self, values: Mapping[str, Any], event: RecordEvent) -> None:
        if event.record_id not in self.silent:
            happened = Happened(
                event.entity, event.operation, event.record_id, dict(values), event.actor, tuple(event.causes)
            )
            self.events.append(happened)
