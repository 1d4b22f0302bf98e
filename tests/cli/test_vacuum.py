"""``xrm vacuum`` says what it has done, and what it could not."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.docs.in_this_process import xrm

GONE = "Zyxwäldchen"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database from which something was deleted."""
    path = tmp_path / "xrm.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA secure_delete=OFF")  # some builds of SQLite begin otherwise
        connection.execute("CREATE TABLE thing (name TEXT)")
        connection.execute("INSERT INTO thing VALUES (?)", (GONE,))
        connection.execute("INSERT INTO thing VALUES ('Anna')")
        connection.execute("DELETE FROM thing WHERE name <> 'Anna'")
    return path


def test_it_says_how_much_it_has_written_anew(file: Path):
    assert GONE.encode() in file.read_bytes()

    done = xrm("vacuum", "--database", f"sqlite:///{file}", cwd=file.parent)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("1 tables were written anew: ")
    assert GONE.encode() not in file.read_bytes()


def test_what_it_could_not_do_is_told_with_what_to_do(file: Path):
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM thing").fetchall()

        done = xrm("vacuum", "--wait", "1", "--database", f"sqlite:///{file}", cwd=file.parent)

    assert done.returncode == 1
    assert "somebody reads the database" in done.stdout
    assert "→ Run it again." in done.stdout
