"""``xrm plugins disable``, ``enable`` and ``remove``: what becomes of the data of a plugin."""

import datetime as dt
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from starlette.testclient import TestClient

from tests.cli.conftest import Outcome, Xrm
from tests.plugins.conftest import MakeDistribution, make_distribution
from xrm_core.auth import tokens
from xrm_core.auth.tokens import TokenLimits
from xrm_core.events import cursors
from xrm_core.events.webhooks import Subject, Wanted, columns
from xrm_core.jobs import by_hand, schedules
from xrm_core.jobs.enqueue import enqueue
from xrm_core.jobs.registry import Schedule
from xrm_core.messages import Message
from xrm_core.messages.by_hand import messages
from xrm_core.messages.outbox import keep
from xrm_core.server.app import create_app
from xrm_core.server.assembly import assemble_applied
from xrm_core.settings import load_settings
from xrm_core.storage.engines import Database
from xrm_core.storage.job_tables import SCHEDULE
from xrm_core.storage.plugin_switches import resting_plugins
from xrm_core.storage.webhook_tables import WEBHOOK
from xrm_core.workflows import runs

__all__ = ["make_distribution"]

SOURCE = """
from pathlib import Path
from xrm_core.api import Action, CustomFieldType, JobHandler, Schedule, TextFormat, hookimpl

@hookimpl
def register_schemas():
    return [Path(__file__).parent / "schemas"]

@hookimpl
def register_workflows():
    return [Path(__file__).parent / "workflows"]

@hookimpl
def register_field_types():
    return [CustomFieldType("loans-fee", {"type": "integer", "minimum": 0, "maximum": 99}, operators=("eq", "isNull"))]

@hookimpl
def register_text_formats():
    return [TextFormat("loans-card", lambda card: None, max_length=12)]

@hookimpl
def register_actions():
    return [Action("loans.count", lambda context: None)]

@hookimpl
def register_jobs():
    return [JobHandler("loans.remind", lambda job, payload: None)]

@hookimpl
def register_schedules():
    return [Schedule("loans.nightly", "loans.remind", "0 3 * * *")]

@hookimpl
def after_record_create(entity, record, event):
    pass
"""
NEEDING = """
from xrm_core.api import Needs, hookimpl

@hookimpl
def register_needs():
    return Needs(plugins={"loans": ""})
"""
WANTING = """
from dataclasses import dataclass
from xrm_core.api import hookimpl

@dataclass
class Settings:
    key: str

@hookimpl
def register_settings():
    return Settings
"""
LOAN = {
    "x-entity": "loan",
    "type": "object",
    "required": ["reader"],
    "properties": {
        "reader": {"type": "string"},
        "fee": {"x-type": "loans-fee"},
        "card": {"type": "string", "format": "loans-card"},
        "book": {"x-relation": {"to": "book", "inverse": "loans", "on_delete": "cascade"}},
    },
}
SHELF = {"x-extends": "book", "properties": {"shelf": {"type": "string"}}}
OWED = {
    "x-workflow": "owed",
    "system": True,
    "on": {"entity": "loan", "change": ["create"]},
    "steps": [{"update": {"fee": 1}}],
}
BOOKS, LOANS = "title;shelf\nFaust;A1\n", "reader\nAda\n"
CONSENT = ("--accept", "drop_entity:loan", "--accept", "drop_field:book.shelf")
NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
Run = Callable[..., Outcome]


@pytest.fixture
def loans(make_distribution: MakeDistribution) -> Path:
    """An installed plugin that lends books; where it is."""
    site = make_distribution(SOURCE, plugin="loans", distribution="xrm-loans", version="1.1")
    for place, content in (("schemas/loan", LOAN), ("schemas/book", SHELF), ("workflows/owed", OWED)):
        (site / place).parent.mkdir(exist_ok=True)
        (site / f"{place}.json").write_text(json.dumps(content))
    return site


@pytest.fixture
def run(loans: Path, pack: Path, xrm: Xrm, database_url: str, tmp_path: Path) -> Run:
    """A command on a database in which a book is lent, and of which a clerk may see what readers may not."""

    def run(*words: str | Path) -> Outcome:
        return xrm(*words, "--database", database_url)

    policies = pack / "permissions" / "policies.csv"
    lines = ["reader,loan,read,id reader,,allow", "reader,book,read,shelf,,allow", "reader,loans.lend,run,*,,allow"]
    policies.write_text(policies.read_text() + "\n".join(lines) + "\n")
    (tmp_path / "books.csv").write_text(BOOKS)
    (tmp_path / "loans.csv").write_text(LOANS)
    assert run("schema", "apply").code == 0
    assert run("import", "book", tmp_path / "books.csv").code == 0
    assert run("import", "loan", tmp_path / "loans.csv").code == 0
    return run


def test_what_a_plugin_has_brought_stays_and_is_read_but_not_changed(
    run: Run, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    off = run("plugins", "disable", "loans")
    listed, planned = run("plugins", "list"), run("schema", "plan")
    written = run("import", "loan", tmp_path / "loans.csv")
    (tmp_path / "books.csv").write_text("title\nEmil\n")
    monkeypatch.setenv("XRM_DATABASE_URL", database_url)  # commands of plugins are looked for before options are read
    command = run("loans", "list").failed("SETTINGS_INVALID")
    others = run("import", "book", tmp_path / "books.csv")
    (tmp_path / "books.csv").write_text("title;shelf\nMomo;B1\n")
    field = run("import", "book", tmp_path / "books.csv")
    on = run("plugins", "enable", "loans")
    again = run("import", "loan", tmp_path / "loans.csv")

    assert "can be read, but not changed: loan." in off.out
    assert "The plugin loans is switched off" in command
    assert "-  loans  (xrm-loans 1.1): switched off" in listed.out
    assert (planned.code, planned.out) == (0, "Nothing to do: the database has this model.\n")
    assert "The plugin loans is switched off" in written.out + written.err
    assert others.code == 0
    assert "The plugin loans is switched off" in field.out + field.err
    assert on.code == 0
    assert again.code == 0, again


def test_a_plugin_that_another_one_needs_stays_on(run: Run, make_distribution: MakeDistribution):
    make_distribution(NEEDING, plugin="reminders", distribution="xrm-reminders")

    refused = run("plugins", "disable", "loans").failed("PLUGIN_LOAD_FAILED")

    assert "reminders" in refused
    assert "it needs the plugin loans, which is switched off" in refused
    assert "switched off" not in run("plugins", "list").out


def test_switching_what_is_not_there_or_is_so_already_is_told(run: Run):
    assert 'Did you mean "loans"?' in run("plugins", "disable", "loan").failed("SETTINGS_INVALID")
    assert "is not switched off" in run("plugins", "enable", "loans").failed("SETTINGS_INVALID")
    run("plugins", "disable", "loans")
    assert "is switched off already" in run("plugins", "disable", "loans").failed("SETTINGS_INVALID")


def test_a_plugin_that_cannot_be_loaded_can_be_switched_off(run: Run, make_distribution: MakeDistribution):
    make_distribution("raise RuntimeError('broken')", plugin="broken", distribution="xrm-broken")
    run("schema", "plan").failed("PLUGIN_LOAD_FAILED")

    assert run("plugins", "disable", "broken").code == 0

    assert run("schema", "plan").code == 0


def test_one_that_breaks_after_an_upgrade_can_be_switched_off_without_a_loss(run: Run, loans: Path, database: Database):
    [module] = loans.glob("*.py")
    [info] = loans.glob("*.dist-info")
    module.write_text("raise RuntimeError('broken')")
    files = sorted(each.relative_to(loans).as_posix() for each in loans.rglob("*.*") if each.is_file())
    (info / "RECORD").write_text("".join(f"{each},,\n" for each in files))
    sys.modules.pop(module.stem)
    run("schema", "plan").failed("PLUGIN_LOAD_FAILED")

    run("plugins", "disable", "loans")

    planned = run("schema", "plan")
    assert planned.code == 0, planned
    with database.read() as connection:
        [resting] = resting_plugins(connection)
    assert (resting.name, resting.workflows) == ("loans", ("owed",))


def test_one_that_no_database_has_is_off_without_its_entities(
    make_distribution: MakeDistribution, applied: Path, xrm: Xrm
):
    site = make_distribution(SOURCE.replace("loans", "fines"), plugin="fines", distribution="xrm-fines")
    for folder in ("schemas", "workflows"):
        (site / folder).mkdir()
    (site / "schemas" / "loan.json").write_text(json.dumps(LOAN).replace("loans-", "fines-"))
    assert xrm("schema", "plan").code == 2

    assert xrm("plugins", "disable", "fines").code == 0

    assert xrm("schema", "plan").code == 0


def test_one_of_the_platforms_own_that_is_not_loaded_is_not_switched_off(applied: Path, xrm: Xrm):
    assert "XRM_PLUGINS does not name it" in xrm("plugins", "disable", "sales").failed("SETTINGS_INVALID")


def test_a_plugin_whose_settings_are_missing_can_be_switched_off(run: Run, make_distribution: MakeDistribution):
    make_distribution(WANTING, plugin="wanting", distribution="xrm-wanting")
    run("schema", "plan").failed("SETTINGS_INVALID")

    assert run("plugins", "disable", "wanting").code == 0

    assert run("schema", "plan").code == 0


def test_a_removal_shows_everything_and_can_be_taken_back(run: Run):
    shown = run("plugins", "remove", "loans")
    refused = run("plugins", "remove", "loans", "--apply")
    run("plugins", "disable", "loans")
    without_consent = run("plugins", "remove", "loans", "--apply")
    removed = run("plugins", "remove", "loans", "--apply", *CONSENT)
    left, nothing = run("schema", "plan"), run("plugins", "remove", "loans")
    back = run("schema", "undo")
    resting, planned = run("plugins", "disable", "loans"), run("schema", "plan")
    policies = run("permissions", "undo")
    again = json.loads(run("plugins", "remove", "loans", "--json").out)

    assert shown.code == 2
    for told in (
        "Drop the entity loan and its 1 record",
        "Drop the field book.shelf and its 1 value",
        "policy: reader,loan,read,id reader,,allow",
        "policy: reader,book,read,shelf,,allow",
        "policy: reader,loans.lend,run,*,,allow",
    ):
        assert told in shown.out, told
    assert "is not switched off" in refused.failed("SETTINGS_INVALID")
    assert "drop_entity:loan" in without_consent.failed("SCHEMA_CHANGE_REFUSED")
    assert removed.code == 0, removed
    assert left.code == 0, left
    assert nothing.code == 0, nothing
    assert back.code == 0, back
    assert resting.code == 0, resting
    assert planned.code == 0, planned
    assert [(each["op"], each["rows"]) for each in again["operations"]] == [("drop_field", 1), ("drop_entity", 1)]
    assert policies.code == 0, policies
    assert len(again["policies"]) == 3


def test_what_waits_for_a_plugin_is_shown_and_goes_with_it(run: Run, database: Database):
    subject = Subject("loan")
    with database.begin() as connection:
        job = enqueue(connection, "loans.remind", {})
        schedules.fire(connection, Schedule("loans.nightly", "loans.remind", "0 3 * * *", "UTC"))
        cursors.begin(connection, ["plugin:loans", "workflow:owed", "workflow:other"])
        runs.begin(connection, "owed", "loan", job, "x", [{"update": {}}], ())
        keep(connection, Message("loans.due", ("loan", job)), None)
        keep(connection, Message("others.due", ("loan", job)), None)
        wanted = columns(Wanted("library", "https://example.com", [subject], role="clerk"))
        more = {"id": job, "secret": "x", "state": "active", "failures": 0, "event_salt": "x", "created_at": NOW}
        connection.execute(insert(WEBHOOK).values({**wanted, **more}))
    shown = run("plugins", "remove", "loans").out
    run("plugins", "disable", "loans")

    removed = run("plugins", "remove", "loans", "--apply", *CONSENT)

    assert removed.code == 0, removed
    for told in (
        "jobs that wait: 1 × loans.remind",
        "schedule: loans.nightly",
        "reader of the change log: plugin:loans, with 0 dead events",
        "webhook: library",
        "workflow: owed; runs under way: 1, which go no further",
        "messages that wait: 1 × loans.due, which are not sent",
    ):
        assert told in shown, told
    with database.read() as connection:
        found = by_hand.job(connection, job)
        assert found is not None
        assert found.state == "cancelled"
        assert connection.scalar(select(func.count()).select_from(SCHEDULE)) == 0
        readers = ["plugin:loans", "workflow:owed", "workflow:other"]
        assert list(cursors.cursors(connection, readers)) == ["workflow:other"]
        [run] = runs.runs(connection)
        assert (run.state, run.error) == ("dead", "WorkflowGone")
        left = {each.kind: (each.state, each.reason) for each in messages(connection)}
        assert left == {"loans.due": ("failed", "NO_KIND"), "others.due": ("queued", None)}


def test_runs_of_its_workflows_wait_until_it_is_back(run: Run, database: Database):
    begun = begin(database, "owed", "loan", [{"update": {"fee": 1}}])
    run("plugins", "disable", "loans")

    assert (go_on(run, begun).code, state_of(database)) == (0, ("ready", 0))

    run("plugins", "enable", "loans")
    assert go_on(run, begun).code == 0
    assert state_of(database) == ("done", 1)


def test_runs_of_other_workflows_wait_at_the_steps_that_are_its_actions(run: Run, database: Database, pack: Path):
    steps = [{"update": {"title": "Fist"}}, {"action": "loans.count"}]
    flow = {"x-workflow": "count", "system": True, "on": {"entity": "book", "change": ["update"]}, "steps": steps}
    (pack / "workflows").mkdir()
    (pack / "workflows" / "count.json").write_text(json.dumps(flow))
    begun = begin(database, "count", "book", steps)
    assert run("plugins", "disable", "loans").code == 0

    assert (go_on(run, begun).code, state_of(database)) == (0, ("ready", 1))
    assert "in the way: " in (told := run("plugins", "remove", "loans").out)
    assert 'The workflow count: there is no action "loans.count"' in told

    assert run("plugins", "enable", "loans").code == 0
    assert (go_on(run, begun).code, state_of(database)) == (0, ("done", 2))


def begin(database: Database, workflow: str, entity: str, steps: list[dict[str, Any]]) -> dict[str, str]:
    """A run on the record of an entity; what the job is given that does its steps."""
    with database.begin() as connection:
        record = str(connection.exec_driver_sql(f"SELECT id FROM {entity}").scalar())
        runs.begin(connection, workflow, entity, record, "x", steps, ())
    return {"workflow": workflow, "record": record}


def go_on(run: Run, begun: dict[str, str]) -> Outcome:
    """Do its steps, as far as they can be done now."""
    return run("jobs", "run", runs.STEPS_JOB, "--payload", json.dumps(begun), "--here")


def state_of(database: Database) -> tuple[str, int]:
    with database.read() as connection:
        [found] = runs.runs(connection)
    return found.state.value, found.step


def test_its_records_are_read_over_graphql_while_it_is_off(run: Run, database: Database, database_url: str):
    run("plugins", "disable", "loans")
    with database.begin() as connection:
        token = tokens.create_token(connection, None, "test", limits=TokenLimits(roles=["clerk"]))

    with TestClient(create_app(assemble_applied(load_settings(database_url=database_url)))) as http:

        def ask(document: str) -> Any:
            return http.post("/graphql", json={"query": document}, headers={"Authorization": f"Bearer {token}"}).json()

        read = ask("{ loans { nodes { id reader } } books { nodes { title shelf } } }")
        loan = read["data"]["loans"]["nodes"][0]
        refused = [
            ask(f'mutation {{ updateLoan(id: "{loan["id"]}", input: {{reader: "Eve"}}) {{ id }} }}'),
            ask(f'mutation {{ deleteLoan(id: "{loan["id"]}") {{ id }} }}'),
        ]

    assert loan["reader"] == "Ada"
    assert read["data"]["books"]["nodes"] == [{"title": "Faust", "shelf": "A1"}]
    for answer in refused:
        [error] = answer["errors"]
        assert error["extensions"]["code"] == "REFUSED_BY_PLUGIN"
        assert error["extensions"]["details"]["plugin"] == "loans"


def test_each_tenant_keeps_its_own_until_it_is_removed_there(loans: Path, pack: Path, xrm: Xrm, tmp_path: Path):
    (tmp_path / "loans.csv").write_text(LOANS)
    assert xrm("schema", "apply").code == 0
    assert xrm("tenant", "create", "town").code == 0
    assert xrm("import", "loan", tmp_path / "loans.csv", "--tenant", "town").code == 0
    xrm("plugins", "disable", "loans")
    off = xrm("schema", "plan", "--tenant", "town")

    main = xrm("plugins", "remove", "loans", "--apply", *CONSENT)
    shown = xrm("plugins", "remove", "loans", "--tenant", "town")
    town = xrm("plugins", "remove", "loans", "--apply", *CONSENT, "--tenant", "town")

    assert off.code == 0, off
    assert main.code == 0, main
    assert "Drop the entity loan and its 1 record" in shown.out
    assert town.code == 0, town
    assert xrm("schema", "plan", "--tenant", "town").code == 0


def test_what_refers_to_a_plugin_is_in_its_way(run: Run, pack: Path):
    fine = {"x-entity": "fine", "type": "object", "properties": {"loan": {"x-relation": {"to": "loan"}}}}
    fine["properties"]["loan"]["x-relation"] |= {"inverse": "fines", "on_delete": "cascade"}  # type: ignore[index]
    (pack / "fine.json").write_text(json.dumps(fine))
    assert run("schema", "apply").code == 0

    shown = run("plugins", "remove", "loans")
    run("plugins", "disable", "loans")
    refused = run("plugins", "remove", "loans", "--apply").failed("SCHEMA_CHANGE_REFUSED")

    assert "in the way:" in shown.out
    assert "fine.json" in shown.out
    assert "fine.json" in refused


def test_workflows_that_use_what_a_plugin_has_brought_are_in_its_way(run: Run, pack: Path):
    flow = {"x-workflow": "late", "system": True, "on": {"entity": "book", "change": ["update"], "fields": ["shelf"]}}
    flow |= {"steps": [{"update": {"title": "late"}}]}
    (pack / "workflows").mkdir()
    (pack / "workflows" / "late.json").write_text(json.dumps(flow))

    shown = run("plugins", "remove", "loans")
    run("plugins", "disable", "loans")
    refused = run("plugins", "remove", "loans", "--apply").failed("SCHEMA_CHANGE_REFUSED")

    for told in (shown.out, refused):
        assert 'late.json:1: The workflow late: book has no field "shelf"' in told
