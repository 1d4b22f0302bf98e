"""``xrm schema layers`` and ``pull``."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import CORE_PACK, Xrm
from xrm_core.metadata.loader import load
from xrm_core.metadata.packs import pack_layers
from xrm_core.storage.applied import current_model
from xrm_core.storage.engines import Database
from xrm_core.storage.schema_files import save_schema_files


def mine(folder: Path) -> Path:
    folder.mkdir()
    (folder / "pack.json").write_text(json.dumps({"pack": "mine", "kind": "deployment", "extends": "core"}))
    words = {"name": {"maxLength": 90}, "score": {"type": "integer"}}
    (folder / "customer.json").write_text(json.dumps({"x-extends": "customer", "properties": words}, indent=1))
    return folder


def test_layers_shows_who_says_what(xrm: Xrm, tmp_path: Path) -> None:
    pack = mine(tmp_path / "mine")
    found = xrm("schema", "layers", "--schemas", pack)
    assert [line.split()[:2] for line in found.out.splitlines()[:2]] == [["core", "core"], ["deployment", "mine"]]
    assert any(line.split() == ["customer", "core", "extended", "by", "mine"] for line in found.out.splitlines())
    fields = xrm("schema", "layers", "customer", "--schemas", pack).out.splitlines()
    assert any(line.startswith("name ") and f"; tightened by mine  {pack}/customer.json:5" in line for line in fields)
    assert any(line.startswith("score ") and f"mine  {pack}/customer.json:7" in line for line in fields)


def test_layers_of_an_entity_that_is_not_there(xrm: Xrm) -> None:
    said = xrm("schema", "layers", "custmer", "--schemas", CORE_PACK).failed("SETTINGS_INVALID")
    assert "There is no entity custmer" in said
    assert 'Did you mean "customer"?' in said


def test_pull_writes_files_that_load_as_the_same_model(xrm: Xrm, tmp_path: Path) -> None:
    # given a database with the model of two layers
    pack = mine(tmp_path / "mine")
    assert xrm("schema", "apply", "--schemas", pack).code == 0
    # when it is pulled, and pulled again into the same folder
    found = xrm("schema", "pull", "--all", tmp_path / "pulled")
    again = xrm("schema", "pull", "--all", tmp_path / "pulled")
    # then the files are the same model, and are not overwritten
    assert "and pack.json written to" in found.out
    assert load(pack_layers(tmp_path / "pulled")).fingerprint == load(pack_layers(pack)).fingerprint
    assert "is not empty" in again.failed("SETTINGS_INVALID")


def test_pull_from_a_database_without_a_model(xrm: Xrm, tmp_path: Path) -> None:
    xrm("schema", "pull", tmp_path / "pulled").failed("MODEL_OUT_OF_DATE")
    assert not (tmp_path / "pulled").exists()


@pytest.mark.parametrize("own", [True, False])
def test_pull_writes_the_tenant_layer_as_a_pack_on_top(xrm: Xrm, tmp_path: Path, own: bool) -> None:
    # given a database with a tenant layer on a pack of one's own, or on a shipped one
    pack = mine(tmp_path / "mine") if own else CORE_PACK
    files = {
        "customer.json": '{"x-extends": "customer", "properties": {"mood": {"type": "string", "maxLength": 9}}}',
        "pet.json": '{"x-entity": "pet", "type": "object", "properties": {"name": {"type": "string"}}}',
    }
    assert xrm("schema", "apply", "--schemas", pack).code == 0
    database = Database("sqlite:///xrm-data/xrm.db")
    with database.begin() as connection:
        save_schema_files(connection, files, (), None)
    database.close()
    assert xrm("schema", "apply", "--schemas", pack).code == 0
    shown = xrm("schema", "layers", "--schemas", pack).out
    assert "tenant     tenant               in the database" in shown
    # when it is pulled
    assert xrm("schema", "pull", "sub/pulled", "--schemas", pack).code == 0
    # then the folder has these files, and loads as the model that the database has
    found = {path.name: path.read_text() for path in Path("sub/pulled").iterdir() if path.name != "pack.json"}
    assert found == files
    with Database("sqlite:///xrm-data/xrm.db").read() as connection:
        applied = current_model(connection)
    assert applied is not None
    assert load(pack_layers(Path("sub/pulled"))).fingerprint == applied.fingerprint


def test_pull_of_a_tenant_layer_that_is_not_there(xrm: Xrm, tmp_path: Path) -> None:
    assert xrm("schema", "apply", "--schemas", CORE_PACK).code == 0
    assert "--all" in xrm("schema", "pull", "pulled", "--schemas", CORE_PACK).failed("SETTINGS_INVALID")
    assert not Path("pulled").exists()
