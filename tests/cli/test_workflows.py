"""``xrm workflows``: which there are, whether they fit, and what they have done; and plans that would break one."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Xrm
from xrm_core.storage.engines import Database
from xrm_core.workflows import runs

FLOW = {
    "x-workflow": "thick",
    "system": True,
    "on": {"entity": "book", "change": ["create"]},
    "where": {"pages": {"gte": 500}},
    "steps": [{"update": {"summary": "thick"}}],
}


@pytest.fixture
def flow(applied: Path) -> Path:
    """The file of a workflow in the pack, which is applied."""
    (applied / "workflows").mkdir()
    file = applied / "workflows" / "thick.json"
    file.write_text(json.dumps(FLOW))
    return file


def test_workflows_are_listed_checked_and_their_runs_shown(xrm: Xrm, flow: Path, tmp_path: Path) -> None:
    (tmp_path / "books.csv").write_text("title;pages\nFaust;600\nEmil;100\n")
    assert xrm("import", "book", tmp_path / "books.csv").code == 0
    [url] = [f"sqlite:///{file}" for file in tmp_path.rglob("*.db")]
    database = Database(url)
    with database.begin() as connection:
        [book] = connection.exec_driver_sql("SELECT id FROM book WHERE pages = 600").scalars()
        runs.begin(connection, "thick", "book", str(book), "change 1", FLOW["steps"], (), "SOMETHING")  # type: ignore[arg-type]
        [run] = runs.runs(connection)
    database.close()

    listed, checked = xrm("workflows", "list"), xrm("workflows", "check")
    assert [word in listed.out for word in ("thick", "book", "change", "(system)", "1 dead")] == [True] * 5
    assert "thick: the condition holds for 1 records of book now" in checked.out
    shown = json.loads(xrm("workflows", "runs", "--workflow", "thick", "--state", "dead", "--json").out)
    assert (shown["id"], shown["record_id"], shown["error"]) == (run.id, str(book), "SOMETHING")
    assert run.id in xrm("workflows", "runs").out
    xrm("workflows", "runs", "--state", "lost").failed("SETTINGS_INVALID")

    assert xrm("workflows", "retry", run.id).code == 0
    xrm("workflows", "retry", run.id).failed("NOT_FOUND")
    assert xrm("workflows", "cancel", run.id).code == 0
    xrm("workflows", "cancel", "nonsense").failed("NOT_FOUND")


def test_a_plan_names_the_workflow_that_it_would_break(xrm: Xrm, flow: Path) -> None:
    book = flow.parents[1] / "book.json"
    entity = json.loads(book.read_text())
    del entity["properties"]["pages"]
    book.write_text(json.dumps(entity))

    for command in ("plan", "apply"):
        refused = xrm("schema", command).failed("SCHEMA_FILES_INVALID")
        assert "The workflow thick: " in refused
        assert "thick.json" in refused
