"""What a worker of its own tells on its port: figures, and whether it is well."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.jobs.test_worker import until
from tests.jobs.test_workers_of_a_server import JOB, at_work, opened, settings
from xrm_core.errors import SettingsError
from xrm_core.jobs.worker import Worker
from xrm_core.plugins import Plugins
from xrm_core.server import worker_figures, workers
from xrm_core.server.worker_port import telling
from xrm_core.settings import Settings
from xrm_core.storage.engines import Database

__all__ = ["settings"]
SECONDS = 10


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def telling_worker(settings: Settings) -> Iterator[tuple[Worker, str]]:
    port = free_port()
    told = settings.model_copy(update={"worker_metrics_port": port})
    with (
        closing(Database(settings.database_url)) as main,
        workers.worker(told, Plugins(), main, tells=True) as worker,
        at_work(worker),
    ):
        yield worker, f"http://127.0.0.1:{port}"


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def figure(base: str, name: str) -> float | None:
    lines = get(f"{base}/metrics")[1].splitlines()
    found = [line for line in lines if line.startswith(f"{name} ")]
    return float(found[0].rpartition(" ")[2]) if found else None


def test_a_worker_tells_figures_of_all_its_tenants(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_figures.Watching.__init__, "__defaults__", (0.05,))
    with opened(settings) as main, opened(settings, "acme") as acme:
        for each in (main, acme):
            each.add("nobody.does_it")
            each.add(JOB)
        with telling_worker(settings) as (_, base):
            until(lambda: figure(base, 'xrm_jobs{state="pending"}') == 2)
            assert (figure(base, "xrm_databases_open") or 0) >= 2
            assert figure(base, "xrm_worker_jobs") is not None
            assert (figure(base, "xrm_jobs_late_seconds") or 0) > 0
            assert (figure(base, "xrm_worker_round_age_seconds") or 0) < 60
            for name in ("process_cpu_seconds_total", "xrm_info", "xrm_log_reader_lag_entries"):
                assert f"\n# HELP {name.removesuffix('_total')}" in f"\n{get(f'{base}/metrics')[1]}"


def test_a_worker_is_ready_until_it_stops(settings: Settings) -> None:
    with telling_worker(settings) as (worker, base):
        assert get(f"{base}/health/live") == (200, '{"status":"live"}')
        until(lambda: get(f"{base}/health/ready") == (200, '{"status":"ready"}'))
        status, said = get(f"{base}/graphql")
        assert (status, json.loads(said)["errors"][0]["extensions"]["code"]) == (404, "NOT_FOUND")
        worker.take_no_more()
        assert get(f"{base}/health/ready") == (503, '{"status":"not ready","code":"SHUTTING_DOWN"}')
        assert get(f"{base}/health/live")[0] == 200


def test_a_worker_that_does_not_get_on_or_has_no_database_is_not_ready(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with telling_worker(settings) as (worker, base):
        monkeypatch.setattr(Worker, "round_age", 1000.0)
        assert get(f"{base}/health/ready")[0] == 503
    monkeypatch.setattr(Worker, "round_age", 0.0)
    with closing(Database("postgresql://nobody@127.0.0.1:1/none")) as gone:
        metrics = worker_figures.WorkerMetrics(
            Worker.__new__(Worker), worker_figures.Watching(workers.log_readers(settings, Plugins()))
        )
        monkeypatch.setattr(Worker, "stopping", False)
        with telling("127.0.0.1", 0, metrics, gone) as port:
            said = get(f"http://127.0.0.1:{port}/health/ready")
    assert said == (503, '{"status":"not ready","code":"DATABASE_UNAVAILABLE"}')
    assert worker is not None


def test_a_port_that_is_taken_is_said(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = settings.model_copy(update={"worker_metrics_port": taken.getsockname()[1]})
        with (
            closing(Database(settings.database_url)) as main,
            pytest.raises(SettingsError, match="not possible to listen"),
            workers.worker(told, Plugins(), main, tells=True),
        ):
            raise AssertionError


def test_nothing_is_told_unless_a_setting_wants_it(settings: Settings) -> None:
    with closing(Database(settings.database_url)) as main, workers.worker(settings, Plugins(), main, tells=True) as one:
        assert not isinstance(one._beside, worker_figures.Watching)
