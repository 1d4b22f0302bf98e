"""Log lines: JSON with the id of the request in each, and nothing that somebody has sent or stored."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tests.plain_logs import plain
from tests.server.http_kit import Client, serving
from xrm_core.cli.logs import configure_logs
from xrm_core.storage.engines import Database

MARK = "Geheimnis4711"


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    """What is written after ``configure_logs``, which a test calls itself: what is captured is a file of its phase."""
    handlers = list(logging.getLogger().handlers)
    yield capsys
    plain()
    logging.getLogger().handlers[:] = handlers


@pytest.fixture
def telling(logged: pytest.CaptureFixture[str], database: Database, tmp_path: Any) -> Iterator[Client]:
    with serving(database, tmp_path, access_log=True) as client:
        yield client


def lines(logged: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in logged.readouterr().err.splitlines()]


def drive(client: Client, monkeypatch: pytest.MonkeyPatch) -> int:
    """Requests of all kinds with the mark in everything that can be chosen; how many they are."""
    create = f'mutation {MARK} {{ createCustomer(input: {{name: "{MARK}", number: "{MARK}"}}) {{ id }} }}'
    variables = {"query": "query ($n: String!) { customers(where: {name: {eq: $n}}) { nodes { name } } }"}
    sent = [
        client.post({"query": create, "operationName": MARK}),
        client.post({"query": create}),  # not unique
        client.post({**variables, "variables": {"n": MARK}}),
        client.post({**variables, "variables": {"n": {MARK: 1}}}),
        client.post({"query": f"{{ {MARK}: customers {{ {MARK} }} }}"}),
        client.post({"query": f'{{ customer(id: "{MARK}") {{ id }} }}'}),
        client.post(f"{{{MARK}"),
        client.post({"query": "{ customers { totalCount } }"}, **{"X-Request-Id": f"<{MARK}>", "User-Agent": MARK}),
        client.post({"query": "{ customers { totalCount } }"}, Authorization=f"Bearer xrm_{MARK}"),
        client.post({"query": "{ customers { totalCount } }"}, **{"X-View-As": MARK}),
        client.http.get(f"/{MARK}?{MARK}={MARK}"),
        client.http.get(f"/graphql?access_token=xrm_{MARK}"),
        client.http.get(f"/t/{MARK}/graphql"),
        client.http.post("/auth/login", json={"email": f"{MARK}@example.com", "password": MARK}),
        client.http.post("/auth/forgot", json={"email": f"{MARK}@example.com"}),
        client.http.post("/files", content=MARK, headers={"Authorization": f"Bearer {client.token}"}),
        client.http.get("/scim/v2/Users", params={"filter": f'userName eq "{MARK}"'}),
    ]

    def broken(*_: Any, **__: Any) -> None:
        try:
            raise ValueError(MARK)
        except ValueError as error:
            raise KeyError(MARK) from error

    with monkeypatch.context() as patched:
        patched.setattr("xrm_core.graphql.executor.Executor.run", broken)
        sent.append(client.post({"query": create}))
    with client.database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE customer RENAME TO hidden")
    sent.append(client.post({**variables, "variables": {"n": MARK}}))
    return len(sent)


def test_no_line_has_what_somebody_sent_or_stored(
    telling: Client, logged: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure_logs()
    number = drive(telling, monkeypatch)
    text = logged.readouterr().err
    found = [json.loads(line) for line in text.splitlines()]

    assert MARK.lower() not in text.lower()
    assert telling.token not in text
    requests = [line for line in found if line["event"] == "request"]
    assert len(requests) == number
    assert {line["route"] for line in requests} >= {"/graphql", "none", "/auth/login", "/files", "/scim/v2/{path:path}"}
    assert len({line["request_id"] for line in requests}) == number
    assert all(line["timestamp"] and line["level"] for line in found)
    failed = [line["exception"] for line in found if line["event"] == "unexpected_error"]
    [broken] = [each for each in failed if each[0]["exc_type"] == "KeyError"]
    assert [each["exc_type"] for each in broken] == ["KeyError", "ValueError"]
    assert broken[0]["frames"][-1]["name"] == "broken"
    assert not any("exc_value" in each for each in broken)


def test_each_line_of_a_request_has_its_id_also_from_other_threads(
    telling: Client, logged: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        logging.getLogger("a.library").warning("from a thread")
        raise ZeroDivisionError

    monkeypatch.setattr("xrm_core.graphql.executor.Executor.run", broken)
    configure_logs()

    query = 'mutation { createUser(input: {name: "x"}) { id } }'
    answer = telling.post({"query": query}, **{"X-Request-Id": "from-the-proxy-3"})

    found = [line for line in lines(logged) if line.get("request_id") == "from-the-proxy-3"]
    assert [line["event"] for line in found] == ["from a thread", "unexpected_error", "request"]
    assert answer.json()["errors"][0]["extensions"]["details"]["requestId"] == "from-the-proxy-3"
    assert found[-1] | {"ms": 0, "timestamp": ""} == {
        "event": "request",
        "level": "warning",
        "timestamp": "",
        "request_id": "from-the-proxy-3",
        "method": "POST",
        "route": "/graphql",
        "status": 500,
        "operation": "mutation",
        "codes": ["INTERNAL_ERROR"],
        "ms": 0,
    }


def test_without_the_setting_only_what_failed_is_told(
    logged: pytest.CaptureFixture[str], database: Database, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(database, tmp_path) as client:
        configure_logs()
        client.post({"query": "{ customers { totalCount } }"})
        client.post("{")
        client.http.get("/nowhere")
        assert lines(logged) == []
        monkeypatch.setattr("xrm_core.graphql.executor.Executor.run", lambda *_: 1 / 0)
        client.post({"query": 'mutation { createUser(input: {name: "x"}) { id } }'})
        assert [line["event"] for line in lines(logged)] == ["unexpected_error", "request"]
