"""Health checks of plugins: by name in ``/health/ready``, with what they say in ``xrm doctor``."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.server.http_kit import Client, serving
from xrm_core.api import HealthCheck, HealthContext, hookimpl
from xrm_core.contributions.health import HealthChecks
from xrm_core.plugins import InstalledPlugin, Plugins
from xrm_core.server import plugin_health
from xrm_core.storage.engines import Database

ILL: dict[str, Any] = {}
CALLS: list[str] = []


def check(name: str) -> Any:
    def run(context: HealthContext) -> str | None:
        CALLS.append(name)
        [found] = context.query_as_system("{ customersAggregate { count } }")["customersAggregate"]
        said = ILL.get(name)
        if isinstance(said, Exception):
            raise said
        return None if said is None else f"{said}: {found['count']} secrets"

    return run


def plugin(*checks: HealthCheck) -> SimpleNamespace:
    @hookimpl
    def register_health() -> list[HealthCheck]:
        return list(checks)

    return SimpleNamespace(register_health=register_health)


CHECKS = (
    HealthCheck("test.service", check("service"), remedy="Call Eva."),
    HealthCheck("test.licence", check("licence"), critical=True),
)


@pytest.fixture
def client(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setattr(plugin_health, "REMEMBER_SECONDS", 0.0)
    ILL.clear()
    CALLS.clear()
    with serving(database, tmp_path, plugin=plugin(*CHECKS)) as found:
        yield found


def test_what_is_not_well_is_named_and_nothing_is_said_of_it(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def ready() -> tuple[int, Any]:
        answer = client.http.get("/health/ready")
        assert "secret" not in answer.text
        return answer.status_code, answer.json()

    assert ready() == (200, {"status": "ready"})
    for said in ("Out of order", ZeroDivisionError("secret")):
        ILL["service"] = said
        assert ready() == (200, {"status": "ready", "degraded": ["test.service"]})
    ILL["licence"] = "Expired"
    critical = {"status": "not ready", "code": "PLUGIN_UNHEALTHY", "failing": ["test.licence"]}
    assert ready() == (503, critical)
    assert client.ask("{ customers { totalCount } }")["data"]  # who asks all the same is answered
    # and what was found is told again for a while, whoever asks
    monkeypatch.setattr(plugin_health, "REMEMBER_SECONDS", 300.0)
    ready()
    CALLS.clear()
    assert [ready() for _ in range(3)] == [(503, critical)] * 3
    assert CALLS == []


def test_one_that_hangs_is_not_waited_for_and_not_begun_again(client: Client) -> None:
    ending, begun = threading.Event(), []

    def hang(_context: HealthContext) -> None:
        begun.append(1)
        ending.wait(20)

    plugins = Plugins([InstalledPlugin("test", plugin(HealthCheck("test.hangs", hang, seconds=0.1), CHECKS[0]))])
    checks = HealthChecks(plugins)
    try:
        began = time.monotonic()
        for _ in range(2):
            hanging, other = checks.look(client.records, client.database, "")
            assert (hanging.says, other.says) == ("It did not answer within 0.1 s.", "")
        assert time.monotonic() - began < 10
        assert len(begun) == 1
    finally:
        ending.set()
        checks.close()
