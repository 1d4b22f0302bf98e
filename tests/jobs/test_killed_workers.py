"""Workers are killed in the middle (SIGKILL): each job is done; one that ends in the transaction of its work, once."""

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.jobs.test_worker import until
from tests.jobs.worlds import JobWorld
from tests.nursed import REPOSITORY, Nursed
from xrm_core.jobs.job import State


@contextmanager
def process(jobs: JobWorld, folder: Path, lease: float) -> Iterator[Nursed]:
    """A worker; killed at the end of the block."""
    url = jobs.database.url.render_as_string(hide_password=False)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("XRM_")}
    code = "from tests.jobs.process import begin; begin()"
    with Nursed(code, [url, str(lease), str(folder)], cwd=REPOSITORY, env=clean) as started:
        try:
            yield started
        finally:
            started.kill()


def customers(jobs: JobWorld) -> Counter[str]:
    table = jobs.world.records.tables["customer"]
    with jobs.database.read() as connection:
        return Counter(connection.scalars(table.select().with_only_columns(table.c.name)))


def states(jobs: JobWorld, ids: list[str]) -> Counter[State]:
    return Counter(jobs.job(each).state for each in ids)


def add(jobs: JobWorld, name: str, seconds: float) -> str:
    return jobs.add(payload={"name": name, "seconds": seconds, "finishes": True})


def test_a_job_whose_worker_was_killed_is_done_by_the_next(jobs: JobWorld, tmp_path: Path) -> None:
    id_ = add(jobs, "killed", 1.0)
    with process(jobs, tmp_path, 1) as first:
        until(lambda: (tmp_path / "killed-1").exists(), 60)
        time.sleep(0.6)  # in the middle of its transaction
        first.kill()
        first.wait(20)
    assert customers(jobs)["killed"] == 0
    assert jobs.job(id_).state is State.RUNNING
    with process(jobs, tmp_path, 1):
        until(lambda: jobs.job(id_).state is State.DONE, 60)
    assert jobs.job(id_).attempts == 2
    assert customers(jobs)["killed"] == 1


@pytest.mark.slow
def test_workers_are_killed_again_and_again_under_load(jobs: JobWorld, tmp_path: Path) -> None:
    ids = [add(jobs, f"load {n}", random.uniform(0, 0.4)) for n in range(200)]
    killed = 0
    end = time.monotonic() + 300
    while states(jobs, ids)[State.DONE] < len(ids) or killed < 5:
        assert time.monotonic() < end, states(jobs, ids)
        if killed < 5:  # a fast machine has done the first ones by now
            ids += [add(jobs, f"load {len(ids) + n}", random.uniform(0, 0.4)) for n in range(20)]
        with process(jobs, tmp_path, 3) as one, process(jobs, tmp_path, 3) as other:
            time.sleep(random.uniform(2, 8))
            for each in (one, other)[: random.choice((1, 2))]:
                each.kill()
                killed += 1
            time.sleep(random.uniform(0, 6))
    done = {name: count for name, count in customers(jobs).items() if name.startswith("load")}
    assert done == dict.fromkeys((f"load {n}" for n in range(len(ids))), 1)
