"""A run without PostgreSQL fails and says so, or says that it was turned off; it never skips in silence."""

import os
import subprocess
import sys
from pathlib import Path

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
