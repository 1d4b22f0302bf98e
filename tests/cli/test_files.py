"""``xrm files …``."""

import io
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from tests.docs.in_this_process import xrm
from xrm_core.records.files import described
from xrm_core.storage import file_store
from xrm_core.storage.engines import Database
from xrm_core.storage.file_store import FileState

ENTITY = '{"x-entity": "memo", "type": "object", "properties": {"scan": {"x-type": "file"}}}'


def test_files_are_cleaned_on_a_database_that_has_the_model_and_on_no_other(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "memo.json").write_text(ENTITY)
    # given a database without a model
    refused = xrm("files", "clean", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "error MODEL_OUT_OF_DATE" in refused.stderr
    # when it has the model
    assert xrm("schema", "apply", cwd=tmp_path).returncode == 0
    done = xrm("files", "clean", cwd=tmp_path)
    # then it is cleaned
    assert (done.returncode, done.stdout) == (0, "0 files were removed.\n")


def test_files_are_moved_to_a_folder_and_released(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "memo.json").write_text(ENTITY)
    assert xrm("schema", "apply", cwd=tmp_path).returncode == 0
    file = replace(described("a.txt", None, io.BytesIO(b"text")), state=FileState.QUARANTINED)
    with closing(Database(f"sqlite:///{tmp_path}/xrm-data/xrm.db")) as database, database.begin() as connection:
        file_store.add(connection, file, io.BytesIO(b"text"), None)
    moved = xrm("files", "move", cwd=tmp_path, XRM_FILES="content")
    assert (moved.returncode, moved.stdout) == (0, "The content of 1 file was moved.\n")
    [content] = (tmp_path / "content" / "main").glob("*/*")
    assert content.read_bytes() == b"text"
    [listed] = xrm("files", "withheld", cwd=tmp_path).stdout.splitlines()
    assert listed.split()[:2] == [file.id, "quarantined"]
    assert listed.endswith(" 4  a.txt")
    assert xrm("files", "release", file.id, cwd=tmp_path).stdout == "The file can be read.\n"
    assert xrm("files", "withheld", cwd=tmp_path).stdout == ""
    for unknown in ("x", "00000000-0000-7000-8000-000000000000"):
        refused = xrm("files", "release", unknown, cwd=tmp_path)
        assert (refused.returncode, "error NOT_FOUND" in refused.stderr) == (1, True)
