"""Workflows that begin with changes: each reads the change log, as listeners of plugins do."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from xrm_core.changes.reading import LoggedChange
from xrm_core.events.consumer import Consumer, Note, Patience
from xrm_core.jobs.place import Place
from xrm_core.storage.applied import require_model
from xrm_core.workflows import matching, runs
from xrm_core.workflows.definition import CAUSE, MOST_DEPTH, Workflow
from xrm_core.workflows.rights import Rights

PREFIX = "workflow:"
"""What the names of the readers of workflows begin with."""

IN_A_CIRCLE = "WORKFLOW_IN_A_CIRCLE"
"""Error of a run that is not begun, since the workflow has led to itself too often."""


@dataclass(frozen=True)
class WorkflowReader:
    """What begins the runs of one workflow. The condition is asked for the record as it is when the change is read."""

    workflow: Workflow
    rights: Rights
    zone: str
    patience: Patience = field(default_factory=Patience)

    @property
    def name(self) -> str:
        """Of its reader."""
        return f"{PREFIX}{self.workflow.name}"

    def wants(self, entry: LoggedChange) -> bool:
        """Whether the change is one that the workflow is about."""
        workflow = self.workflow
        if entry.entity != workflow.entity or entry.operation not in workflow.changes:
            return False
        if entry.operation != "update" or not workflow.fields:
            return True
        return any(name in entry.fields for name in workflow.fields)

    def deliver(self, place: Place, entry: LoggedChange, attempt: int) -> Note:  # noqa: ARG002 - as any other
        """Begin a run, in the transaction in which the reader moves on: there is one, whatever happens."""
        records, workflow = place.records(), self.workflow

        def note(connection: Connection) -> None:
            require_model(connection, records.model)
            depth = sum(cause == (CAUSE, workflow.name) for cause in entry.causes)
            caller = self.rights.caller(records, connection, workflow, entry.causes, self.zone)
            gone = entry.operation == "delete"
            if gone or matching.holds(records, connection, caller, entry.entity, workflow.where, entry.record_id):
                error = IN_A_CIRCLE if depth >= MOST_DEPTH else None
                key, about = f"change {entry.position}", (workflow.name, entry.entity, entry.record_id)
                runs.begin(connection, *about, key, workflow.program, entry.causes, error)

        return note


def readers(workflows: Sequence[Workflow], rights: Rights, zone: str) -> list[Consumer]:
    """Those of all workflows that begin with changes."""
    return [WorkflowReader(each, rights, zone) for each in workflows if each.changes]
