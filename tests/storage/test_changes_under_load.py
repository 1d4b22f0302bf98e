"""Changes of a big table while clients read and write over HTTP: no request fails."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_no_request_fails_while_the_model_changes(postgres_url: str) -> None:
    # Given a table with many records, a server, eight readers and two writers
    command = [sys.executable, "bench/changes.py", "--rows", "200000", "--database", postgres_url]
    # When ten additive changes and a change of type are applied by the command line
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1200, check=False)
    # Then all requests were answered
    assert done.returncode == 0, done.stdout + done.stderr
    assert "change a type from text to integer" in done.stdout
    assert "failed requests: 0" in done.stdout
