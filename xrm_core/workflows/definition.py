"""What a workflow file says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from xrm_core.metadata.clock import duration_seconds
from xrm_core.metadata.lines import Document

CAUSE = "workflow"
"""Kind of the cause in the change log: everything that a workflow does has it, with the workflow's name."""

MOST_DEPTH = 5
"""A workflow that has led to itself so often is not begun once more."""

VERBS = ("action", "create", "update", "link", "message", "wait", "branch")
"""A step has exactly one of these words."""

BESIDE: Mapping[str, frozenset[str]] = {
    "action": frozenset({"input", "of"}),
    "create": frozenset({"values", "as"}),
    "update": frozenset({"of"}),
    "link": frozenset({"to", "of"}),
    "message": frozenset({"person"}),
    "wait": frozenset(),
    "branch": frozenset({"then", "else"}),
}
"""What may stand beside each of them."""

Op = Mapping[str, Any]
"""A step as it is done: one of the file's, or ``{"goto": n}``; a branch has ``otherwise``, the place of its else."""

Happens = Literal["change", "due", "schedule"]


@dataclass(frozen=True)
class Workflow:
    """One workflow. ``role`` None: it does everything as the platform itself, for the file says so."""

    name: str
    layer: str
    document: Document
    entity: str
    happens: Happens
    trigger: Mapping[str, Any]
    role: str | None
    program: Sequence[Op]
    where: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""

    @property
    def changes(self) -> frozenset[str]:
        """The changes of records that begin it."""
        return frozenset(self.trigger.get("change", ())) if self.happens == "change" else frozenset()

    @property
    def fields(self) -> Sequence[str]:
        """Those of which one must have changed; empty: any."""
        return tuple(self.trigger.get("fields", ()))

    @property
    def offset_seconds(self) -> int:
        """From the date in the field to the moment at which it begins."""
        text = str(self.trigger["due"].get("offset", "PT0S"))
        seconds = duration_seconds(text.removeprefix("-"))
        return -seconds if text.startswith("-") else seconds


def flattened(steps: Sequence[Mapping[str, Any]], start: int = 0) -> list[Op]:
    """The steps in one row, branches as jumps, so that a number says how far a run is."""
    found: list[Op] = []
    for step in steps:
        if "branch" not in step:
            found.append(step)
            continue
        here = start + len(found)
        then = flattened(step["then"], here + 1)
        other = flattened(step.get("else", ()), here + len(then) + 2)
        found.append({"branch": step["branch"], "otherwise": here + len(then) + 2})
        found += [*then, {"goto": here + len(then) + 2 + len(other)}, *other]
    return found


def plugin_of(step: Mapping[str, Any]) -> str:
    """The plugin whose action or kind of messages a step uses; empty: it uses none."""
    return str(step.get("action", step.get("message", ""))).partition(".")[0]


def steps_in(steps: Sequence[Mapping[str, Any]], pointer: str = "/steps") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each step with its JSON pointer, those of branches, too."""
    for number, step in enumerate(steps):
        at = f"{pointer}/{number}"
        yield at, step
        for word in ("then", "else"):
            yield from steps_in(step.get(word, ()), f"{at}/{word}")
