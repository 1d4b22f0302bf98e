"""A pack in a folder, a database, the command line in processes of its own, and a server reached by HTTP."""

import json
import os
import re
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.docs.in_this_process import xrm

REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 300


@dataclass(frozen=True)
class Installation:
    """A folder with a pack, and a database; everything is done to them by the public interface only.

    Commands are processes of their own, or, for speed, calls in this process.
    """

    folder: Path
    database: str
    apart: bool

    @property
    def pack(self) -> Path:
        """Folder of the entity files."""
        return self.folder / "schemas"

    def xrm(self, *words: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command and see that it ends with the exit code that is expected."""
        done = self._process(*words) if self.apart else xrm(*words, cwd=self.folder, XRM_DATABASE_URL=self.database)
        assert done.returncode == expect, f"{words}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def _process(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._command(*words),
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            check=False,
        )

    @contextmanager
    def serve(self) -> Iterator[str]:
        """A running server; yields its address."""
        process = subprocess.Popen(
            self._command("serve", "--port", "0"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        too_late = threading.Timer(START_SECONDS, process.kill)  # ends the wait below
        too_late.start()
        try:
            found = re.search(r"http://[\d.]+:\d+/", process.stdout.readline())
            assert found is not None, process.stderr.read()
            too_late.cancel()
            yield found[0]
        finally:
            too_late.cancel()
            process.terminate()
            process.communicate(timeout=START_SECONDS)
        assert process.returncode == 0

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "xrm_core.cli.main", *words]

    def _environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("XRM_")}
        return clean | {"XRM_DATABASE_URL": self.database, "PYTHONPATH": str(REPOSITORY)}


@pytest.fixture
def installation(tmp_path: Path, database_url: str) -> Installation:
    """An empty one, once for each kind of database, with commands that are processes on one of them."""
    return Installation(tmp_path, database_url, apart=database_url.startswith("sqlite"))


def ask(address: str, token: str, query: str, **variables: Any) -> Any:
    """The data of a GraphQL answer; fails if it has errors."""
    request = urllib.request.Request(
        f"{address}graphql",
        json.dumps({"query": query, "variables": variables}).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=START_SECONDS) as response:
        answer = json.load(response)
    assert "errors" not in answer, answer["errors"]
    return answer["data"]
