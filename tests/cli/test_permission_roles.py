"""Roles that plugins bring: listed, planned, put upon the policies in force, and taken back."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Xrm
from tests.plugins.conftest import MakeDistribution, make_distribution

__all__ = ["make_distribution"]

PLUGIN = """
from pathlib import Path
from xrm_core.api import hookimpl

@hookimpl
def register_roles():
    return [Path({folder!r})]
"""
HEAD = "role,entity,action,fields,rule,effect\n"


def write(folder: Path, roles: object, *rows: str, rules: object = None) -> Path:
    """Files of a plugin."""
    folder.mkdir(exist_ok=True)
    (folder / "roles.json").write_text(json.dumps({"roles": roles, "rules": rules or {}}))
    (folder / "policies.csv").write_text(HEAD + "".join(f"{row}\n" for row in rows))
    return folder


LIBRARIAN = {"librarian": {"labels": {"en": "Librarian"}, "inherits": ["reader"]}}


@pytest.fixture
def shelf(applied: Path, tmp_path: Path, make_distribution: MakeDistribution) -> Path:
    """The folder of the plugin «shelf», with the role of librarians."""
    folder = write(
        tmp_path / "shelf", LIBRARIAN, "librarian,book,*,*,long,allow", rules={"long": {"pages": {"gt": 99}}}
    )
    make_distribution(PLUGIN.format(folder=str(folder)), plugin="shelf", distribution="xrm-shelf", version="1.0")
    return folder


def test_roles_of_a_plugin_are_nobodys_until_they_are_put_in_force(shelf: Path, xrm: Xrm) -> None:
    assert xrm("permissions", "plan").out == "Nothing to do: these policies are in force as version 1.\n"
    assert xrm("permissions", "roles").out == "shelf  librarian  not in force  Librarian\n"

    planned = xrm("permissions", "plan", "--roles-of", "shelf")
    assert planned.code == 2
    lines = planned.out.splitlines()
    assert lines[:3] == [
        "The role librarian is new.",
        "The rule long is new.",
        "+ librarian,book,*,*,long,allow",
    ]
    assert all(line.startswith("librarian gains ") for line in lines[3:])

    applied = xrm("permissions", "apply", "--roles-of", "shelf", "--note", "shelves")
    assert applied.out == planned.out + "Done: version 2.\n"
    assert xrm("permissions", "roles", "--json").out == (
        '{"roles": [{"plugin": "shelf", "role": "librarian", "in_force": true, "labels": {"en": "Librarian"}}]}\n'
    )
    assert xrm("permissions", "plan", "--roles-of", "shelf").code == 0  # once is enough
    assert xrm("permissions", "undo").out.endswith("Done: version 3.\n")
    assert "not in force" in xrm("permissions", "roles").out


def test_a_role_in_force_is_changed_only_if_that_is_accepted(shelf: Path, xrm: Xrm) -> None:
    write(shelf, {**LIBRARIAN, "reader": {"labels": {"en": "Somebody"}}}, "reader,book,read,summary,,allow")

    assert "reader gains read on book: summary." in xrm("permissions", "plan", "--roles-of", "shelf").out
    refused = xrm("permissions", "apply", "--roles-of", "shelf").failed("PERMISSIONS_REFUSED")
    assert "Roles that are in force already would change: reader." in refused
    assert "--accept reader" in refused
    assert xrm("permissions", "history").out.count("\n") == 1

    assert xrm("permissions", "apply", "--roles-of", "shelf", "--accept", "reader").code == 0
    assert xrm("permissions", "pull", "pulled").code == 0
    roles = json.loads(Path("pulled/roles.json").read_text())["roles"]
    assert roles["reader"] == {"labels": {"en": "Reader"}}  # what it is called is said by what is in force
    rows = Path("pulled/policies.csv").read_text().splitlines()
    assert rows[-1] == "reader,book,read,summary,,allow"

    # who inherits more has more, too
    write(shelf, {"clerk": {"inherits": ["reader"]}})
    assert "clerk" in xrm("permissions", "apply", "--roles-of", "shelf").failed("PERMISSIONS_REFUSED")


def test_each_tenant_has_those_that_it_wants(shelf: Path, xrm: Xrm) -> None:
    assert xrm("tenant", "create", "acme").code == 0
    assert xrm("permissions", "apply", "--roles-of", "shelf", "--tenant", "acme").code == 0
    assert "not in force" in xrm("permissions", "roles").out
    assert "not in force" not in xrm("permissions", "roles", "--tenant", "acme").out


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ((LIBRARIAN, "librarian,shelf,read,*,,allow"), "shelf/policies.csv:2: there is no entity 'shelf'"),
        ((LIBRARIAN, "guest,book,read,*,,allow"), "shelf/policies.csv:2: role 'guest' is not in roles.json"),
        (({"librarian": {"inherits": ["boss"]}},), "roles.json with those of shelf: role 'librarian' inherits 'boss'"),
        (({"librarian": {"limit": 5}},), "roles.json with those of shelf: role 'librarian' must be an object"),
    ],
)
def test_files_that_do_not_fit_are_refused(shelf: Path, xrm: Xrm, files: tuple[object, ...], said: str) -> None:
    write(shelf, *files)  # type: ignore[arg-type]
    assert said in xrm("permissions", "plan", "--roles-of", "shelf").failed("POLICY_INVALID")
    assert xrm("permissions", "plan").code == 0


def test_a_rule_that_is_in_force_otherwise_is_refused(shelf: Path, xrm: Xrm) -> None:
    assert xrm("permissions", "apply", "--roles-of", "shelf").code == 0
    write(shelf, LIBRARIAN, rules={"long": {"pages": {"gt": 500}}})
    said = xrm("permissions", "plan", "--roles-of", "shelf").failed("POLICY_INVALID")
    assert "the rule 'long' is in force already, and otherwise" in said


def test_who_brings_no_roles_is_told(shelf: Path, xrm: Xrm) -> None:
    said = xrm("permissions", "plan", "--roles-of", "shelves").failed("SETTINGS_INVALID")
    assert "The plugin shelves brings no roles" in said
    assert "Those that do: shelf." in said
    assert "--accept is about roles" in xrm("permissions", "apply", "--accept", "reader").failed("SETTINGS_INVALID")


def test_two_plugins_that_mean_different_things_by_a_name_are_both_named(
    shelf: Path, tmp_path: Path, xrm: Xrm, make_distribution: MakeDistribution
) -> None:
    other = write(tmp_path / "other", {"librarian": {"labels": {"en": "Archivist"}}})
    make_distribution(PLUGIN.format(folder=str(other)), plugin="archive", distribution="xrm-archive", version="2.0")
    said = xrm("permissions", "roles").failed("PLUGIN_LOAD_FAILED")
    assert "The plugin shelf of xrm-shelf 1.0 cannot be loaded" in said
    assert "its role 'librarian' is another than that of the plugin archive of xrm-archive 2.0" in said
