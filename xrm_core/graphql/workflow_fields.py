"""Root fields about workflows, for roles that may see or change them.

What they do stands outside this room, behind :class:`WorkflowAdministration`.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import strawberry

from xrm_core.graphql import builder
from xrm_core.graphql.builder import Argument, ObjectType
from xrm_core.graphql.scalars import DateTime
from xrm_core.graphql.types import Types
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import WORKFLOWS, Action

_STATES = {
    "READY": "A worker goes on with it, or tries a step again.",
    "WAITING": "It waits, as a step says.",
    "DONE": "All steps are done.",
    "DEAD": "A step has failed for good, or somebody has cancelled it.",
    "GONE": "Its record is no more.",
}
_BEGINNINGS = {
    "CHANGE": "With a change of a record.",
    "DUE": "When a date in a field comes.",
    "SCHEDULE": "By the clock, for all records of its condition.",
}


class WorkflowAdministration(Protocol):
    """Sees and changes workflows, as far as a caller may. Blocking. Answers have the shape of the GraphQL types below.

    All raise Forbidden and BadQuery. Those that change something also PermissionsChanged.
    """

    def workflow_definitions(self, caller: User, address: str | None) -> list[dict[str, Any]]:
        """All workflows."""

    def workflow_runs(
        self,
        caller: User,
        address: str | None,
        where: Mapping[str, Any] | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> dict[str, Any]:
        """A page of runs."""

    def workflow_run(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:
        """A run; None if there is none."""

    def cancel_workflow_run(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:
        """Let one go no further; None if there is none under way."""

    def retry_workflow_run(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:
        """Let a dead one go on; None if there is none that is dead."""


def add_workflow_fields(types: Types) -> None:
    """The fields, as far as the role has the right."""
    if not types.access.may(WORKFLOWS, Action.READ):
        return
    state = builder.enum_type("WorkflowRunState", _STATES, _STATES, "What becomes of a run.")
    definition, run = _definition(types), _run(state)
    chosen = builder.input_type("WorkflowRunFilter", "Only runs for which all of this is so.")
    builder.add(chosen, "workflow", str | None, "It is of this workflow.")
    builder.add(chosen, "state", builder.optional(state), "It is in this state.")
    builder.add(chosen, "recordId", builder.optional(strawberry.ID), "It is about this record.")
    page = builder.object_type("WorkflowRunConnection", "A page of runs.")
    builder.add(page, "nodes", builder.list_of(run))
    builder.add(page, "pageInfo", types.page_info)
    types.know(state, definition, run, chosen, page)

    field = types.beside_records
    id_, one = Argument("id", strawberry.ID, "Of the run."), builder.optional(run)
    text = "The workflows that there are, by their names."
    field(types.query, "workflowDefinitions", "workflow_definitions", builder.list_of(definition), text)
    field(
        types.query,
        "workflowRuns",
        "workflow_runs",
        page,
        "Runs of workflows, the newest first.",
        *builder.page_arguments(chosen),
    )
    field(types.query, "workflowRun", "workflow_run", one, "A run; null if there is none.", id_)
    if types.access.may(WORKFLOWS, Action.UPDATE):
        text = "Let a run go no further: it is dead, with CANCELLED. Null if there is none under way."
        field(types.mutation, "cancelWorkflowRun", "cancel_workflow_run", one, text, id_)
        text = "Let a dead run go on from the step that has failed. Null if there is no dead one."
        field(types.mutation, "retryWorkflowRun", "retry_workflow_run", one, text, id_)


def _definition(types: Types) -> ObjectType:
    begins = builder.enum_type("WorkflowBeginning", _BEGINNINGS, _BEGINNINGS, "What begins a workflow.")
    counts = builder.object_type("WorkflowRunCounts", "How many runs there are in each state.")
    for name, text in _STATES.items():
        builder.add(counts, name.lower(), int, text)
    types.know(begins, counts)
    found = builder.object_type("WorkflowDefinition", "What follows by itself when something happens to a record.")
    builder.add(found, "name", str)
    builder.add(found, "description", str)
    builder.add(found, "layer", str, "The pack or the plugin whose it is.")
    builder.add(found, "entity", str, "Of its records.")
    builder.add(found, "beginsBy", begins)
    builder.add(found, "role", str | None, "With whose rights; null: with all, as its file says.")
    builder.add(found, "steps", builder.list_of(str), "What it does, in a word or two each.")
    builder.add(found, "runs", counts)
    return found


def _run(state: Any) -> ObjectType:
    found = builder.object_type("WorkflowRun", "A run of a workflow on a record.")
    builder.add(found, "id", strawberry.ID)
    builder.add(found, "workflow", str)
    builder.add(found, "entity", str)
    builder.add(found, "recordId", builder.optional(strawberry.ID), "Null if you may not see it, or it is no more.")
    builder.add(found, "state", state)
    builder.add(found, "step", str | None, "What is next, or has failed; null at the end.")
    builder.add(found, "stepNumber", int, "From 0.")
    builder.add(found, "attempts", int, "How often this step has failed.")
    builder.add(found, "error", str | None, "Why it has failed the last time: a code.")
    builder.add(found, "dueAt", builder.optional(DateTime), "When it goes on.")
    builder.add(found, "begunAt", DateTime)
    builder.add(found, "endedAt", builder.optional(DateTime))
    return found
