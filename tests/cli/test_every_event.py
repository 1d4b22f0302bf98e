"""Every command that changes accounts, tokens, rights, keys or logs keeps an event; those that only look keep none."""

import io
import json
from pathlib import Path
from typing import Any

import pyotp
import pytest

from tests.cli.conftest import Xrm
from tests.cli.test_main import COMMANDS
from xrm_core.auth import totp
from xrm_core.auth.secret_box import SecretBox
from xrm_core.storage.engines import Database

EMAIL = "ada@example.com"
GROUPS = ("user ", "token ", "permissions ", "secrets ", "log ")
LOOK = {"user list", "user sessions", "token list", "log events", "log reads"}
LOOK |= {"log changes", "log verify", "log readers", "log dead"}
LOOK |= {f"permissions {word}" for word in ("explain", "matrix", "test", "plan", "history", "pull", "roles")}
TOLD_ELSEWHERE = {"log clear", "secrets rotate", "user passkeys"}
"""They remove or encrypt something only if it is there: tests of their own show their events."""

OF_WORKERS = {"log seal", "log retry", "log forget"}
"""They do what workers do, or let them do it; what is logged stays as it is."""

STEPS: list[tuple[str, str, list[str]]] = [
    ("user create", "--email ada@example.com --role clerk", ["user_created"]),
    ("user roles", f"{EMAIL} --role reader", ["roles_changed"]),
    ("user invite", EMAIL, ["user_invited"]),
    ("user reset", EMAIL, ["password_reset_asked"]),
    ("user password", f"{EMAIL} --stdin", ["password_changed"]),
    ("user link", f"{EMAIL} --issuer https://login.example.com --subject 7", ["identity_linked"]),
    ("user unlink", EMAIL, ["identity_unlinked"]),
    ("user logout", EMAIL, ["sign_out"]),
    ("user totp", f"{EMAIL} --remove", ["totp_disabled"]),
    ("token create", EMAIL, ["token_created"]),
    ("token revoke", "TOKEN", ["token_revoked"]),
    ("permissions apply", "", ["permissions_changed"]),
    ("permissions undo", "", ["permissions_changed"]),
]


def events_of(xrm: Xrm) -> list[dict[str, Any]]:
    """What was kept, the newest first."""
    return [json.loads(line) for line in xrm("log", "events", "--format", "json").out.splitlines()]


def enrol(user: str) -> None:
    """Give a user a second factor, as GraphQL does."""
    database = Database("sqlite:///xrm-data/xrm.db")
    with database.begin() as connection:
        secret, _ = totp.enrol(connection, SecretBox("a key of the tests 0123456789 abcdef"), user, EMAIL)
        assert totp.confirm(
            connection, SecretBox("a key of the tests 0123456789 abcdef"), user, pyotp.TOTP(secret).now()
        )
    database.close()


def test_every_command_that_changes_something_is_an_event(
    applied: Path, xrm: Xrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {words for words in COMMANDS if words.startswith(GROUPS)}
    assert known == {words for words, _, _ in STEPS} | LOOK | TOLD_ELSEWHERE | OF_WORKERS

    def events() -> list[str]:
        return [each["event"] for each in events_of(xrm)]

    monkeypatch.setenv("XRM_PASSWORD_MEMORY", "8")
    monkeypatch.setenv("XRM_PASSWORD_PASSES", "1")

    assert events() == ["permissions_changed"]  # the first of the database, with the schema
    for words, more, expected in STEPS:
        before = len(events())
        if words == "user totp":
            enrol(events_of(xrm)[-2]["subject"])
        if words == "permissions apply":
            with (applied / "permissions" / "policies.csv").open("a") as file:
                file.write("reader,book,update,title,,allow\n")
        monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
        token = xrm("token", "list").out.split()[:1]
        done = xrm(*words.split(), *(token[0] if word == "TOKEN" else word for word in more.split()))
        assert done.code == 0, (words, done)
        found = events()
        assert found[: len(found) - before] == expected, words
    before = len(events())
    for words in sorted(LOOK - {"permissions explain", "permissions test", "permissions pull"}):
        assert xrm(*words.split(), *([EMAIL] if words == "user sessions" else [])).err == ""
    assert len(events()) == before


def test_policies_that_come_with_a_schema_are_an_event(applied: Path, xrm: Xrm) -> None:
    with (applied / "permissions" / "policies.csv").open("a") as file:
        file.write("reader,book,update,title,,allow\n")
    assert xrm("schema", "apply", "--permissions").code == 0
    assert [(each["event"], each["subject"], each["details"]) for each in events_of(xrm)] == [
        ("permissions_changed", "2", {"note": "with a schema change"}),
        ("permissions_changed", "1", {"note": "the first of this database"}),
    ]
