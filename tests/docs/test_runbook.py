"""What the runbook says works word by word, in a shell, in the order of the page."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.conftest import xrm
from tests.docs.pages import DOCS, REPOSITORY, marked

KEY = "a key of the tests 0123456789 abcdef"


@pytest.mark.slow  # some twenty commands, each a process
def test_the_runbook_works_as_it_is_written(tmp_path: Path) -> None:
    # given an installation with a tenant and a user
    settings = {"XRM_SECRET_KEY": KEY}
    assert xrm("schema", "apply", cwd=tmp_path, **settings).returncode == 0
    assert xrm("tenant", "create", "acme", cwd=tmp_path, **settings).returncode == 0
    ada = ["--email", "ada@example.com", "--last-name", "Lovelace", "--role", "admin"]
    assert xrm("user", "create", *ada, cwd=tmp_path, **settings).returncode == 0
    command = tmp_path / "bin" / "xrm"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m xrm_core.cli.main "$@"\n')
    command.chmod(0o700)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XRM_")}
    environment |= {"PYTHONPATH": str(REPOSITORY), "PATH": f"{command.parent}:{os.environ['PATH']}", **settings}

    # when all of it is typed
    blocks = [block.text for block in marked(DOCS / "runbook.md", "runbook")]
    done = subprocess.run(
        ["sh", "-e", "-x"],
        input="".join(blocks),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        timeout=180,
        check=False,
    )

    # then it works
    assert len(blocks) == 7
    assert done.returncode == 0, done.stderr
    assert "error " not in done.stderr
    assert "failed" not in done.stdout.replace(" 0 failed", "")  # a count of messages
    assert done.stdout.count("The tables are those of the model") == 10  # each doctor has seen both databases
    assert (tmp_path / "xrm-data-lost").is_dir()
    assert not (tmp_path / "drill-data").exists()
