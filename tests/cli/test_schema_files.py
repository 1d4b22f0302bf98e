"""``xrm schema layers`` and ``pull``."""

import json
from pathlib import Path

from tests.cli.conftest import CORE_PACK, Xrm
from xrm_core.metadata.loader import load
from xrm_core.metadata.packs import pack_layers


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
    found = xrm("schema", "pull", tmp_path / "pulled")
    again = xrm("schema", "pull", tmp_path / "pulled")
    # then the files are the same model, and are not overwritten
    assert "entities written to" in found.out
    assert load(pack_layers(tmp_path / "pulled")).fingerprint == load(pack_layers(pack)).fingerprint
    assert "is not empty" in again.failed("SETTINGS_INVALID")


def test_pull_from_a_database_without_a_model(xrm: Xrm, tmp_path: Path) -> None:
    xrm("schema", "pull", tmp_path / "pulled").failed("MODEL_OUT_OF_DATE")
    assert not (tmp_path / "pulled").exists()
