"""Workflow files of all layers → workflows, or all that is wrong with their form at once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xrm_core.errors import Problem, SchemaFilesInvalid
from xrm_core.jobs import cron
from xrm_core.metadata.clock import duration_seconds
from xrm_core.metadata.lines import Document, read
from xrm_core.metadata.reading import texts_in
from xrm_core.metadata.structure import check
from xrm_core.workflows.definition import BESIDE, VERBS, Happens, Workflow, flattened, steps_in

FOLDER = "workflows"
"""The folder in a pack that holds its workflows."""

_HAPPENS: tuple[Happens, ...] = ("change", "due", "schedule")
_Mistake = tuple[str, str, str]


@dataclass(frozen=True)
class WorkflowFolder:
    """A folder with workflow files, of a pack or of a plugin."""

    layer: str
    folder: Path


def read_workflows(folders: Iterable[WorkflowFolder]) -> list[Workflow]:
    """The workflows of these folders, by name.

    Raises:
        SchemaFilesInvalid: with every problem of every file.
    """
    problems: list[Problem] = []
    found: dict[str, Workflow] = {}
    for each in folders:
        for file, text in texts_in(each.folder, problems):
            document = read(file, text, problems, each.layer)
            workflow = None if document is None else _workflow(document, problems)
            if workflow is None or document is None:
                continue
            first = found.setdefault(workflow.name, workflow)
            if first is not workflow:
                at = f"{first.document.file}:{first.document.line('/x-workflow')}"
                reason = f'The workflow "{workflow.name}" of {each.layer} is there already, by {first.layer} at {at}.'
                problems.append(document.problem("/x-workflow", reason, "Give one of the two another name."))
    if problems:
        raise SchemaFilesInvalid(sorted(problems, key=lambda each: (each.file, each.line, each.pointer)))
    return sorted(found.values(), key=lambda each: each.name)


def _workflow(document: Document, problems: list[Problem]) -> Workflow | None:
    wrong = check(document, "workflow")
    if not wrong:
        text: Mapping[str, Any] = document.value
        wrong = [document.problem(*each) for each in (*_heads(text), *_steps(text["steps"]))]
    problems.extend(wrong)
    if wrong:
        return None
    trigger = text["on"]
    return Workflow(
        text["x-workflow"],
        document.layer,
        document,
        trigger["entity"],
        next(each for each in _HAPPENS if each in trigger),
        trigger,
        text.get("role"),
        flattened(text["steps"]),
        text.get("where", {}),
        text.get("description", ""),
    )


def _heads(text: Mapping[str, Any]) -> Iterator[_Mistake]:
    trigger = text["on"]
    if ("role" in text) == ("system" in text):
        reason = "It is not said with whose rights it works." if "role" not in text else "It has a role, and is system."
        yield "", reason, 'Write "role": "<name of a role>"; or "system": true, if it may see and do everything.'
    happens = [each for each in _HAPPENS if each in trigger]
    if len(happens) != 1:
        yield "/on", f"It has {len(happens)} of change, due and schedule.", "Write exactly one of them."
        return
    if "fields" in trigger and "update" not in trigger.get("change", ()):
        yield "/on/fields", '"fields" are for changes of records.', 'Add "update" to "change", or remove it.'
    if "delete" in trigger.get("change", ()) and text.get("where"):
        reason = "A record that was deleted cannot be held against a condition."
        yield "/where", reason, 'Remove "where", or "delete" from "change".'
    if "due" in trigger:
        yield from _duration(str(trigger["due"].get("offset", "PT0S")).removeprefix("-"), "/on/due/offset")
    if "schedule" in trigger:
        try:
            cron.check(trigger["schedule"]["cron"], trigger["schedule"].get("zone", "UTC"))
        except cron.CronInvalid as error:
            yield "/on/schedule", f"There is no such time: {error}.", "See «Schedules» in docs/jobs.md."


def _steps(steps: Sequence[Mapping[str, Any]]) -> Iterator[_Mistake]:
    named: set[str] = set()
    for pointer, step in steps_in(steps):
        verbs = [verb for verb in VERBS if verb in step]
        if len(verbs) != 1:
            yield pointer, f"It has {len(verbs)} of {', '.join(VERBS)}.", "Write exactly one of them in each step."
            continue
        [verb] = verbs
        for word in sorted(set(step) - BESIDE[verb] - {verb}):
            yield f"{pointer}/{word}", f'"{word}" does not belong to "{verb}".', "Remove it."
        if verb == "wait":
            yield from _duration(step["wait"], f"{pointer}/wait")
        if verb == "branch" and "then" not in step:
            yield pointer, '"then" is missing.', "Say what is done if the condition holds."
        if verb == "link" and "to" not in step:
            yield pointer, '"to" is missing.', 'Say whom to link: {"$path": …} or {"$created": …}.'
        if "as" in step:
            if step["as"] in named:
                yield f"{pointer}/as", f'Another step is called "{step["as"]}".', "Choose another name."
            named.add(step["as"])


def _duration(text: str, pointer: str) -> Iterator[_Mistake]:
    try:
        duration_seconds(text)
    except ValueError as error:
        yield pointer, f"This is {error}.", 'Write a duration such as "P3D" or "PT12H".'
