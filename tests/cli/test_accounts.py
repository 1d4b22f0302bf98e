"""``xrm user`` and ``xrm token``."""

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table

from tests.cli.conftest import BOOK, CLOSED_POSTGRES, Outcome, Xrm, write_pack
from xrm_core.auth import tokens
from xrm_core.auth.token_lists import tokens_of
from xrm_core.auth.tokens import Bearer
from xrm_core.metadata.loader import load
from xrm_core.metadata.packs import pack_layers
from xrm_core.storage.engines import Database
from xrm_core.storage.tables import Tables


@pytest.fixture
def database(applied: Path) -> Iterator[Database]:
    opened = Database("sqlite:///xrm-data/xrm.db")
    yield opened
    opened.close()


@pytest.fixture
def people(applied: Path) -> Table:
    """The table of the users."""
    return Tables(load(pack_layers(applied)))["user"]


@pytest.fixture
def ada(xrm: Xrm, applied: Path) -> str:
    """Id of a user with two roles."""
    words = ["--email", "ada@example.com", "--last-name", "Lovelace", "--role", "clerk", "--role", "reader"]
    return xrm("user", "create", *words).out.strip()


def rows(sql: str) -> list[Any]:
    with closing(sqlite3.connect("xrm-data/xrm.db")) as connection:
        return connection.execute(sql).fetchall()


def test_a_user_is_created_with_roles(ada: str):
    assert rows("SELECT id, email, last_name, version FROM user") == [(ada, "ada@example.com", "Lovelace", 1)]
    assert rows("SELECT * FROM xrm_user_role ORDER BY role") == [(ada, "clerk"), (ada, "reader")]


def test_other_fields_are_set_by_name(applied: Path, xrm: Xrm):
    assert xrm("user", "create", "--email", "a@example.com", "--role", "clerk", "--set", "age=36").code == 0

    assert rows("SELECT age FROM user") == [(36,)]


def create(xrm: Xrm, *words: str) -> Outcome:
    return xrm("user", "create", "--email", "b@example.com", *words)


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["--role", "king"], "SETTINGS_INVALID", "clerk, reader"),
        (["--role", "clerk", "--first-name", "Bo"], "SETTINGS_INVALID", "'first_name'"),
        (["--role", "clerk", "--set", "age=old"], "SETTINGS_INVALID", "age"),
        (["--role", "clerk", "--set", "age"], "SETTINGS_INVALID", "--set field=value"),
        (["--role", "clerk", "--last-name", "x" * 101], "VALIDATION_FAILED", "last_name"),
    ],
)
def test_a_user_that_cannot_be(words: list[str], code: str, part: str, applied: Path, xrm: Xrm):
    assert part in create(xrm, *words).failed(code)
    assert rows("SELECT count(*) FROM user") == [(0,)]


def test_an_email_address_is_taken_once(ada: str, xrm: Xrm):
    xrm("user", "create", "--email", "ada@example.com", "--role", "clerk").failed("VALIDATION_FAILED")
    assert len(rows("SELECT id FROM user")) == 1


def test_a_role_is_needed(applied: Path, xrm: Xrm):
    assert create(xrm).code == 2


def test_a_token_lets_the_user_in_until_it_is_revoked(ada: str, xrm: Xrm, database: Database, people: Table):
    # when a token is made
    token = xrm("token", "create", "ada@example.com", "--label", "portal").out.strip()

    # then it is that user's, and the list shows all but the token
    with database.read() as connection:
        assert tokens.find(connection, token, people) == Bearer(ada, None, frozenset({"clerk", "reader"}))
    listed = xrm("token", "list", "ada@example.com").out
    assert "portal" in listed
    assert "revoked" not in listed
    assert token not in listed

    # when it is revoked
    token_id = listed.split()[0]
    assert xrm("token", "revoke", token_id).code == 0

    # then it opens nothing any more
    with database.read() as connection:
        assert tokens.find(connection, token, people) is None
    assert "revoked" in xrm("token", "list", "ada@example.com").out
    xrm("token", "revoke", token_id).failed("NOT_FOUND")


def test_a_token_expires(ada: str, xrm: Xrm, database: Database):
    xrm("token", "create", "ada@example.com", "--days", "30")

    with database.read() as connection:
        [token] = tokens_of(connection, ada)
    left = dt.datetime.fromisoformat(str(token.expires_at)) - dt.datetime.now(dt.UTC)
    assert dt.timedelta(days=29, hours=23) < left <= dt.timedelta(days=30)


@pytest.mark.parametrize("words", [["create", "eve@example.com"], ["list", "eve@example.com"], ["revoke", "1"]])
def test_nobody_and_nothing(words: list[str], applied: Path, xrm: Xrm):
    xrm("token", *words).failed("NOT_FOUND")


@pytest.mark.parametrize(("words", "days"), [([], 90), (["--days", "0"], None)])
def test_a_token_ends_after_90_days_unless_it_shall_not(
    words: list[str], days: int | None, ada: str, xrm: Xrm, database: Database
):
    xrm("token", "create", "ada@example.com", *words)

    with database.read() as connection:
        [token] = tokens_of(connection, ada)
    if days is None:
        assert token.expires_at is None
    else:
        left = dt.datetime.fromisoformat(str(token.expires_at)) - dt.datetime.now(dt.UTC)
        assert dt.timedelta(days=days - 1, hours=23) < left <= dt.timedelta(days=days)


@pytest.mark.parametrize("days", ["-1", "36501", "soon"])
def test_days_must_be_some(days: str, ada: str, xrm: Xrm):
    assert xrm("token", "create", "ada@example.com", "--days", days).code == 2


def test_all_tokens_are_listed_with_their_users_also_those_who_are_gone(ada: str, xrm: Xrm, database: Database):
    # given a user with a token, and a token whose user was deleted
    bob = create(xrm, "--role", "reader").out.strip()
    for email in ("ada@example.com", "b@example.com"):
        assert xrm("token", "create", email, "--label", f"of {email}").code == 0
    with database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM user WHERE email = 'b@example.com'")

    # when
    found = xrm("token", "list")

    # then both are there, and the second can be revoked
    first, second = found.out.splitlines()
    assert (ada in first, "of ada@example.com" in first) == (True, True)
    assert (bob in second, "of b@example.com" in second) == (True, True)
    assert xrm("token", "list", "ada@example.com").out.splitlines() == [first]
    assert xrm("token", "revoke", second.split()[0]).code == 0
    assert "revoked" in xrm("token", "list").out.splitlines()[1]


def test_users_are_listed_with_name_and_roles(ada: str, xrm: Xrm):
    assert create(xrm, "--role", "clerk", "--last-name", "\x1b[2JByron").code == 0

    found = xrm("user", "list")

    assert found.out.splitlines() == [
        "ada@example.com  Lovelace   clerk, reader",
        "b@example.com    \ufffd[2JByron  clerk",
    ]


def test_roles_of_a_user_are_shown_and_set(ada: str, xrm: Xrm, database: Database, people: Table):
    token = xrm("token", "create", "ada@example.com").out.strip()
    create(xrm, "--role", "clerk")
    assert xrm("user", "roles", "ada@example.com").out.split() == ["clerk", "reader"]

    # when she gets one role
    found = xrm("user", "roles", "ada@example.com", "--role", "reader")

    # then she has this one only, with the same token, and nobody else's roles have changed
    assert (found.code, found.out.split()) == (0, ["reader"])
    with database.read() as connection:
        assert tokens.find(connection, token, people) == Bearer(ada, None, frozenset({"reader"}))
    assert xrm("user", "roles", "b@example.com").out.split() == ["clerk"]


def test_roles_that_cannot_be_set(ada: str, xrm: Xrm):
    said = xrm("user", "roles", "ada@example.com", "--role", "reader", "--role", "king").failed("SETTINGS_INVALID")
    assert "clerk, reader" in said
    xrm("user", "roles", "eve@example.com", "--role", "reader").failed("NOT_FOUND")

    assert xrm("user", "roles", "ada@example.com").out.split() == ["clerk", "reader"]


def test_a_pack_without_users(tmp_path: Path, xrm: Xrm):
    write_pack(tmp_path / "schemas", book=BOOK)
    assert xrm("schema", "apply").code == 0

    create(xrm, "--role", "clerk").failed("SETTINGS_INVALID")
    xrm("token", "create", "ada@example.com").failed("SETTINGS_INVALID")
    xrm("user", "list").failed("SETTINGS_INVALID")
    assert xrm("token", "list").out == ""


def test_before_apply_and_without_a_database(pack: Path, xrm: Xrm):
    xrm("token", "create", "ada@example.com").failed("MODEL_OUT_OF_DATE")
    create(xrm, "--role", "clerk").failed("MODEL_OUT_OF_DATE")
    create(xrm, "--role", "clerk", "--database", CLOSED_POSTGRES).failed("DATABASE_UNAVAILABLE")


def test_tokens_are_held_to_roles_entities_and_networks(ada: str, xrm: Xrm, database: Database, people: Table):
    words = ["--role", "reader", "--only", "book:read,update", "--network", "10.0.0.0/8", "--network", "::1"]
    token = xrm("token", "create", "ada@example.com", *words).out.strip()

    with database.read() as connection:
        found = tokens.find(connection, token, people)
    assert found is not None
    assert found.scope.roles == {"reader"}
    assert {action.value for entity, action in found.scope.grants or () if entity == "book"} == {"read", "update"}
    assert found.networks is not None
    listed = xrm("token", "list").out
    for part in ("roles reader", "only book:read,update", "from 10.0.0.0/8 ::1/128", "used never"):
        assert part in listed
    assert token not in listed


def test_a_token_of_a_service(ada: str, xrm: Xrm, database: Database, people: Table):
    token = xrm("token", "create", "--service", "ERP", "--role", "clerk").out.strip()

    with database.read() as connection:
        assert tokens.find(connection, token, people) == Bearer(
            None, None, frozenset({"clerk"}), tokens.TokenScope(personal=False)
        )
    assert xrm("token", "list").out.split()[1:3] == ["service", "ERP"]
    assert xrm("token", "list", "ada@example.com").out == ""
    assert xrm("token", "revoke", xrm("token", "list").out.split()[0]).code == 0
    with database.read() as connection:
        assert tokens.find(connection, token, people) is None


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ([], "--service"),
        (["ada@example.com", "--service", "ERP", "--role", "clerk"], "--service"),
        (["--service", "ERP"], "--role"),
        (["--service", "ERP", "--role", "king"], "clerk, reader"),
        (["bo@example.com", "--role", "clerk"], "does not have the role clerk"),
        (["ada@example.com", "--only", "plane:read"], "no entity 'plane'"),
        (["ada@example.com", "--only", "book:fly"], "no action 'fly'"),
        (["ada@example.com", "--network", "10.0.0.1/8"], "no network"),
    ],
)
def test_tokens_that_cannot_be(words: list[str], part: str, ada: str, xrm: Xrm):
    assert xrm("user", "create", "--email", "bo@example.com", "--role", "reader").code == 0

    assert part in xrm("token", "create", *words).failed("SETTINGS_INVALID")

    assert xrm("token", "list").out == ""
