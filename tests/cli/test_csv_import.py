"""``xrm import``: options, report, exit codes. What an import does with rows is tested in ``tests/importing``."""

import csv
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from tests.cli.conftest import BOOK, CLOSED_POSTGRES, CRM_SALES, USER, Xrm, write_pack
from xrm_core.cli.workplace import Workplace

GOOD = "title;Seiten\nEmma;474\nUlysses;1.061\n"
BAD = "title;pages\nEmma;474\nPersuasion;many\nUlysses;0\n"


def books() -> list[Any]:
    with closing(sqlite3.connect("xrm-data/xrm.db")) as connection:
        return connection.execute("SELECT title, pages FROM book ORDER BY title").fetchall()


def report(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


def test_rows_are_written(applied: Path, xrm: Xrm):
    Path("books.csv").write_text(GOOD)

    found = xrm("import", "book", "books.csv", "--map", "Seiten=pages", "--decimal-comma")

    assert found.code == 0
    assert "2 of 2 rows" in found.out
    assert books() == [("Emma", 474), ("Ulysses", 1061)]
    assert not Path("books.csv.errors.csv").exists()


def test_a_model_that_is_applied_meanwhile_keeps_all_out(applied: Path, xrm: Xrm, monkeypatch: pytest.MonkeyPatch):
    # given a model in which pages are decimals, applied just before the first row is written
    check, applies = Workplace.check_applied, []

    def check_then_apply(workplace: Workplace, connection: Connection | None = None) -> None:
        check(workplace, connection)
        if not applies:
            write_pack(applied, user=USER, book={**BOOK, "pages": {"type": "number", "x-type": "decimal"}})
            applies.append(xrm("schema", "apply"))

    monkeypatch.setattr(Workplace, "check_applied", check_then_apply)
    Path("books.csv").write_text("title;pages\nEmma;474\n")

    found = xrm("import", "book", "books.csv")

    assert applies[0].code == 0
    found.failed("MODEL_OUT_OF_DATE")
    assert books() == []


def test_one_bad_row_keeps_all_out(applied: Path, xrm: Xrm):
    Path("books.csv").write_text(BAD)

    found = xrm("import", "book", "books.csv")

    assert found.code == 1
    assert "0 of 3 rows" in found.out
    assert "2 problems" in found.err
    assert "line 3, pages" in found.err
    assert "books.csv.errors.csv" in found.err
    assert books() == []
    assert [(row["line"], row["column"]) for row in report("books.csv.errors.csv")] == [("3", "pages"), ("4", "pages")]


def test_bad_rows_can_be_skipped(applied: Path, xrm: Xrm):
    Path("books.csv").write_text(BAD)

    found = xrm("import", "book", "books.csv", "--on-error", "skip", "--report", "problems.csv")

    assert found.code == 1
    assert "1 of 3 rows" in found.out
    assert books() == [("Emma", 474)]
    assert len(report("problems.csv")) == 2


def test_nothing_is_written_without_a_report_of_the_rest(applied: Path, xrm: Xrm):
    Path("books.csv").write_text(BAD)

    xrm("import", "book", "books.csv", "--on-error", "skip", "--report", "no/such/folder.csv").failed("IMPORT_FAILED")

    assert books() == []


def test_only_the_first_problems_are_shown(applied: Path, xrm: Xrm):
    Path("books.csv").write_text("title,pages\n" + "x,0\n" * 30)

    found = xrm("import", "book", "books.csv")

    assert found.err.count("  line ") == 5
    assert len(report("books.csv.errors.csv")) > 30


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["book", "books.csv"], "Seiten"),
        (["book", "nowhere.csv"], "nowhere.csv"),
        (["bok", "books.csv"], "book, user"),
        (["book", "books.csv", "--map", "Seiten"], "--map"),
        (["book", "books.csv", "--map", "Seiten=pagination"], "pagination"),
        (["book", "books.csv", "--map", "Leaves=pages"], "Leaves"),
        (["book", "books.csv", "--map", "Seiten=pages", "--replace", "Seiten"], "--replace"),
        (["book", "books.csv", "--ignore-unmapped", "--date-format", "%d"], "%d"),
        (["book", "books.csv", "--ignore-unmapped", "--timezone", "Mars"], "Mars"),
        (["book", "books.csv", "--ignore-unmapped", "--encoding", "utf-99"], "utf-99"),
        (["book", "books.csv", "--ignore-unmapped", "--delimiter", ";;"], ";;"),
    ],
)
def test_an_import_that_cannot_start(words: list[str], part: str, applied: Path, xrm: Xrm):
    Path("books.csv").write_text(GOOD)

    assert part in xrm("import", *words).failed("IMPORT_FAILED")
    assert books() == []


def test_before_apply_and_without_a_database(pack: Path, xrm: Xrm):
    Path("books.csv").write_text(GOOD)

    xrm("import", "book", "books.csv", "--ignore", "Seiten").failed("MODEL_OUT_OF_DATE")
    xrm("import", "book", "books.csv", "--database", CLOSED_POSTGRES).failed("DATABASE_UNAVAILABLE")


def test_the_public_sample(xrm: Xrm):
    # given the pack and the files of docs/import.md
    pack = ["--schemas", CRM_SALES / "schemas"]
    assert xrm("schema", "apply", *pack).code == 0
    accounts = ["import", "account", CRM_SALES / "accounts.csv", *pack, "--map", "account=name"]

    # when the accounts are imported as they are, and again with the misspelling replaced
    first, second = xrm(*accounts), xrm(*accounts, "--replace", "sector:technolgy=technology")

    # then
    assert (first.code, second.code) == (1, 0)
    assert "0 of 85 rows" in first.out
    assert "13 problems" in first.err
    assert "85 of 85 rows" in second.out


def test_a_dry_run_says_what_would_be_and_writes_the_report_only(applied: Path, xrm: Xrm):
    Path("books.csv").write_text(GOOD)
    assert xrm("import", "book", "books.csv", "--map", "Seiten=pages", "--decimal-comma").code == 0
    before = books()
    Path("books.csv").write_text("title;pages\nEmma;475\nPersuasion;249\nUlysses;none\n")
    options = ("--upsert-by", "title", "--on-error", "skip")

    tried = xrm("import", "book", "books.csv", *options, "--dry-run")

    assert (tried.code, books()) == (1, before)
    assert "2 of 3 rows would be written as book: 1 are new, 1 are there already." in tried.out
    assert [each["line"] for each in report("books.csv.errors.csv")] == ["4"]
    done = xrm("import", "book", "books.csv", *options)
    assert "2 of 3 rows were written as book: 1 are new, 1 are there already." in done.out
    assert books() == [("Emma", 475), ("Persuasion", 249), ("Ulysses", 1061)]
