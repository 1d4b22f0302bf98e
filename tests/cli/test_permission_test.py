"""``xrm permissions test``: examples of who may do what, and what is said if they do not hold."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import REPOSITORY, Xrm
from tests.cli.test_permission_explain import pack

__all__ = ["pack"]

PACKS = ["core", "association", "machine_builder", "machine_builder_base"]
RECORDS: dict[str, Any] = {
    "user": {"ada": {"email": "ada@example.org"}, "ben": {"email": "ben@example.org"}},
    "book": {
        "emma": {"title": "Emma", "reader": "ada", "shelf": "a"},
        "dune": {"title": "Dune", "reader": "ben", "shelf": "a"},
        "faust": {"title": "Faust", "reader": "ada", "shelf": "locked"},
    },
    "book_fan": {"ada_emma": {"book": "emma", "user": "ada"}},
}
KEEPER = {"name": "A keeper", "user": "ada", "roles": ["keeper"]}


def write(pack: Path, *tests: dict[str, Any], records: Any = RECORDS) -> Path:
    file = pack / "permissions" / "tests.json"
    file.write_text(json.dumps({"records": records, "tests": list(tests)}, indent=1))
    return file


@pytest.mark.parametrize("name", PACKS)
def test_those_of_each_shipped_pack_hold_and_touch_no_database(xrm: Xrm, tmp_path: Path, name: str) -> None:
    done = xrm("permissions", "test", "--schemas", name)
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith(" permission tests hold.\n")
    assert list(tmp_path.rglob("*.db")) == []


def test_every_shipped_role_has_a_test() -> None:
    for folder in REPOSITORY.glob("schemas/**/permissions"):
        tests = json.loads((folder / "tests.json").read_text())["tests"]
        roles = json.loads((folder / "roles.json").read_text())["roles"]
        assert roles.keys() <= {role for test in tests for role in test["roles"]}, folder


def test_what_may_and_may_not_be_done_is_tried(xrm: Xrm, pack: Path) -> None:
    keeper = {
        **KEEPER,
        "sees": {"book": ["emma", "dune"], "book_fan": ["ada_emma"], "user": ["ada", "ben"]},
        "may": [
            {"read": "emma", "fields": ["pages", "reader"]},
            {"read": "dune", "fields": ["title", "fans"]},
            {"update": "emma", "values": {"title": "E."}},
            {"update": "emma", "fields": ["title", "shelf"]},
            {"update": "faust", "values": {"shelf": "b"}},
        ],
        "may_not": [
            {"read": "faust"},
            {"read": "emma", "fields": ["summary"]},
            {"read": "dune", "fields": ["pages", "reader"]},
            {"update": "emma", "values": {"reader": "ben"}},
            {"update": "emma", "values": {"pages": 7}},
            {"update": "dune", "values": {"reader": "ada"}},
            {"create": "book", "values": {"title": "x"}},
            {"delete": "emma"},
            {"delete": "ada_emma"},
        ],
    }
    alone = {"name": "No user", "roles": ["keeper", "loner"], "sees": {"book": ["emma", "dune"]}}
    write(pack, keeper, alone)
    assert xrm("permissions", "test").out == "2 permission tests hold.\n"


@pytest.mark.parametrize(
    ("test", "text"),
    [
        ({"sees": {"book": ["emma"]}}, "sees book: also dune"),
        ({"sees": {"book": ["emma", "dune", "faust"]}}, "sees book: not faust"),
        ({"may": [{"read": "faust"}]}, "may read faust: it is refused"),
        ({"may": [{"read": "dune", "fields": ["title", "pages"]}]}, "may read dune (title, pages): refused for pages"),
        ({"may": [{"update": "dune", "values": {"title": "D"}}]}, "may update dune (title): it is refused: "),
        ({"may": [{"delete": "emma"}]}, "may delete emma: it is refused: "),
        ({"may": [{"create": "book", "values": {}}]}, "may create book: it is refused: "),
        ({"may_not": [{"read": "emma"}]}, "may not read emma: it is allowed"),
        ({"may_not": [{"read": "emma", "fields": ["pages", "summary"]}]}, "allowed for pages"),
        ({"may_not": [{"update": "emma", "fields": ["title", "pages"]}]}, "allowed for title"),
        ({"may_not": [{"update": "emma", "values": {"title": "E"}}]}, "may not update emma (title): it is allowed"),
    ],
)
def test_what_does_not_hold_is_shown_with_the_policies_that_decide(
    xrm: Xrm, pack: Path, test: dict[str, Any], text: str
) -> None:
    write(pack, {**KEEPER, **test}, {"name": "Another", "roles": [], "sees": {"book": []}})
    done = xrm("permissions", "test")
    assert "1 of 2 permission tests failed." in done.failed("PERMISSION_TESTS_FAILED")
    assert text in done.out
    assert ": A keeper\n" in done.out
    if "sees" not in test:
        assert "policies.csv:" in done.out or "no policy is about it" in done.out


def test_the_policies_of_a_failure_are_true_or_false_for_the_record(xrm: Xrm, pack: Path) -> None:
    write(pack, {**KEEPER, "may": [{"read": "faust"}]})
    lines = [line.split() for line in xrm("permissions", "test").out.splitlines()[2:]]
    assert [(line[0], line[1].rpartition(":")[2]) for line in lines] == [
        ("true", "2"),
        ("true", "3"),
        ("true", "4"),
        ("true", "5"),
    ]


def test_records_may_refer_to_each_other_in_a_circle(xrm: Xrm, pack: Path) -> None:
    book = json.loads((pack / "book.json").read_text())
    book["properties"]["sequel"] = {"x-relation": {"to": "book", "inverse": "before", "on_delete": "set_null"}}
    (pack / "book.json").write_text(json.dumps(book))
    books = {name: {"title": name, "sequel": other, "reader": "ada"} for name, other in ["ab", "bc", "ca", "dd"]}
    sees = {**KEEPER, "sees": {"book": ["a", "b", "c", "d"]}}
    write(pack, sees, records={**RECORDS, "book": books, "book_fan": {}})
    assert xrm("permissions", "test").code == 0


@pytest.mark.parametrize(
    ("records", "test", "text"),
    [
        ({}, {"roles": ["wizard"]}, 'There is no role "wizard"'),
        ({}, {"sees": {"cook": []}}, 'There is no entity "cook"'),
        ({}, {"sees": {"book": ["emma"]}}, 'There is no record "emma"'),
        (RECORDS, {"sees": {"book": ["ada"]}}, '"ada" is a record of user'),
        (RECORDS, {"user": "emma"}, '"emma" is no record of the entity user'),
        (RECORDS, {"may": [{"read": "emma", "delete": "emma"}]}, "A step is one of read, create, update and delete"),
        (RECORDS, {"may": [{"fields": []}]}, "A step is one of read, create, update and delete"),
        (RECORDS, {"may": [{"read": "emma", "fields": ["colour"]}]}, 'There is no field of book "colour"'),
        (RECORDS, {"may": [{"read": "emma", "values": {}}]}, "read writes no values"),
        (RECORDS, {"may": [{"delete": "emma", "fields": []}]}, "Fields mean nothing here"),
        (RECORDS, {"may": [{"create": "book"}]}, "does not say what is created"),
        (RECORDS, {"may": [{"update": "emma", "values": {"colour": 1}}]}, 'There is no field of book "colour"'),
        (RECORDS, {"may": [{"update": "emma", "values": {"title": 7}}]}, "is refused whoever asks"),
        (RECORDS, {"maybe": []}, 'Unknown keyword "maybe"'),
        ({"book": {"x": {"pages": "many"}}}, {}, "The record cannot be stored"),
        ({"user": {"x": {}}, "book": {"x": {"title": "x"}}}, {}, 'Another record is called "x"'),
    ],
)
def test_a_wrong_file_is_told_with_line_and_remedy(
    xrm: Xrm, pack: Path, records: Any, test: dict[str, Any], text: str
) -> None:
    file = write(pack, {**KEEPER, "user": "ada", **test} if records is RECORDS else {"name": "n", "roles": [], **test})
    file.write_text(json.dumps({"records": records, "tests": json.loads(file.read_text())["tests"]}, indent=1))
    said = xrm("permissions", "test").failed("PERMISSION_TESTS_INVALID")
    assert text in said
    assert "tests.json:" in said


def test_another_file_can_be_named_and_must_be_there(xrm: Xrm, pack: Path, tmp_path: Path) -> None:
    write(pack, KEEPER).rename(tmp_path / "mine.json")
    assert xrm("permissions", "test", "--file", "mine.json").code == 0
    xrm("permissions", "test").failed("PERMISSION_TESTS_INVALID")
