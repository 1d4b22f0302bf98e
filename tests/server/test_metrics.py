"""What ``/metrics`` says, to whom, and what is not in it."""

import datetime as dt
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert
from uuid_utils import uuid7

from tests.postgres import PostgresServer
from tests.server.http_kit import Client, serving
from tests.server.test_whole_answers import asked
from xrm_core.errors import SettingsError
from xrm_core.server.job_figures import JobFigures
from xrm_core.server.site import Site
from xrm_core.settings import load_settings
from xrm_core.storage.engines import Database
from xrm_core.storage.job_tables import JOB
from xrm_core.storage.system_upgrade import upgrade_system

TOKEN = "a-token-for-figures-0123456789abcdef"
QUERY = "query Marked { customers { totalCount } }"
KNOWN = {
    "method": {"GET", "POST", "HEAD", "other"},
    "operation": {"query", "mutation"},
    "outcome": {"ok", "errors"},
    "use": {"read", "write"},
    "state": {"busy", "idle", "pending", "running", "dead"},
    "pool": {"plan", "write", "schema", "account", "auth", "files", "feed", "plugin"},
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def counted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder: Path = tmp_path_factory.mktemp("metrics")
    with ExitStack() as stack:
        url = f"sqlite:///{folder / 'test.db'}"
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.database())
        database = Database(url)
        stack.callback(database.close)
        yield stack.enter_context(serving(database, folder, metrics_token=TOKEN))


def figures(client: Client) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Each sample by its name and labels."""
    answer = client.http.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def of(found: dict[tuple[str, tuple[tuple[str, str], ...]], float], name: str, **labels: str) -> float:
    return found.get((name, tuple(sorted(labels.items()))), 0.0)


def test_requests_operations_and_errors_are_counted(counted: Client) -> None:
    before = figures(counted)
    counted.post({"query": QUERY})
    counted.post({"query": 'mutation { createUser(input: {name: "x"}) { id } }'})
    counted.post({"query": "{ nothing }"})
    counted.post('{"query":')
    counted.http.get("/nowhere/secret")
    counted.http.request("BREW", "/nowhere")
    after = figures(counted)

    def more(name: str, **labels: str) -> float:
        return of(after, name, **labels) - of(before, name, **labels)

    requests = "xrm_http_request_duration_seconds_count"
    assert more(requests, method="POST", route="/graphql", status="200") == 2
    assert more(requests, method="POST", route="/graphql", status="422") == 1
    assert more(requests, method="POST", route="/graphql", status="400") == 1
    assert more(requests, method="GET", route="none", status="404") == 1
    assert more(requests, method="other", route="none", status="404") == 1
    assert more("xrm_graphql_operation_duration_seconds_count", operation="query", outcome="ok") == 1
    assert more("xrm_graphql_operation_duration_seconds_count", operation="mutation", outcome="ok") == 1
    assert more("xrm_errors_total", code="BAD_QUERY") == 1
    assert more("xrm_errors_total", code="BAD_REQUEST") == 1
    assert more("xrm_errors_total", code="NOT_FOUND") == 2
    buckets = [
        (float(dict(labels)["le"]), value)
        for (name, labels), value in after.items()
        if name == "xrm_http_request_duration_seconds_bucket"
        and ("route", "/graphql") in labels
        and ("status", "200") in labels
    ]
    assert [value for _, value in sorted(buckets)] == sorted(value for _, value in buckets)
    assert sorted(buckets)[-1][1] == of(after, requests, method="POST", route="/graphql", status="200")


def test_connections_threads_and_the_process_are_told(counted: Client) -> None:
    found = figures(counted)

    names = {name for name, _ in found}
    assert {"process_cpu_seconds_total", "process_resident_memory_bytes", "python_info", "xrm_info"} <= names
    assert of(found, "xrm_databases_open") == 1
    assert {("state", state) for state in ("pending", "running", "dead")} == {
        labels[0] for name, labels in found if name == "xrm_jobs"
    }
    assert of(found, "xrm_http_requests_under_way") == 1  # this one
    connections = {labels for name, labels in found if name == "xrm_database_connections"}
    assert len(connections) == 4
    assert of(found, "xrm_database_connections", use="read", state="idle") >= 1
    assert of(found, "xrm_database_connections", use="write", state="idle") >= 1
    assert of(found, "xrm_database_waiting", use="read") == 0


async def test_jobs_that_wait_or_are_dead_are_counted(database: Database) -> None:
    upgrade_system(database)
    now = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)
    figures_of_jobs = JobFigures(lambda: now)

    async def told() -> dict[str, float]:
        await figures_of_jobs.look(cast(Site, SimpleNamespace(name="", database=database)))
        figures_of_jobs.looked()
        states, late = figures_of_jobs.gauges()
        return {state: number for (state,), number in states.find()} | {"late": next(iter(late.find()))[1]}

    assert await told() == {"pending": 0, "running": 0, "dead": 0, "late": 0}
    with database.begin() as connection:
        for state, minutes in (("pending", -5), ("pending", -1), ("pending", 5), ("dead", -9), ("done", -9)):
            values = {"name": "x", "payload": "{}", "state": state, "priority": 0, "attempts": 0, "beat": 0}
            due = now + dt.timedelta(minutes=minutes)
            more = {"id": str(uuid7()), "due_at": due, "created_at": due, "cancel": False, "progress": 0}
            connection.execute(insert(JOB).values(**values, **more))
    assert await told() == {"pending": 3, "running": 0, "dead": 1, "late": 300}


def test_no_label_has_what_a_client_has_chosen(counted: Client) -> None:
    marked = "markedbysomebody"
    counted.post({"query": f"query {marked} {{ {marked}: customers {{ totalCount }} }}"})
    counted.post({"query": f"{{ {marked} }}"})
    counted.http.get(f"/{marked}?{marked}={marked}", headers={"X-Request-Id": marked, "User-Agent": marked})
    counted.http.request(marked.upper(), "/graphql")
    counted.http.get(f"/t/{marked}/graphql", headers={"Host": f"{marked}.example"})
    counted.http.get(f"/files/{marked}")

    found = figures(counted)

    assert marked not in repr(found).lower()
    for _, labels in found:
        for label, value in labels:
            assert value in KNOWN.get(label, {value})
            if label == "route":
                assert re.fullmatch(r"none|/[a-z/{}_:.]*", value)
    assert {dict(labels).get("route") for _, labels in found} >= {"/graphql", "none", "/files/{file_id}"}


@pytest.mark.parametrize("scheme", ["", "Bearer ", "bearer ", "Basic "])
@pytest.mark.parametrize("token", ["", "wrong", TOKEN, TOKEN[:-1], f"{TOKEN}x", "ä"])
def test_the_figures_are_for_whoever_has_their_token(counted: Client, scheme: str, token: str) -> None:
    answer = counted.http.get("/metrics", headers={"Authorization": (scheme + token).encode()})

    if scheme.lower() == "bearer " and token == TOKEN:
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="xrm metrics"')
        assert "process_" not in answer.text


def test_users_have_no_right_to_them_and_tenants_none_at_all(counted: Client) -> None:
    assert counted.http.get("/metrics", headers={"Authorization": f"Bearer {counted.token}"}).status_code == 401
    assert counted.http.get("/metrics?token=" + TOKEN).status_code == 401
    assert counted.http.get("/t/acme/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 404


def test_without_a_token_in_the_settings_there_is_nothing(client: Client) -> None:
    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": f"Bearer {TOKEN}"}):
        answer = client.http.get("/metrics", headers=headers)
        assert (answer.status_code, answer.json()) == (404, client.http.get("/nowhere").json())


@pytest.mark.parametrize("token", ["short", "with blank and thirty-two characters", "ä" * 40])
def test_a_token_that_could_be_guessed_or_sent_wrongly_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(SettingsError, match="XRM_METRICS_TOKEN") as refused:
        load_settings(metrics_token=token)
    assert token not in str(refused.value)


def test_answers_that_leave_at_once_are_counted(counted: Client) -> None:
    def count() -> float:
        labels = {"method": "POST", "route": "/graphql", "status": "200"}
        return of(figures(counted), "xrm_http_request_duration_seconds_count", **labels)

    counted.ask(QUERY)
    before = count()
    assert asked(counted, QUERY, at_once=True)[0] == 0
    assert count() == before + 1
