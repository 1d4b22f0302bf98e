"""Workers as the command line starts them: for which tenants, woken by PostgreSQL, and beside a server."""

import datetime as dt
import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.kit import Queue
from tests.jobs.test_worker import until
from tests.postgres import PostgresServer
from xrm_core.jobs import by_hand
from xrm_core.jobs.context import JobContext
from xrm_core.jobs.job import State
from xrm_core.jobs.registry import JobHandler, Registry
from xrm_core.jobs.worker import Pace, Worker
from xrm_core.metadata.loader import load_texts
from xrm_core.plugins import Plugins
from xrm_core.server import job_places, workers
from xrm_core.server.job_places import JobPlaces
from xrm_core.settings import Settings, load_settings
from xrm_core.storage import tenants
from xrm_core.storage.apply import apply
from xrm_core.storage.engines import Database
from xrm_core.storage.tenants import register, set_state

JOB = "job_retention"
USER = {"x-entity": "user", "type": "object", "properties": {"name": {"type": "string"}}}
MODEL = load_texts([("user.json", json.dumps(USER), "core")])


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A main database and the tenants acme and blue, without records."""
    folder = tmp_path_factory.mktemp("workers")
    with ExitStack() as stack:
        url = f"sqlite:///{folder / 'main.db'}"
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.database())
        found = load_settings(database_url=url, data_dir=folder, job_days=7)
        with closing(Database(url)) as main:
            apply(main, MODEL)
            for name in ("acme", "blue"):
                with closing(Database(register(main, folder, name).url)) as tenant:
                    apply(tenant, MODEL)
                set_state(main, name, tenants.State.ACTIVE)
        yield found


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the catalogue."""
    monkeypatch.setattr(job_places, "_LOOK_SECONDS", 0.1)


@contextmanager
def opened(settings: Settings, name: str = "") -> Iterator[Queue]:
    """The queue of a tenant."""
    url = settings.database_url
    with closing(Database(url)) as main:
        if not name:
            yield Queue(main)
            return
        with main.read() as connection:
            url = tenants.tenant(connection, settings.data_dir, name).url
    with closing(Database(url)) as database:
        yield Queue(database)


@contextmanager
def at_work(worker: Worker) -> Iterator[None]:
    """In a thread, until the block ends."""
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        worker.stop(5)
        thread.join(20)


def test_a_worker_works_for_all_tenants_that_are_active(settings: Settings) -> None:
    with opened(settings) as main, opened(settings, "acme") as acme, opened(settings, "blue") as blue:
        set_state(main.database, "blue", tenants.State.READONLY)
        made = [(each, each.add(JOB)) for each in (main, acme, blue)]
        few = settings.model_copy(update={"max_tenants": 1})  # so no connection is kept open
        with workers.worker(few, Plugins(), main.database) as worker, at_work(worker):
            until(lambda: all(each.job(id_).state is State.DONE for each, id_ in made[:2]))
            assert made[2][0].job(made[2][1]).state is State.PENDING
            set_state(main.database, "blue", tenants.State.ACTIVE)
            until(lambda: blue.job(made[2][1]).state is State.DONE)
        # of one tenant only
        made = [(each, each.add(JOB)) for each in (main, acme)]
        with workers.worker(settings, Plugins(), main.database, "acme") as worker, at_work(worker):
            until(lambda: acme.job(made[1][1]).state is State.DONE)
            assert main.job(made[0][1]).state is State.PENDING
            assert [place.name for place in worker._places()] == ["acme"]


def test_jobs_of_a_tenant_that_is_closed_to_changes_are_given_back(settings: Settings) -> None:
    begun: list[int] = []

    def work(job: JobContext, _payload: Any) -> None:
        begun.append(job.attempt)
        for _ in range(2000):
            with job.transaction():
                time.sleep(0.01)

    registry = Registry({"work": JobHandler("work", work)}, {})
    with opened(settings) as main, opened(settings, "acme") as acme:
        places = JobPlaces(settings, Plugins(), main.database, "acme")
        id_ = acme.add("work")
        with at_work(Worker(registry, places, Pace(poll_seconds=0.05))):
            until(lambda: bool(begun))
            set_state(main.database, "acme", tenants.State.MOVING)
            until(lambda: acme.job(id_).state is State.PENDING)
            assert (acme.job(id_).attempts, begun) == (0, [1])
        set_state(main.database, "acme", tenants.State.ACTIVE)
        acme.write(by_hand.cancel, id_)
        places.close()


def test_connections_of_idle_tenants_are_kept_only_if_there_are_few(settings: Settings) -> None:
    for most, kept in ((32, True), (1, False)):
        with opened(settings) as main:
            places = JobPlaces(settings.model_copy(update={"max_tenants": most}), Plugins(), main.database)
            _, *others = places()
            assert len(others) == 2
            for place in others:
                place.database.check()
                place.rest()
                pool: Any = place.database.engine.pool
                assert (pool.checkedin() > 0) is kept
            places.close()


def test_postgresql_wakes_a_worker(settings: Settings) -> None:
    with opened(settings) as main, opened(settings, "acme") as acme:
        if main.database.is_sqlite:
            pytest.skip("SQLite tells nobody")
        with workers.worker(settings, Plugins(), main.database) as worker:
            worker._pace = Pace(poll_seconds=3600)
            with at_work(worker):
                for each in (main, acme):
                    time.sleep(0.4)  # it has looked, and waits
                    id_ = each.add(JOB)
                    until(lambda each=each, id_=id_: each.job(id_).state is State.DONE, 10)  # type: ignore[misc]


@pytest.mark.parametrize("word", ["auto", "on", "off"])
def test_a_server_has_a_worker_where_the_settings_want_one(settings: Settings, word: str) -> None:
    with opened(settings) as main:
        wanted = word == "on" or (word == "auto" and main.database.is_sqlite)
        chosen = settings.model_copy(update={"worker": word})
        with workers.working_beside(chosen, Plugins(), main.database) as worker:
            assert (worker is not None) is wanted
            if worker is not None:
                id_ = main.add(JOB)
                worker.wake()
                until(lambda: main.job(id_).state is State.DONE)
        assert not [each for each in threading.enumerate() if each.name == "xrm-worker" and each.is_alive()]


def test_old_jobs_go_as_the_settings_say(settings: Settings, tmp_path: Path) -> None:
    with opened(settings) as main:
        old = main.add(JOB)
        with workers.worker(settings, Plugins(), main.database) as worker, at_work(worker):
            until(lambda: main.job(old).state is State.DONE)
            for days, gone in ((6, 0), (8, 1)):
                with main.database.begin() as connection:
                    past = (dt.datetime.now(dt.UTC) - dt.timedelta(days=days)).isoformat()
                    connection.exec_driver_sql(f"UPDATE xrm_job SET finished_at = '{past}' WHERE id = '{old}'")
                id_ = main.add(JOB)
                worker.wake()
                until(lambda id_=id_: main.job(id_).state is State.DONE)  # type: ignore[misc]
                assert main.job(id_).result == {"removed": gone, "schedules": 0}
