"""Opening an SQLite file while others open it, too."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.no_sync import PRAGMAS
from xrm_core.storage import engines
from xrm_core.storage.engines import set_pragmas


class _Contested(sqlite3.Connection):
    """Somebody else turns the file to WAL at the same moment: refused at once, whatever busy_timeout says."""

    refusals = 2

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        if "journal_mode" in statement and self.refusals:
            self.refusals -= 1
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        return super().execute(statement, *values)


def test_a_file_that_others_are_opening_is_opened_all_the_same(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "new.db", factory=_Contested)
    set_pragmas(connection, PRAGMAS)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,), "an acknowledged write survives a power cut"
    connection.close()


def test_a_file_that_stays_locked_is_not_waited_for_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_BUSY_PAUSE_SECONDS", 0)
    connection = sqlite3.connect(tmp_path / "new.db", factory=_Contested)
    connection.refusals = 10_000
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        set_pragmas(connection, PRAGMAS)
    connection.close()
