"""The example of the page on schema changes: its files written, its commands run, in the order in which they stand."""

import re
import shlex
from pathlib import Path

from tests.docs.in_this_process import xrm
from tests.docs.pages import DOCS, marked

PAGE = DOCS / "schema-changes.md"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def test_the_commands_print_what_the_page_shows(tmp_path: Path):
    # given the files of the page, the second of a name in the place of the first
    files = {block.text: block.label.split(", ")[0] for block in marked(PAGE, "file")}
    assert len(files) == 3
    page = PAGE.read_text("utf-8")
    commands = 0
    for block in sorted([*marked(PAGE, "file"), *marked(PAGE, "run")], key=lambda found: page.index(found.text)):
        if block.kind == "file":
            path = tmp_path / block.label.split(", ")[0]
            path.parent.mkdir(exist_ok=True)
            path.write_text(block.text, "utf-8")
            continue
        # when each command is run
        program, *words = shlex.split(block.text)
        assert program == "xrm"
        done = xrm(*words, cwd=tmp_path)
        # then it says what stands below it; ids are made anew each time
        assert (UUID.sub("ID", done.stdout), "error" in done.stderr) == (UUID.sub("ID", block.following[0]), False)
        commands += 1
    assert commands == 8
