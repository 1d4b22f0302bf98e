"""``xrm dsgvo lint``: on the files alone."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import CLOSED_POSTGRES, Xrm, surroundings, xrm
from tests.dsgvo.lint_kit import NOTHING, OWN_REGISTERS, PACK, text
from tests.plugins.conftest import MakeDistribution, make_distribution

__all__ = ["make_distribution", "surroundings", "xrm"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    registers = tmp_path / "registers.json"
    registers.write_text(json.dumps(OWN_REGISTERS))
    monkeypatch.setenv("XRM_PLUGINS", "dsgvo")
    monkeypatch.setenv("XRM_DSGVO_REGISTERS", str(registers))
    monkeypatch.setenv("XRM_DATABASE_URL", CLOSED_POSTGRES)  # nobody answers there, and nobody is asked
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


def written(folder: Path, pack: dict[str, Any]) -> None:
    words = {"pack": "mine", "kind": "core", "keywords": ["x-dsgvo"]}
    (folder / "pack.json").write_text(json.dumps(words))
    for name, body in pack.items():
        (folder / f"{name}.json").write_text(json.dumps({"x-entity": name, "type": "object", **body}, indent=1))


def small() -> dict[str, Any]:
    """Persons, firms, cases and invoices; and users, to whom the plugin's own entities refer."""
    user = {"x-dsgvo": {"v": 1, "subject": {"role": "none"}}, "properties": {"badge": text(NOTHING)}}
    return {**copy.deepcopy(dict(PACK)), "user": user}


def test_what_is_right_is_said_to_be(folder: Path, xrm: Xrm):
    written(folder, small())

    found = xrm("dsgvo", "lint", "--schemas", folder)

    assert found.code == 0, found.err
    assert found.out.endswith("entities: all right.\n")


def test_what_is_missing_is_proposed_and_can_be_pasted(folder: Path, xrm: Xrm):
    pack = small()
    del pack["person"]["properties"]["email"]["x-dsgvo"]
    written(folder, pack)

    told = xrm("dsgvo", "lint", "--schemas", folder)
    [row] = json.loads(xrm("dsgvo", "lint", "--json", "--schemas", folder).out)["mistakes"]

    assert told.code == 1
    assert (row["entity"], row["field"], row["rule"], row["pointer"]) == (
        "person",
        "email",
        "missing",
        "/properties/email",
    )
    assert f'{row["file"]}:{row["line"]} /properties/email: "x-dsgvo": nobody has said' in told.out
    [line] = [line.strip() for line in told.out.splitlines() if line.startswith('  "x-dsgvo"')]
    assert json.loads(f"{{{line}}}") == {"x-dsgvo": row["proposal"]}
    pack["person"]["properties"]["email"] |= json.loads(f"{{{line}}}")
    written(folder, pack)
    assert xrm("dsgvo", "lint", "--schemas", folder).code == 0


def test_other_mistakes_are_told_with_their_rule(folder: Path, xrm: Xrm):
    pack = small()
    pack["person"]["x-dsgvo"]["datenart"] = "kontaktstammdatem"
    written(folder, pack)

    told = xrm("dsgvo", "lint", "--schemas", folder)

    assert told.code == 1
    assert "[unknown-datenart] Perhaps kontaktstammdaten" in told.out
    assert "1 mistake." in told.out


def test_what_is_no_annotation_at_all_is_refused_as_files_are(folder: Path, xrm: Xrm):
    pack = small()
    pack["person"]["properties"]["email"]["x-dsgvo"] = {"categori": "user.name"}
    written(folder, pack)

    xrm("dsgvo", "lint", "--schemas", folder).failed("SCHEMA_FILES_INVALID")


def test_what_files_say_of_the_record_is_held_against_what_they_said(folder: Path, xrm: Xrm, tmp_path: Path):
    pack, was = small(), tmp_path / "was.json"
    written(folder, pack)
    xrm("dsgvo", "outline", "--schemas", folder, "--out", was)

    same = xrm("dsgvo", "outline", "--schemas", folder, "--against", was)

    assert (same.code, same.out) == (0, "Nothing differs.\n")
    pack["person"]["properties"]["nickname"]["x-dsgvo"]["category"] = "user.unique_id"
    written(folder, pack)
    changed = xrm("dsgvo", "outline", "--schemas", folder, "--against", was)
    assert changed.code == 2
    assert changed.out == "added    vertrieb.kundenpflege categories: user.unique_id\n"
    was.write_text("[]")
    xrm("dsgvo", "outline", "--schemas", folder, "--against", was).failed("REFUSED_BY_PLUGIN")


def test_what_is_to_be_sealed_and_stands_in_clear_is_named_or_refused(
    folder: Path, xrm: Xrm, monkeypatch: pytest.MonkeyPatch
):
    # given a value that is to be sealed, beside a special category, which has to be in any case
    pack = small()
    pack["person"]["properties"]["nickname"]["x-dsgvo"] |= {"encrypt": {"key": "subject"}}
    written(folder, pack)

    # when
    told = xrm("dsgvo", "lint", "--schemas", folder, "--json")
    monkeypatch.setenv("XRM_DSGVO_REQUIRE_SEALED", "true")
    refused = xrm("dsgvo", "lint", "--schemas", folder)

    # then
    assert told.code == 0, told.err
    assert json.loads(told.out)["in_clear"] == ["person.nickname"]
    assert refused.code == 1
    assert "stands in clear. [in-clear]" in refused.out

    # when it is sealed
    pack["person"]["properties"]["nickname"]["x-sealed"] = {"class": "art9"}
    written(folder, pack)

    # then
    assert xrm("dsgvo", "lint", "--schemas", folder).code == 0


STORE = """
from xrm_core.api import DataStore, hookimpl

def nothing(context, about):
    return 0

@hookimpl
def register_data_stores():
    ask = dict.fromkeys(("discover", "export", "restrict", "lift", "erase", "verify"), nothing)
    said = {"activities": ["no.such"], "fields": {"email": {"category": "user.contact.email"}}}
    return [DataStore("shelf.index", **ask), DataStore("shelf.cache", **ask, annotations={"x-dsgvo": said})]
"""
SILENT = """
from xrm_core.api import hookimpl

@hookimpl
def after_record_create(entity, record):
    pass
"""


def test_stores_that_do_not_say_what_they_keep_and_plugins_that_say_nothing_are_told(
    folder: Path, xrm: Xrm, make_distribution: MakeDistribution
):
    written(folder, small())
    make_distribution(STORE, plugin="shelf")
    make_distribution(SILENT, plugin="silent", distribution="silent-dist")

    found = json.loads(xrm("dsgvo", "lint", "--json", "--schemas", folder).out)
    told = xrm("dsgvo", "lint", "--schemas", folder)

    assert told.code == 1
    assert [each["store"] for each in found["stores"]] == ["shelf.index", "shelf.cache"]
    assert "'origin' is a required property" in found["stores"][1]["reason"]
    assert found["without_stores"] == {"silent": ["after_record_create"]}
    assert 'The store shelf.index: it says nothing by "x-dsgvo" of what it keeps' in told.out
    assert "The plugin silent does not say whether it keeps data elsewhere, and has after_record_create." in told.out
