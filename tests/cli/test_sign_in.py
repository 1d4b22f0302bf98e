"""``xrm user invite``, ``reset``, ``sessions``, ``logout`` and ``totp``."""

import datetime as dt
import email
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.cli.conftest import Xrm
from xrm_core.auth import totp
from xrm_core.auth.secret_box import SecretBox
from xrm_core.auth.sessions import Lifetimes, create_session
from xrm_core.auth.tokens import digest
from xrm_core.storage.engines import Database

EMAIL = "ada@example.com"


@pytest.fixture
def ada(xrm: Xrm, applied: Path) -> str:
    """Id of a user."""
    return xrm("user", "create", "--email", EMAIL, "--role", "clerk").out.strip()


def rows(sql: str) -> list[Any]:
    with closing(sqlite3.connect("xrm-data/xrm.db")) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize(
    ("words", "purpose", "valid", "event"),
    [
        (["invite"], "invitation", dt.timedelta(days=7), "user_invited"),
        (["invite", "--days", "2"], "invitation", dt.timedelta(days=2), "user_invited"),
        (["reset"], "password_reset", dt.timedelta(hours=24), "password_reset_asked"),
        (["reset", "--hours", "1"], "password_reset", dt.timedelta(hours=1), "password_reset_asked"),
    ],
)
def test_a_link_is_printed_once_and_kept_as_a_digest(
    ada: str, xrm: Xrm, words: list[str], purpose: str, valid: dt.timedelta, event: str
) -> None:
    done = xrm("user", words[0], EMAIL, *words[1:])
    token = done.out.strip()
    [(kept, user, kept_purpose, made, until)] = rows("SELECT * FROM xrm_one_time_token")
    assert (kept, user, kept_purpose) == (digest(token), ada, purpose)
    assert dt.datetime.fromisoformat(until) - dt.datetime.fromisoformat(made) == valid
    assert rows("SELECT event FROM xrm_auth_event ORDER BY id DESC LIMIT 1") == [(event,)]
    assert token not in str(rows("SELECT details FROM xrm_auth_event"))


def test_sessions_are_listed_and_end(ada: str, xrm: Xrm) -> None:
    hour = dt.timedelta(hours=1)
    with closing(Database("sqlite:///xrm-data/xrm.db")) as database, database.begin() as connection:
        for device in ("Firefox on Linux", "curl"):
            create_session(connection, ada, Lifetimes(hour, hour), cookie=False, device=device, address="192.0.2.1")
    listed = xrm("user", "sessions", EMAIL).out
    assert [line.split("  ")[0] for line in listed.splitlines()] == ["curl", "Firefox on Linux"]
    assert "192.0.2.1" in listed
    assert xrm("user", "logout", EMAIL).out == f"{EMAIL} is signed out everywhere (2 sessions).\n"
    assert rows("SELECT id FROM xrm_session") == []
    assert xrm("user", "sessions", EMAIL).out == ""


def test_a_second_factor_is_shown_and_taken_away(ada: str, xrm: Xrm) -> None:
    assert xrm("user", "totp", EMAIL).out == "off\n"
    xrm("user", "totp", EMAIL, "--remove").failed("NOT_FOUND")
    box = SecretBox("a key of the tests 0123456789 abcdef")
    with closing(Database("sqlite:///xrm-data/xrm.db")) as database, database.begin() as connection:
        secret, _ = totp.enrol(connection, box, ada, EMAIL)
        assert totp.confirm(connection, box, ada, totp.pyotp.TOTP(secret).now()) is not None
    assert xrm("user", "totp", EMAIL).out == "on, 10 recovery codes left\n"
    assert xrm("user", "totp", EMAIL, "--remove").code == 0
    assert xrm("user", "totp", EMAIL).out == "off\n"
    assert rows("SELECT * FROM xrm_recovery_code") == []
    assert rows("SELECT event FROM xrm_auth_event ORDER BY id DESC LIMIT 1") == [("totp_disabled",)]


def test_a_secret_key_that_can_be_guessed_is_refused_and_never_shown(
    ada: str, xrm: Xrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("hunter2", "x" * 40):
        monkeypatch.setenv("XRM_SECRET_KEY", key)
        said = xrm("user", "list").failed("SETTINGS_INVALID")
        assert "XRM_SECRET_KEY" in said
        assert key not in said


def test_accounts_of_providers_are_linked_and_unlinked(ada: str, xrm: Xrm) -> None:
    issuer = "https://login.example"
    linked = xrm("user", "link", EMAIL, "--issuer", issuer, "--subject", "42").out
    assert linked == f"{issuer}  42\n"
    assert xrm("user", "link", EMAIL).out == linked
    # an account signs in as one user only
    xrm("user", "create", "--email", "bob@example.com", "--role", "clerk")
    xrm("user", "link", "bob@example.com", "--issuer", issuer, "--subject", "42")
    assert xrm("user", "link", EMAIL).out == ""
    assert xrm("user", "unlink", EMAIL).out.startswith("0 account(s)")
    assert xrm("user", "unlink", "bob@example.com").out.startswith("1 account(s)")
    assert rows("SELECT count(*) FROM xrm_identity") == [(0,)]
    events = [event for (event,) in rows("SELECT event FROM xrm_auth_event WHERE event LIKE 'identity%' ORDER BY id")]
    assert events == ["identity_linked", "identity_linked", "identity_unlinked"]
    assert xrm("user", "link", EMAIL, "--issuer", issuer).code == 2


class Post:
    """A mail server that keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[str] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.got.append(envelope.content.decode())
        return "250 OK"


@pytest.mark.parametrize(("word", "purpose"), [("invite", "invitation"), ("reset", "password_reset")])
def test_links_are_sent_by_mail(word: str, purpose: str, ada: str, xrm: Xrm, monkeypatch: pytest.MonkeyPatch) -> None:
    xrm("user", word, EMAIL, "--mail").failed("SETTINGS_INVALID")
    assert rows("SELECT * FROM xrm_one_time_token") == []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    values = {"HOST": "127.0.0.1", "PORT": str(port), "TLS": "none", "FROM": "crm@example.com", "PASSWORD": "s3cret"}
    for name, value in values.items():
        monkeypatch.setenv(f"XRM_MAIL_{name}", value)
    monkeypatch.setenv("XRM_PASSWORD_URL", "https://crm.example.com/p")
    said = xrm("user", word, EMAIL, "--mail").failed("MAIL_NOT_SENT")  # nobody listens there yet
    assert "s3cret" not in said
    assert "xrmo_" not in said
    post = Post()
    controller = Controller(post, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        done = xrm("user", word, EMAIL, "--mail")
    finally:
        controller.stop()
    assert (done.out, done.err) == (f"A link was sent to {EMAIL}.\n", "")
    [message] = map(email.message_from_string, post.got)
    plain = message.get_payload(0).get_payload(decode=True).decode()
    [(kept, what)] = rows("SELECT token_hash, purpose FROM xrm_one_time_token")
    assert what == purpose
    assert digest(plain.partition("https://crm.example.com/p#")[2].split()[0]) == kept
