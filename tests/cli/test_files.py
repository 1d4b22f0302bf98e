"""``xrm files clean``."""

from pathlib import Path

from tests.docs.conftest import xrm

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
