"""``xrm schema undo``, ``redo``, ``history``, ``leftovers`` and ``contract``."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import BOOK, TEXT, USER, Xrm, write_pack

DATABASE = Path("xrm-data/xrm.db")
ISBN = {**BOOK, "isbn": TEXT}
NUMBERED = {**BOOK, "isbn": {"type": "integer"}}
ID = "00000000-0000-7000-8000-00000000000{}"
NOW = "2026-11-25T10:00:00+00:00"


@pytest.fixture
def converted(pack: Path, xrm: Xrm) -> Path:
    """Two books whose numbers were texts; one of them could not be converted."""
    write_pack(pack, user=USER, book=ISBN)
    assert xrm("schema", "apply").code == 0
    with closing(sqlite3.connect(DATABASE)) as connection, connection:
        for number, isbn in ((1, " 17 "), (2, "none")):
            connection.execute(
                "INSERT INTO book (id, title, isbn, created_at, updated_at, version) VALUES (?, ?, ?, ?, ?, 1)",
                (ID.format(number), f"Book {number}", isbn, NOW, NOW),
            )
    write_pack(pack, user=USER, book=NUMBERED)
    assert xrm("schema", "apply", "--accept", "change_type:book.isbn").code == 0
    return pack


def isbns() -> list[object]:
    with closing(sqlite3.connect(DATABASE)) as connection:
        return [row[0] for row in connection.execute("SELECT isbn FROM book ORDER BY id")]


def test_undo_and_redo(converted: Path, xrm: Xrm):
    assert isbns() == [17, None]

    # when the undo is planned, nothing happens
    planned = xrm("schema", "undo", "--plan")
    assert planned.code == 2
    assert "Change book.isbn from integer to text" in planned.out
    assert isbns() == [17, None]

    # when it is done, the texts are there again
    done = xrm("schema", "undo")
    assert (done.code, isbns()) == (0, [" 17 ", "none"])
    assert "Let the entity files say the same" in done.out

    # and the files now differ
    assert "in isbn" in xrm("schema", "check", "--database").failed("MODEL_OUT_OF_DATE")

    # and it can be had again, with consent to what is lost again
    refused = xrm("schema", "redo").failed("SCHEMA_CHANGE_REFUSED")
    assert "--accept change_type:book.isbn" in refused
    again = xrm("schema", "redo", "--accept", "change_type:book.isbn", "--json")
    assert (again.code, isbns()) == (0, [17, None])
    assert [operation["op"] for operation in json.loads(again.out)["operations"]] == ["change_type"]
    assert xrm("schema", "check", "--database").code == 0

    # and who goes to what the files say has nothing left to do
    assert xrm("schema", "undo").code == 0
    done = xrm("schema", "redo", "--accept", "change_type:book.isbn")
    assert done.out.endswith("1 lossy\nDone.\n")


def test_leftovers(converted: Path, xrm: Xrm):
    assert xrm("schema", "leftovers").out.splitlines() == [
        f"book.isbn  {ID.format(2)}  none",
        "1 value could not be converted.",
    ]
    told = json.loads(xrm("schema", "leftovers", "--json").out)
    wanted = {"change": 2, "entity": "book", "field": "isbn", "id": ID.format(2), "value": "none"}
    assert told == {"leftovers": [wanted]}


def test_history(converted: Path, xrm: Xrm):
    xrm("schema", "undo")
    lines = xrm("schema", "history").out.splitlines()

    assert ["create_entity:book" in lines[0], "change_type:book.isbn" in lines[1]] == [True, True]
    assert "takes back 2: change_type:book.isbn" in lines[2]
    assert lines[3:] == ["«xrm schema redo» takes back change 3."]

    told = json.loads(xrm("schema", "history", "--json").out)
    assert [change["number"] for change in told["changes"]] == [1, 2, 3]
    assert (told["undo"], told["redo"]) == (None, 3)


def test_history_of_an_empty_database(xrm: Xrm):
    Path("xrm-data").mkdir()
    Path("xrm-data/xrm.db").touch()
    assert xrm("schema", "history").out == "No model was applied yet.\n"
    assert "Nothing was applied yet." in xrm("schema", "undo").failed("SCHEMA_CHANGE_REFUSED")


def test_contract_asks_and_lets_go(converted: Path, xrm: Xrm):
    # given nobody who could answer, nothing is done
    said = xrm("schema", "contract").failed("SCHEMA_CHANGE_REFUSED")
    assert "--yes" in said
    # and of changes before long ago there is nothing
    assert "Nothing is aside" in xrm("schema", "contract", "--before", "2020-01-01", "--yes").out
    assert len(xrm("schema", "leftovers").out.splitlines()) == 2

    done = xrm("schema", "contract", "--yes")
    assert done.code == 0
    assert "book.isbn, put aside by change 2: 2 values" in done.out

    assert "cannot be taken back" in xrm("schema", "undo").failed("SCHEMA_CHANGE_REFUSED")
    assert "contracted" in xrm("schema", "history").out
    assert xrm("schema", "leftovers").out == "0 values could not be converted.\n"
    assert xrm("schema", "check", "--database").code == 0
    told = xrm("schema", "contract", "--yes", "--json")
    assert json.loads(told.out) == {"last_change": 2, "destroys": []}


def test_undo_brings_back_policies_that_fit_or_says_that_they_do_not(applied: Path, xrm: Xrm):
    write_pack(applied, user=USER, book=BOOK, shelf={"title": TEXT})
    assert xrm("schema", "apply", "--permissions").code == 0

    for words in ((), ("--plan",)):
        refused = xrm("schema", "undo", "--accept", "drop_entity:shelf", *words).failed("SCHEMA_CHANGE_REFUSED")
        assert "there is no entity 'shelf'" in refused
    assert xrm("schema", "undo", "--permissions", "--accept", "drop_entity:shelf").code == 0

    assert xrm("permissions", "history").out.splitlines()[-1].endswith("version 1 again, with a schema change")
    # and does nothing about those that do
    assert xrm("schema", "redo", "--permissions").code == 0
    assert len(xrm("permissions", "history").out.splitlines()) == 3
