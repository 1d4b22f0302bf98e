"""A run without PostgreSQL fails and says so, or says that it was turned off; it never skips in silence.

A database that a test has changed is not given to the next one, unless all is as it was again.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
ONE_TEST = "tests/storage/test_plan.py::test_the_same_model_gives_an_empty_plan"


def run(**environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", ONE_TEST]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("XRM_TEST", "PYTEST"))}
    return subprocess.run(
        command, cwd=ROOT, env={**clean, **environment}, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_run_without_postgresql_fails_and_says_so(tmp_path: Path) -> None:
    done = run(XRM_TEST_PG_BIN=str(tmp_path))
    assert done.returncode == 1
    assert "No PostgreSQL for the tests: 1 tests could not run" in done.stdout[-1500:]
    assert "XRM_TEST_POSTGRES=off" in done.stdout[-1500:]


def test_a_run_with_postgresql_turned_off_passes_and_says_so(tmp_path: Path) -> None:
    done = run(XRM_TEST_PG_BIN=str(tmp_path), XRM_TEST_POSTGRES="off")
    assert done.returncode == 0
    assert "PostgreSQL was OFF" in done.stdout[-300:]


@pytest.mark.parametrize(
    ("statements", "again"),
    [
        (["INSERT INTO xrm_user_role VALUES (gen_random_uuid(), 'rep')"], True),
        (["CREATE TABLE mine (id uuid REFERENCES xrm_job)"], True),
        (["CREATE INDEX ix_mine ON xrm_job (name)", "DROP INDEX ix_mine"], True),
        (["ALTER TABLE xrm_job ALTER name DROP NOT NULL", "ALTER TABLE xrm_job ALTER name SET NOT NULL"], True),
        (["ALTER TABLE xrm_job ALTER name DROP NOT NULL"], False),
        (["CREATE INDEX ix_mine ON xrm_job (name)"], False),
        (["DROP INDEX ix_xrm_job_owner"], False),
        (["ALTER TABLE xrm_job RENAME COLUMN message TO told"], False),
        (["UPDATE xrm_alembic_version SET version_num = '0'"], False),
    ],
)
def test_a_database_is_used_again_if_it_is_as_it_was(
    postgres_server: PostgresServer, statements: list[str], again: bool
) -> None:
    with postgres_server.database() as url:
        name = str(make_url(url).database)
        postgres_server.execute(*statements, database=name)
    with postgres_server.database() as url:
        assert (make_url(url).database == name) is again
        left = "SELECT count(*) FROM pg_class WHERE relname IN ('mine', 'ix_mine')"
        assert postgres_server.execute(left, database=str(make_url(url).database)) == [(0,)]
