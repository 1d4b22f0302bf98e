"""Processes from the nursery are like those that Python starts."""

import os
import signal
from pathlib import Path

import pytest

from tests.nursed import Nursed, run

SAYS = """
import os, random, sys
from uuid_utils import uuid7
print(os.getcwd(), os.environ.get("OWN"), len(os.environ), *sys.argv[1:], uuid7(), random.random(), os.urandom(8).hex())
"""


def test_each_has_its_own_folder_environment_words_and_chance(tmp_path: Path) -> None:
    said = []
    for name in ("one", "two"):
        (folder := tmp_path / name).mkdir()
        with Nursed(SAYS, [name, "ü"], cwd=folder, env={"OWN": name, "PATH": os.environ["PATH"]}) as process:
            said.append(process.stdout.read().split())
        assert process.returncode == 0
        assert said[-1][:5] == [str(folder), name, "2", name, "ü"]
    assert not set(said[0][5:]) & set(said[1][5:])


def test_how_it_ended_is_told() -> None:
    assert run("import sys; sys.exit(7)").returncode == 7
    wrong = run("raise ValueError('of the test')")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "ValueError: of the test" in wrong.stderr
    assert run("import time; time.sleep(60)", timeout=0.1).returncode == -signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_signals_reach_it_and_nobody_else(number: signal.Signals, tmp_path: Path) -> None:
    program = "import time; print('begun', flush=True); time.sleep(60)"
    with Nursed(program, [], cwd=tmp_path, env={}) as other, Nursed(program, [], cwd=tmp_path, env={}) as process:
        assert [each.stdout.readline() for each in (other, process)] == ["begun\n"] * 2
        assert process.poll() is None
        process.send_signal(number)
        assert process.wait(60) == -number
        process.kill()  # nothing happens
        assert other.poll() is None
        other.kill()
    assert other.returncode == -signal.SIGKILL
