"""Workflows: declared in files, begun by changes and by the clock, done step by step with the rights of a role."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import update

from tests.testing.conftest import FILES as TASKS
from xrm_core.api import Action, ActionContext, Record, Refuse, hookimpl
from xrm_core.errors import SchemaFilesInvalid
from xrm_core.jobs import by_hand as jobs
from xrm_core.jobs.job import JobConflict
from xrm_core.storage.job_tables import JOB
from xrm_core.testing import Setup, Xrm
from xrm_core.workflows import runs

TEXT = {"type": "string"}
FILES: Mapping[str, Any] = {
    "user": TASKS["user"],
    "deal": {
        "x-entity": "deal",
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": TEXT,
            "stage": {**TEXT, "enum": ["open", "won", "lost"], "default": "open"},
            "worth": {"type": "integer", "default": 0},
            "ends_on": {**TEXT, "format": "date"},
            "keeper": {"x-relation": {"to": "user", "inverse": "deals", "on_delete": "set_null"}},
        },
    },
    "todo": {
        "x-entity": "todo",
        "type": "object",
        "required": ["text"],
        "properties": {
            "text": TEXT,
            "due": {**TEXT, "format": "date"},
            "worth": {"type": "integer"},
            "deal": {"x-relation": {"to": "deal", "inverse": "todos", "on_delete": "cascade"}},
            "keeper": {"x-relation": {"to": "user", "inverse": "todos", "on_delete": "set_null"}},
        },
    },
}
CREATED = {"create": "todo", "values": {"text": "call", "deal": {"$path": "id"}, "keeper": {"$path": "keeper.id"}}}
WON: Mapping[str, Any] = {
    "x-workflow": "won",
    "role": "robot",
    "on": {"entity": "deal", "change": ["create", "update"], "fields": ["stage"]},
    "where": {"stage": {"eq": "won"}},
    "steps": [
        {
            "branch": {"worth": {"gte": 100}},
            "then": [CREATED],
            "else": [{"create": "todo", "values": {"text": "file"}}],
        },
        {"wait": "P3D"},
        {
            "create": "todo",
            "values": {"text": "ask", "worth": {"$path": "worth"}, "due": {"$today": "P1D"}, "deal": {"$path": "id"}},
            "as": "question",
        },
        {"action": "flow.note", "input": {"todo": {"$created": "question"}}},
        {"update": {"name": "asked"}},
    ],
}
ENDING = {
    "x-workflow": "ending",
    "role": "robot",
    "on": {"entity": "deal", "due": {"field": "ends_on", "offset": "-P30D"}},
    "steps": [{"create": "todo", "values": {"text": "renew", "deal": {"$path": "id"}}}],
}
WEEKLY = {
    "x-workflow": "weekly",
    "role": "robot",
    "on": {"entity": "deal", "schedule": {"cron": "0 6 * * MON", "zone": "Europe/Berlin"}},
    "where": {"stage": {"eq": "lost"}},
    "steps": [{"update": {"stage": "open"}}],
}
CIRCLE = {
    "x-workflow": "circle",
    "system": True,
    "on": {"entity": "todo", "change": ["create"]},
    "where": {"text": {"eq": "circle"}},
    "steps": [{"create": "todo", "values": {"text": "circle"}}],
}
FAILING = {
    "x-workflow": "failing",
    "role": "robot",
    "on": {"entity": "deal", "change": ["create"]},
    "where": {"name": {"startsWith": "bad"}},
    "steps": [{"create": "todo", "values": {"text": "before"}}, {"action": "flow.fail"}],
}
HIDDEN = {
    "x-workflow": "hidden",
    "role": "robot",
    "on": {"entity": "user", "change": ["create"]},
    "steps": [{"update": {"name": "changed"}}],
}


@dataclass
class NoteInput:
    """Which."""

    todo: str


NOTED: list[Any] = []
BROKEN: list[BaseException] = []


def note(context: ActionContext, deal: Record, given: NoteInput) -> None:
    NOTED.append((deal["name"], given.todo, context.caller.causes))


def fail(context: ActionContext, deal: Record) -> None:
    if BROKEN:
        raise BROKEN[0]


class Plugin(SimpleNamespace):
    """Has two actions."""

    __hash__ = object.__hash__  # type: ignore[assignment]


PLUGIN = Plugin(
    register_actions=hookimpl(
        lambda: [Action("flow.note", note, "deal", input=NoteInput), Action("flow.fail", fail, "deal")]
    )
)


def setup(*workflows: Mapping[str, Any]) -> Setup:
    rights = ["deal,*,*", "todo,*,*", "user,read,id", "flow.note,run,*", "flow.fail,run,*"]
    return Setup(
        {"flow": PLUGIN},
        pack=None,
        files=FILES,
        workflows={each["x-workflow"]: each for each in workflows},
        roles={"roles": {"robot": {}, "operator": {}, "looker": {}}},
        policies=[
            *(f"robot,{each},,allow" for each in rights),
            "operator,xrm_workflows,*,*,,allow",
            "operator,deal,read,name,,allow",
            "looker,xrm_workflows,read,*,,allow",
        ],
    )


@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return setup(WON, ENDING, WEEKLY, CIRCLE, FAILING, HIDDEN)


def todos(xrm: Xrm) -> list[str]:
    with xrm.database.read() as connection:
        return list(connection.exec_driver_sql("SELECT text FROM todo ORDER BY id").scalars())


def states(xrm: Xrm, workflow: str) -> list[tuple[str, int, str | None]]:
    with xrm.database.read() as connection:
        found = runs.runs(connection, workflow=workflow)
    return [(each.state.value, each.step, each.error) for each in found]


def change(xrm: Xrm, id_: str, **changes: Any) -> None:
    with xrm.database.begin() as connection:
        xrm.platform.records.update(connection, xrm._system(), "deal", id_, changes)


def begin(xrm: Xrm) -> None:
    xrm.clock.set("2026-03-04T12:00+01:00")
    xrm.work()


def test_steps_are_done_once_in_their_order_and_go_on_after_a_wait(xrm: Xrm) -> None:
    begin(xrm)
    keeper = xrm.create("user", name="Ada", email="ada@example.org")
    deal = xrm.create("deal", name="big", worth=500, keeper=keeper)
    xrm.work()
    assert todos(xrm) == [], "the condition does not hold"

    change(xrm, deal, stage="won")
    xrm.work()
    xrm.work()
    assert (todos(xrm), states(xrm, "won")) == (["call"], [("waiting", 5, None)])

    xrm.clock.set("2026-03-07T12:00:01+01:00")
    NOTED.clear()
    xrm.work()
    assert todos(xrm) == ["call", "ask"]
    assert states(xrm, "won") == [("done", 8, None)]
    assert (xrm.get("deal", deal) or {})["name"] == "asked"
    [(name, question, causes)] = NOTED
    asked = xrm.get("todo", question) or {}
    assert (name, asked["worth"], asked["due"], asked["deal"]) == ("big", 500, "2026-03-08", deal)
    assert causes[-2:] == (("workflow", "won"), ("action", "flow.note"))


def test_the_other_branch_is_taken_and_other_fields_begin_nothing(xrm: Xrm) -> None:
    begin(xrm)
    deal = xrm.create("deal", name="small", stage="won")
    xrm.work()
    change(xrm, deal, worth=1)
    xrm.work()
    assert (todos(xrm), len(states(xrm, "won"))) == (["file"], 1)


def test_a_date_begins_a_run_once_and_so_does_a_tick(xrm: Xrm) -> None:
    begin(xrm)
    xrm.create("deal", name="a", ends_on="2026-04-04")
    xrm.create("deal", name="b", ends_on="2026-05-04")
    lost = xrm.create("deal", name="c", stage="lost")
    xrm.work()
    assert todos(xrm) == []
    for moment in ("2026-03-05T00:06+01:00", "2026-03-05T00:12+01:00", "2026-03-09T06:00:01+01:00"):
        xrm.clock.set(moment)
        xrm.work()
    assert todos(xrm) == ["renew"]
    assert (xrm.get("deal", lost) or {})["stage"] == "open"
    assert [each[0] for each in states(xrm, "weekly")] == ["done"]


def test_a_workflow_that_leads_to_itself_ends_visibly(xrm: Xrm) -> None:
    begin(xrm)
    xrm.create("todo", text="circle")
    xrm.work()
    assert todos(xrm) == ["circle"] * 6
    assert states(xrm, "circle")[0] == ("dead", 0, "WORKFLOW_IN_A_CIRCLE")


def test_a_step_that_fails_is_tried_again_dies_and_is_retried_by_hand(xrm: Xrm) -> None:
    begin(xrm)
    BROKEN.append(Refuse("Not now."))
    try:
        xrm.create("deal", name="bad")
        xrm.work()
        assert states(xrm, "failing") == [("ready", 1, "REFUSED_BY_PLUGIN")]
        for _ in range(5):
            xrm.clock.advance(minutes=4)
            xrm.work()
        assert states(xrm, "failing") == [("dead", 1, "REFUSED_BY_PLUGIN")]
    finally:
        BROKEN.clear()
    with xrm.database.begin() as connection:
        [dead] = runs.runs(connection, workflow="failing")
        assert runs.retry(connection, dead.id) is not None
        assert runs.retry(connection, dead.id) is None, "it is not dead any more"
    xrm.work()
    assert (todos(xrm), states(xrm, "failing")) == (["before"], [("done", 2, None)])


class Killed(BaseException):
    """As if the process were gone: nothing of the platform catches it."""


def test_a_step_that_kills_its_workers_is_dead_in_the_end_and_is_retried_by_hand(xrm: Xrm) -> None:
    begin(xrm)
    BROKEN.append(Killed())
    try:
        xrm.create("deal", name="bad")
        xrm.work()
        assert states(xrm, "failing") == [("ready", 1, None)], "the step before it is done, and stays so"
        with xrm.database.begin() as connection:
            tired = update(JOB).where(JOB.c.name == "workflow_steps", JOB.c.state == "pending").values(attempts=19)
            connection.execute(tired)
        xrm.clock.advance(minutes=2)
        xrm.work()
        assert states(xrm, "failing") == [("dead", 1, "Killed")]
    finally:
        BROKEN.clear()
    with xrm.database.begin() as connection:
        [dead] = runs.runs(connection, workflow="failing")
        assert runs.retry(connection, dead.id) is not None
    xrm.work()
    assert (todos(xrm), states(xrm, "failing")) == (["before"], [("done", 2, None)])


def test_a_run_that_is_cancelled_goes_no_further_and_its_job_is_not_cancelled_alone(xrm: Xrm) -> None:
    begin(xrm)
    xrm.create("deal", name="x", stage="won")
    xrm.work()
    with xrm.database.begin() as connection:
        [run] = runs.runs(connection, workflow="won")
        [job] = jobs.jobs(connection, JOB.c.name == "workflow_steps", JOB.c.state == "pending", limit=9)
        with pytest.raises(JobConflict) as refused:
            jobs.cancel(connection, job.id)
        assert runs.cancel(connection, run.id) is not None
        assert runs.cancel(connection, run.id) is None, "it is over"
    assert "xrm workflows" in refused.value.hint
    xrm.clock.set("2026-03-08T12:00+01:00")
    xrm.work()
    assert (todos(xrm), states(xrm, "won")) == (["file"], [("dead", 5, "CANCELLED")])


def test_a_workflow_has_no_other_rights_than_its_role(xrm: Xrm) -> None:
    begin(xrm)
    user = xrm.create("user", name="Ada", email="ada@example.org")
    xrm.work()
    assert states(xrm, "hidden")[0] == ("dead", 0, "FORBIDDEN")
    assert (xrm.get("user", user) or {})["name"] == "Ada"


def test_runs_whose_record_is_gone_end(xrm: Xrm) -> None:
    begin(xrm)
    deal = xrm.create("deal", name="x", stage="won")
    xrm.work()
    with xrm.database.begin() as connection:
        xrm.platform.records.delete(connection, xrm._system(), "deal", deal)
    xrm.clock.set("2026-03-08T12:00+01:00")
    xrm.work()
    assert states(xrm, "won") == [("gone", 5, None)]


RUNS = """query ($state: WorkflowRunState, $record: ID) {
  workflowRuns(where: {workflow: "won", state: $state, recordId: $record}) {
    nodes { id entity recordId state step stepNumber error }
  }
}"""
CANCEL = "mutation ($id: ID!) { cancelWorkflowRun(id: $id) { state error } }"
RETRY = "mutation ($id: ID!) { retryWorkflowRun(id: $id) { state } }"


def test_who_may_sees_workflows_and_runs_by_graphql_without_what_they_may_not_see(xrm: Xrm) -> None:
    operator, looker = xrm.as_role("operator"), xrm.as_role("looker")
    begin(xrm)
    deal = xrm.create("deal", name="x", stage="won")
    xrm.work()

    asked = "{ workflowDefinitions { name entity beginsBy role steps runs { waiting dead } } }"
    won = next(each for each in operator.query(asked)["workflowDefinitions"] if each["name"] == "won")
    assert (won["entity"], won["beginsBy"], won["role"]) == ("deal", "CHANGE", "robot")
    assert won["steps"][:3] == ["branch", "create todo", "create todo"]
    assert won["runs"] == {"waiting": 1, "dead": 0}
    [run] = operator.query(RUNS, state="WAITING", record=deal)["workflowRuns"]["nodes"]
    assert (run["recordId"], run["step"], run["stepNumber"]) == (deal, "create todo", 5)
    assert looker.query(RUNS)["workflowRuns"]["nodes"][0]["recordId"] is None

    looker.refused(CANCEL, "BAD_QUERY", id=run["id"])
    assert operator.query(CANCEL, id=run["id"])["cancelWorkflowRun"] == {"state": "DEAD", "error": "CANCELLED"}
    assert operator.query(CANCEL, id=run["id"])["cancelWorkflowRun"] is None
    assert operator.query(RETRY, id=run["id"])["retryWorkflowRun"] == {"state": "READY"}
    xrm.work()
    assert [each[0] for each in states(xrm, "won")] == ["done"]


@pytest.mark.parametrize("xrm_database", ["sqlite"], indirect=True)  # nothing is asked of it
@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"role": "robt"}, '/role The workflow won: there is no role "robt". Did you mean "robot"?'),
        ({"on": {"entity": "dael", "change": ["create"]}}, '/on/entity The workflow won: there is no entity "dael".'),
        ({"on": {**WON["on"], "fields": ["stagee"]}}, '/on/fields/0 The workflow won: deal has no field "stagee"'),
        ({"where": {"stag": {"eq": "won"}}}, "/where The workflow won: "),
        ({"steps": [{"action": "flow.nte"}]}, 'there is no action "flow.nte". Did you mean "flow.note"?'),
        ({"steps": [{"action": "flow.note"}]}, 'the action flow.note wants the input "todo".'),
        ({"steps": [{"update": {"nme": 1}}]}, '/steps/0/update/nme The workflow won: deal has no field "nme"'),
        ({"steps": [{"create": "todo"}]}, "todo has to have the field text."),
        ({"steps": [{"update": {"name": {"$path": "keeper.nam"}}}]}, "user has no field nam."),
        ({"steps": [{"update": {"name": {"$created": "x"}}}]}, 'no step before it creates "x".'),
        ({"steps": [{"update": {"name": {"$eval": "1+1"}}}]}, '"$eval" is no word of values.'),
        ({"steps": [{"wait": "P1D", "update": {"name": "x"}}]}, "It has 2 of action, create"),
        ({"steps": [{"wait": "P1M"}]}, "/steps/0/wait This is not a duration"),
        ({"system": True}, "It has a role, and is system."),
        ({"on": {"entity": "deal", "change": ["delete"]}}, "cannot be held against a condition"),
        ({"on": {"entity": "deal", "schedule": {"cron": "0 25 * * *"}}}, "There is no such time"),
        ({"on": {"entity": "deal", "due": {"field": "name"}}}, '"name" is no date of deal.'),
        ({"on": {"entity": "deal", "when": 1}}, '/on/when Unknown keyword "when".'),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_place(
    xrm_with: Callable[[Setup], Xrm], changed: Mapping[str, Any], told: str
) -> None:
    with pytest.raises(SchemaFilesInvalid) as found:
        xrm_with(setup({**WON, **changed}))
    texts = [f"{each.pointer} {each.reason} {each.remedy}" for each in found.value.problems]
    assert any(told in text for text in texts), texts
    assert all(each.file.endswith("workflows/won.json") for each in found.value.problems)
