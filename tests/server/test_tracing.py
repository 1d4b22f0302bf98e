"""Traces: a span for each request with those of its steps and statements below, and nothing that somebody has sent."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from tests.postgres import PostgresServer
from tests.server.http_kit import Client, serving
from xrm_core.server.tracing import traced
from xrm_core.storage.engines import Database

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
MARK = "Geheimnis4711"
COUNT = "{ customers { totalCount } }"


@dataclass
class Traced:
    """A server whose spans are kept."""

    client: Client
    exporter: InMemorySpanExporter
    system: str

    def spans(self) -> list[ReadableSpan]:
        """Those since the last call, without those of what a server does by itself."""
        found = list(self.exporter.get_finished_spans())
        self.exporter.clear()
        traces = {each.context.trace_id for each in found if each.attributes and "http.route" in each.attributes}
        return [each for each in found if each.context.trace_id in traces]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    folder: Path = tmp_path_factory.mktemp("traces")
    exporter = InMemorySpanExporter()
    with ExitStack() as stack:
        url = f"sqlite:///{folder / 'test.db'}"
        if request.param == "postgresql":
            postgres: PostgresServer = request.getfixturevalue("postgres_server")
            url = stack.enter_context(postgres.database())
        database = Database(url)
        stack.callback(database.close)
        stack.enter_context(traced(SimpleSpanProcessor(exporter)))
        yield Traced(stack.enter_context(serving(database, folder)), exporter, request.param)


def by_name(spans: list[ReadableSpan]) -> dict[str, ReadableSpan]:
    return {each.name: each for each in spans}


def test_a_request_is_a_span_below_that_of_its_caller(server: Traced) -> None:
    server.spans()
    sent = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-Id": "from-the-proxy-4"}
    assert (
        server.client.post({"query": "query { customers { totalCount } users { totalCount } }"}, **sent).status_code
        == 200
    )

    spans = server.spans()

    assert {f"{each.context.trace_id:032x}" for each in spans} == {TRACE}
    found = by_name(spans)
    request = found["POST /graphql"]
    assert request.parent is not None
    assert f"{request.parent.span_id:016x}" == PARENT
    assert dict(request.attributes or {}) == {
        "http.request.method": "POST",
        "http.route": "/graphql",
        "http.response.status_code": 200,
        "graphql.operation.type": "query",
        "xrm.request_id": "from-the-proxy-4",
    }
    for name in ("graphql.parse", "graphql.plan", "SELECT"):
        assert found[name].parent is not None
        assert found[name].parent.span_id == request.context.span_id, name
        assert request.start_time <= found[name].start_time <= found[name].end_time <= request.end_time
    assert dict(found["SELECT"].attributes or {}) == {
        "db.system.name": server.system,
        "db.operation.name": "SELECT",
        "db.operation.batch.size": 2,
    }


def test_a_change_has_its_statements_below_it_though_they_run_in_a_thread(server: Traced) -> None:
    server.spans()
    query = 'mutation { createUser(input: {name: "x"}) { id } }'
    assert server.client.post({"query": query}).status_code == 200

    spans = server.spans()

    request = by_name(spans)["POST /graphql"]
    assert {each.context.trace_id for each in spans} == {request.context.trace_id}
    inserted = by_name(spans)["INSERT user"]
    assert inserted.parent is not None
    assert inserted.parent.span_id == request.context.span_id
    assert (inserted.attributes or {})["db.collection.name"] == "user"


def test_failures_are_told_by_their_code(server: Traced, monkeypatch: pytest.MonkeyPatch) -> None:
    server.spans()
    server.client.post({"query": "{ nothing }"})
    [refused] = [each for each in server.spans() if each.name == "POST /graphql"]
    assert (refused.attributes or {})["error.type"] == "BAD_QUERY"
    assert refused.status.status_code is StatusCode.UNSET  # it is the client's mistake

    def broken(*_: Any, **__: Any) -> None:
        raise ValueError(MARK)

    monkeypatch.setattr("xrm_core.graphql.executor.Executor.run", broken)
    server.client.post({"query": 'mutation { createUser(input: {name: "x"}) { id } }'})
    [failed] = [each for each in server.spans() if each.name == "POST /graphql"]
    assert (failed.attributes or {})["error.type"] == "INTERNAL_ERROR"
    assert failed.status.status_code is StatusCode.ERROR


def test_no_span_has_what_somebody_sent(server: Traced) -> None:
    server.spans()
    create = f'mutation {MARK} {{ {MARK}: createCustomer(input: {{name: "{MARK}", number: "{MARK}"}}) {{ id }} }}'
    find = {"query": "query ($n: String!) { customers(where: {name: {eq: $n}}) { nodes { name } } }"}
    server.client.post({"query": create, "operationName": MARK})
    server.client.post({"query": create})  # not unique: the database refuses it
    server.client.post({**find, "variables": {"n": MARK}})
    server.client.post(
        {"query": f"{{ {MARK} }}"}, **{"X-Request-Id": f"<{MARK}>", "User-Agent": MARK, "tracestate": "x"}
    )
    server.client.http.get(f"/{MARK}?{MARK}={MARK}")
    server.client.http.request(MARK.upper(), "/graphql")
    server.client.http.post("/auth/login", json={"email": f"{MARK}@example.com", "password": MARK})

    spans = server.spans()

    assert len([each for each in spans if each.parent is None]) == 7
    assert MARK.lower() not in "".join(each.to_json() for each in spans).lower()
    assert all(not each.events for each in spans)


def test_without_the_setting_there_are_no_spans_and_no_libraries() -> None:
    code = """import sys, xrm_core.cli.main, xrm_core.server.app
from xrm_core.telemetry import tracing
print(tracing.tracer(), [name for name in sys.modules if "opentelemetry" in name])"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "None []\n"


def test_log_lines_name_the_trace(
    server: Traced, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.plain_logs import plain
    from xrm_core.cli.logs import configure_logs

    monkeypatch.setattr("xrm_core.graphql.executor.Executor.run", lambda *_: 1 / 0)
    configure_logs()
    try:
        sent = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
        server.client.post({"query": 'mutation { createUser(input: {name: "x"}) { id } }'}, **sent)
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    finally:
        plain()
    assert {line["trace_id"] for line in lines if line["event"] in ("unexpected_error", "request")} == {TRACE}
