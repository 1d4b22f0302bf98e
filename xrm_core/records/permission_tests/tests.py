"""What stands in ``permissions/tests.json``, as typed values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xrm_core.errors import Problem
from xrm_core.metadata.lines import Document
from xrm_core.metadata.model import Entity
from xrm_core.permissions.policy import Action


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the file: ``schemas/permissions/tests.json:12``."""

    document: Document
    pointer: str

    def __str__(self) -> str:
        return f"{self.document.file}:{self.document.line(self.pointer)}"

    def problem(self, reason: str, remedy: str) -> Problem:
        """A mistake at this place."""
        return self.document.problem(self.pointer, reason, remedy)


@dataclass(frozen=True, slots=True)
class Example:
    """A record: ``values`` as in the file, where relations have the names of records."""

    name: str
    entity: Entity
    values: Mapping[str, Any]
    place: Place


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is tried. ``record`` is None for what is created; ``values`` None: nothing is written."""

    action: Action
    entity: Entity
    record: str | None
    fields: tuple[str, ...]
    values: Mapping[str, Any] | None
    place: Place

    def __str__(self) -> str:
        of = self.record or self.entity.name
        more = f" ({', '.join(self.values or self.fields)})" if self.values or self.fields else ""
        return f"{self.action} {of}{more}"


@dataclass(frozen=True, slots=True)
class PermissionTest:
    """Who asks, and what must come of it. ``sees`` has, for an entity, the names of all records that can be read."""

    name: str
    roles: frozenset[str]
    user: str | None
    sees: Mapping[str, frozenset[str]]
    may: tuple[Step, ...]
    may_not: tuple[Step, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class PermissionTests:
    """A file: its records by name, and its tests."""

    records: Mapping[str, Example]
    tests: tuple[PermissionTest, ...]
