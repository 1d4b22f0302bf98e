"""``xrm user password``."""

import io
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Xrm
from xrm_core.auth.passwords import Passwords

GOOD = "correct horse battery"


@pytest.fixture
def ada(xrm: Xrm, applied: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Id of a user; passwords are hashed quickly."""
    monkeypatch.setenv("XRM_PASSWORD_MEMORY", "8")
    monkeypatch.setenv("XRM_PASSWORD_PASSES", "1")
    return xrm("user", "create", "--email", "ada@example.com", "--role", "clerk").out.strip()


def rows(sql: str) -> list[Any]:
    with closing(sqlite3.connect("xrm-data/xrm.db")) as connection:
        return connection.execute(sql).fetchall()


def enter(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_a_password_is_read_from_standard_input(ada: str, xrm: Xrm, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(monkeypatch, f"{GOOD}\n")
    done = xrm("user", "password", "ada@example.com", "--stdin")
    assert (done.code, done.err) == (0, "")
    assert GOOD not in done.out
    [(user, kept)] = rows("SELECT user_id, hash FROM xrm_password")
    assert user == ada
    assert Passwords(8, 1).verify(GOOD, kept) == (True, None)


def test_a_new_password_ends_sessions(ada: str, xrm: Xrm, monkeypatch: pytest.MonkeyPatch) -> None:
    now = "2026-11-26T10:00:00+00:00"
    with closing(sqlite3.connect("xrm-data/xrm.db")) as connection:
        session = ("s", "h", ada, "d", now, now, 1, now)
        columns = "id, token_hash, user_id, device, created_at, seen_at, idle_seconds, expires_at"
        connection.execute(f"INSERT INTO xrm_session ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", session)
        connection.commit()
    enter(monkeypatch, f"{GOOD}\n")
    assert xrm("user", "password", "ada@example.com", "--stdin").code == 0
    assert rows("SELECT id FROM xrm_session") == []
    assert rows("SELECT event FROM xrm_auth_event ORDER BY id DESC LIMIT 1") == [("password_changed",)]


@pytest.mark.parametrize("text", ["", "\n", "short\n", "password\n", "ada@example.com\n"])
def test_a_password_that_is_no_good_changes_nothing(
    ada: str, xrm: Xrm, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    enter(monkeypatch, text)
    xrm("user", "password", "ada@example.com", "--stdin").failed("PASSWORD_REFUSED")
    assert rows("SELECT * FROM xrm_password") == []


def test_nobody_is_asked_for_the_password_of_nobody(ada: str, xrm: Xrm) -> None:
    xrm("user", "password", "bob@example.com", "--stdin").failed("NOT_FOUND")
