"""What plugins take, and that one that breaks is named and breaks nothing else."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.server.http_kit import Client, code, serving
from xrm_core.api import Action, JobFailed, JobHandler, QueryField, Refuse, Route, enqueue, hookimpl
from xrm_core.jobs.registry import registry
from xrm_core.jobs.worker import Pace, do_one
from xrm_core.storage.engines import Database

TOKEN = "metrics-token-of-thirty-two-chars-0"
LINE = re.compile(
    r'xrm_plugin_call_duration_seconds_count\{kind="(\w+)",name="([^"]*)",outcome="(\w+)",plugin="test"\} (\S+)'
)


def plugin() -> SimpleNamespace:
    @hookimpl
    def before_record_create(entity: str, record: Mapping[str, Any]) -> None:
        match record.get("text"):
            case "refuse":
                raise Refuse("No.")
            case "break":
                raise ZeroDivisionError("secret")

    @hookimpl
    def register_actions() -> list[Action]:
        return [Action("test.act", lambda _context: None)]

    @hookimpl
    def register_query_fields() -> list[QueryField]:
        return [QueryField("test.ask", lambda _context: 1 // 0, int)]

    @hookimpl
    def register_routes() -> list[Route]:
        return [Route("/a/{b}", lambda _context: None, public=True)]

    @hookimpl
    def register_jobs() -> list[JobHandler]:
        return [JobHandler("test.work", work, attempts=1)]

    def work(_job: Any, payload: Mapping[str, Any]) -> None:
        if payload:
            raise JobFailed("as asked")

    hooks = {"register_actions": register_actions, "register_query_fields": register_query_fields}
    hooks |= {"register_routes": register_routes, "register_jobs": register_jobs}
    return SimpleNamespace(before_record_create=before_record_create, **hooks)


@pytest.fixture
def client(database: Database, tmp_path: Path) -> Iterator[Client]:
    with serving(database, tmp_path, plugin=plugin(), metrics_token=TOKEN) as found:
        yield found


def figures(client: Client) -> dict[tuple[str, str, str], float]:
    text = client.http.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    return {(kind, name, outcome): float(count) for kind, name, outcome, count in LINE.findall(text)}


def test_each_call_of_a_plugin_is_counted_by_how_it_ends(client: Client) -> None:
    before = figures(client)
    create = "mutation ($text: String!) { createNote(input: {text: $text}) { id } }"
    assert "errors" not in client.ask(create, text="fine")
    assert client.ask(create, text="refuse")["errors"][0]["message"] == "No."
    [broken] = client.ask(create, text="break")["errors"]
    assert (broken["extensions"]["code"], broken["extensions"]["details"]["plugin"]) == ("REFUSED_BY_PLUGIN", "test")
    assert "secret" not in str(broken)
    assert "errors" not in client.ask("mutation { testAct }")
    assert code(client.post({"query": "{ testAsk }"})) == "REFUSED_BY_PLUGIN"
    for part in ("x", "y", "z"):  # what clients choose is no label
        assert client.http.get(f"/plugins/test/a/{part}").status_code == 204
    plugins = client.records.plugins
    for payload in ({}, {"fail": True}):
        with client.database.begin() as connection:
            job = enqueue(connection, "test.work", payload)
        do_one(client.database, plugins, registry(plugins, "UTC"), job, "", Pace())
    after = figures(client)
    more = {call: number - before.get(call, 0) for call, number in after.items()}
    counted = {call: number for call, number in more.items() if number and not call[1].startswith("register_")}
    jobs = {("job", "test.work", "ok"): 1, ("job", "test.work", "failed"): 1}
    hooks = {("hook", "before_record_create", outcome): 1 for outcome in ("ok", "refused", "failed")}
    others = {("action", "test.act", "ok"): 1, ("query", "test.ask", "failed"): 1, ("route", "test/a/{b}", "ok"): 3}
    assert counted == {**jobs, **hooks, **others}
    assert "errors" not in client.ask(create, text="still here")
