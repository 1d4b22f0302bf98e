"""What workflows have left in a database that no file has any more."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, delete, func, select, update

from xrm_core.events import by_hand
from xrm_core.jobs import clock
from xrm_core.storage.job_tables import SCHEDULE
from xrm_core.storage.workflow_tables import WORKFLOW_LOOK, WORKFLOW_RUN
from xrm_core.workflows.clock_triggers import schedule_of
from xrm_core.workflows.listening import PREFIX
from xrm_core.workflows.runs import OPEN, RunState
from xrm_core.workflows.stepping import WorkflowGone


def under_way(connection: Connection, workflows: Sequence[str]) -> Mapping[str, int]:
    """How many runs of each are under way; of those alone that have begun something, or listen."""
    of = WORKFLOW_RUN.c
    mine = of.workflow.in_(workflows), of.state.in_(OPEN)
    counted = {
        name: int(number)
        for name, number in connection.execute(select(of.workflow, func.count()).where(*mine).group_by(of.workflow))
    }
    known = {each.name for each in by_hand.states(connection)} | set(connection.scalars(select(SCHEDULE.c.name)))
    return {
        name: counted.get(name, 0)
        for name in sorted(workflows)
        if name in counted or f"{PREFIX}{name}" in known or schedule_of(name) in known
    }


def remove(connection: Connection, workflows: Sequence[str]) -> None:
    """End their runs, and let nothing wait for them any more; what they have done stays."""
    of = WORKFLOW_RUN.c
    ended = {"state": RunState.DEAD.value, "error": WorkflowGone.__name__, "due_at": None}
    mine = of.workflow.in_(workflows), of.state.in_(OPEN)
    connection.execute(update(WORKFLOW_RUN).where(*mine).values(**ended, ended_at=clock.now(connection)))
    connection.execute(delete(WORKFLOW_LOOK).where(WORKFLOW_LOOK.c.workflow.in_(workflows)))
    connection.execute(delete(SCHEDULE).where(SCHEDULE.c.name.in_([schedule_of(each) for each in workflows])))
    readers = {each.name for each in by_hand.states(connection)}
    for name in workflows:
        if f"{PREFIX}{name}" in readers:
            by_hand.forget(connection, f"{PREFIX}{name}")
