"""What pages tell operators to type, word by word, on the core pack: the lines that make something."""

import shlex
from pathlib import Path

import pytest

from tests.docs.in_this_process import xrm
from tests.docs.pages import DOCS, README, marked


@pytest.mark.parametrize(("page", "kind", "count"), [(DOCS / "tenants.md", "tenant", 3), (README, "production", 4)])
def test_the_commands_work_as_they_are_written(page: Path, kind: str, count: int, tmp_path: Path):
    assert xrm("schema", "apply", cwd=tmp_path).returncode == 0
    [block] = marked(page, kind)
    lines = [shlex.split(line, comments=True) for line in block.text.splitlines()]
    run = [words[1:] for words in lines if words[0] == "xrm" and words[1] != "serve"]
    assert len(run) == count
    for words in run:
        done = xrm(*words, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), words
