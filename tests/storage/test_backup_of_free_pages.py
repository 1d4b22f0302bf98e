"""What was deleted before is not in a backup, though SQLite has it in its free pages."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from xrm_core.storage.backup import sqlite

CANARY = "Papierkanarie"


@pytest.mark.invariant("I17")
def test_what_was_deleted_is_not_in_the_copy(tmp_path: Path) -> None:
    # given a database in which somebody has deleted a row of many, and all of what stood in another table
    source, target = tmp_path / "source.db", tmp_path / "copy.db"
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE contact (id TEXT PRIMARY KEY, name TEXT) STRICT")
        connection.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT) STRICT")
        connection.executemany("INSERT INTO contact VALUES (?, ?)", [(str(n), f"Bussard {n}") for n in range(200)])
        connection.executemany("INSERT INTO note (text) VALUES (?)", [(CANARY * 50,) for _ in range(200)])
        connection.execute("UPDATE contact SET name = ? WHERE id = '7'", (CANARY,))
        connection.commit()
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("PRAGMA secure_delete=OFF")  # as where SQLite was built without
        connection.execute("DELETE FROM contact WHERE id = '7'")
        connection.execute("DELETE FROM note")
        connection.commit()
    assert CANARY.encode() in source.read_bytes()

    # when
    sqlite.copy(source, target)

    # then all else is in it
    assert CANARY.encode() not in target.read_bytes()
    assert (target.stat().st_mode & 0o777, [each.name for each in tmp_path.glob(".*")]) == (0o600, [])
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("SELECT count(*), min(name) FROM contact").fetchone() == (199, "Bussard 0")
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
