"""Workflows and their runs, as those see and change them who have the right to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import WORKFLOWS, Action
from xrm_core.records.door import Records
from xrm_core.records.pages import TIMEOUT, changing, known_id, page_of, page_size, require_right
from xrm_core.records.visible import visible
from xrm_core.storage.engines import Database
from xrm_core.translation import say
from xrm_core.workflows import runs
from xrm_core.workflows.definition import VERBS, Workflow
from xrm_core.workflows.runs import Run, RunState


@dataclass(frozen=True)
class WorkflowAdministration:
    """The workflows of one database. Blocking.

    All raise Forbidden: the caller has no right to it; and BadQuery: an argument is not understood. Those that change
    something raise ModelOutOfDate and PermissionsChanged if others hold by now, and what ``held`` raises.

    Args:
        database: has the runs.
        records: the door for records, which says what callers may see.
        policies: digest of the policies that the callers' rights come from.
        workflows: reads which there are.
        held: refuses, in a transaction, callers who have lost by now what they were let in with.
    """

    database: Database
    records: Records
    policies: str
    workflows: Callable[[], Sequence[Workflow]]
    held: Callable[[Connection, User], None]

    def workflow_definitions(self, caller: User, address: str | None) -> list[dict[str, Any]]:  # noqa: ARG002
        """All workflows by their names, with how many runs there are in each state."""
        _require(caller, Action.READ)
        with self.database.read(TIMEOUT) as connection:
            counts = runs.counts(connection)
        return [
            {
                "name": each.name,
                "description": each.description,
                "layer": each.layer,
                "entity": each.entity,
                "beginsBy": each.happens.upper(),
                "role": each.role,
                "steps": [_verb(step) for step in each.program if "goto" not in step],
                "runs": {state.value: counts.get(each.name, {}).get(state.value, 0) for state in RunState},
            }
            for each in sorted(self.workflows(), key=lambda each: each.name)
        ]

    def workflow_runs(
        self,
        caller: User,
        address: str | None,  # noqa: ARG002
        where: Mapping[str, Any] | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> dict[str, Any]:
        """A page of runs, the newest first; ``where``: ``workflow``, ``state``, ``recordId``."""
        _require(caller, Action.READ)
        limit = page_size(first)
        given = where or {}
        state, record = given.get("state"), given.get("recordId")
        with self.database.read(TIMEOUT) as connection:
            found = runs.runs(
                connection,
                workflow=given.get("workflow"),
                state=None if state is None else state.lower(),
                record_id=None if record is None else known_id(record),
                after=None if after is None else known_id(after),
                limit=limit + 1,
            )
            page = self._shown(connection, caller, found[:limit])
        return page_of(page, more=len(found) > limit, after=after)

    def workflow_run(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:  # noqa: ARG002
        """A run; None if there is none."""
        _require(caller, Action.READ)
        with self.database.read(TIMEOUT) as connection:
            return self._one(connection, caller, runs.by_id(connection, known_id(id)))

    def cancel_workflow_run(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:  # noqa: ARG002
        """Let a run go no further; None if there is none under way."""
        return self._change(caller, lambda connection: runs.cancel(connection, known_id(id)))

    def retry_workflow_run(self, caller: User, address: str | None, id: str) -> dict[str, Any] | None:  # noqa: ARG002
        """Let a dead run go on from the step that has failed; None if there is no dead one."""
        return self._change(caller, lambda connection: runs.retry(connection, known_id(id)))

    def _change(self, caller: User, change: Callable[[Connection], Run | None]) -> dict[str, Any] | None:
        _require(caller, Action.READ)
        _require(caller, Action.UPDATE)
        with changing(self.database, caller, self.records.model, self.policies, self.held) as connection:
            return self._one(connection, caller, change(connection))

    def _one(self, connection: Connection, caller: User, found: Run | None) -> dict[str, Any] | None:
        return None if found is None else self._shown(connection, caller, [found])[0]

    def _shown(self, connection: Connection, caller: User, found: Sequence[Run]) -> list[dict[str, Any]]:
        """In the shape of GraphQL's type ``WorkflowRun``: a record that the caller may not see is not named."""
        seen = visible(self.records, connection, caller, [(each.entity, each.record_id) for each in found])
        return [
            {
                "id": each.id,
                "workflow": each.workflow,
                "entity": each.entity,
                "recordId": each.record_id if (each.entity, each.record_id) in seen else None,
                "state": each.state.value.upper(),
                "step": _verb(each.program[each.step]) if each.step < len(each.program) else None,
                "stepNumber": each.step,
                "attempts": each.attempts,
                "error": each.error,
                "dueAt": each.due_at,
                "begunAt": each.begun_at,
                "endedAt": each.ended_at,
            }
            for each in found
        ]


def _verb(step: Mapping[str, Any]) -> str:
    """What a step does, in a word or two: ``create todo``."""
    verb = next((each for each in VERBS if each in step), "goto")
    what = step.get(verb)
    return f"{verb} {what}" if isinstance(what, str) else verb


def _require(caller: User, action: Action) -> None:
    require_right(caller, WORKFLOWS, action, say("You have no right to workflows."))
