"""Databases for all tests: each test that asks for one runs on SQLite and on a real PostgreSQL."""

import faulthandler
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.bytecode import keep
from tests.folders import in_memory
from tests.garbage import leave_until_collected, leave_what_is_there
from tests.installed_plugins import read_once
from tests.no_cleaning import do_not_clean
from tests.no_sync import do_not_wait
from tests.patience import be_patient
from tests.plain_logs import plain
from tests.postgres import UNAVAILABLE, PostgresServer, running_server
from tests.quick_docstrings import quick
from tests.shared_statements import share
from tests.system_tables import replayed
from xrm_core.storage.engines import Database

# A busy machine is no reason to fail: what takes long is seen by the whole run.
_usual = settings.get_profile(settings.get_current_profile_name())
settings.register_profile("here", _usual, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")

pytest_plugins = ["xrm_core.testing"]
"""What plugin authors have; ``tests/testing`` and ``tests/external_plugin`` use it."""

REVISIONS = replayed()
"""Makes the system tables in this process, see there."""

leave_until_collected()
keep()
in_memory()
do_not_wait()
plain()
quick()
read_once()
share()
do_not_clean()
be_patient()


def _postgres_is_off() -> bool:
    return os.environ.get("XRM_TEST_POSTGRES") == "off"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A running PostgreSQL, one for each test process. Fails if there is none, unless XRM_TEST_POSTGRES=off."""
    if _postgres_is_off():
        pytest.skip("PostgreSQL is off (XRM_TEST_POSTGRES=off)")
    with running_server() as server:
        yield server


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of a fresh PostgreSQL database with nothing but the system tables."""
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as url:
        yield url


@pytest.fixture(scope="session")
def xrm_postgres(request: pytest.FixtureRequest) -> str | None:
    """Where the fixtures for plugin authors make their databases."""
    # No sooner than pytest has imported xrm_core.testing for its assertions:
    from tests.applied_models import apply_once
    from tests.postgres_setups import reuse

    apply_once()
    if _postgres_is_off():
        return None
    reuse()
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.url("postgres")


@pytest.fixture(params=["sqlite", "postgresql"])
def xrm_database(request: pytest.FixtureRequest) -> str:
    """The kinds of database on which those fixtures work."""
    if request.param == "postgresql" and _postgres_is_off():
        pytest.skip("PostgreSQL is off (XRM_TEST_POSTGRES=off)")
    return str(request.param)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database in which nobody has made anything, not even system tables; once for each kind."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path / 'empty.db'}"
        else:
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.database(empty=True))
        opened = Database(url)
        stack.callback(opened.close)
        yield opened


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """URL of a fresh empty SQLite file."""
    return f"sqlite:///{tmp_path / 'test.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """URL of a fresh database without a model, once for each kind."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    return str(request.getfixturevalue(name))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh database without a model, once for each kind; closed at the end."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Processes of ``-n auto``: each waits for a third of its time, for PostgreSQL, other processes and clocks."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + (cores + 1) // 2


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Each process takes its part of the tests as they stand, and from others' when it is through.

    xdist's own way deals them out in small portions, so that each process makes nearly every server and every world.
    """
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log) if config.getoption("dist") == "load" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is marked slow may take longer than other tests, and any may by night, but not for ever."""
    by_night = os.environ.get("XRM_HYPOTHESIS") == "night"
    for item in items:
        if (by_night or item.get_closest_marker("slow")) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(4 * 3600 if by_night else 3600))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Do not show the stacks of what is expected to take long: while threads run, that can end the process (3.11)."""
    if item.get_closest_marker("slow") or os.environ.get("XRM_HYPOTHESIS") == "night":
        faulthandler.cancel_dump_traceback_later()


def pytest_collection_finish() -> None:
    """The tests are found."""
    leave_what_is_there()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in the last lines that PostgreSQL was missing or off: it is never skipped in silence."""
    if _postgres_is_off():
        terminalreporter.section("PostgreSQL was OFF (XRM_TEST_POSTGRES=off): tested on SQLite only", yellow=True)
        return
    failures = [str(report.longrepr) for report in terminalreporter.getreports("error")]
    missing = [text for text in failures if UNAVAILABLE in text]
    if missing:
        terminalreporter.section(f"{UNAVAILABLE}: {len(missing)} tests could not run", red=True)
        terminalreporter.write_line(next(line for line in missing[0].splitlines() if UNAVAILABLE in line))
