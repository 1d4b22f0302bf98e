"""``xrm log``."""

import csv
import datetime as dt
import json
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import update

from tests.cli.conftest import Xrm
from xrm_core.auth.events import Event, record
from xrm_core.storage.engines import Database
from xrm_core.storage.system import AUTH_EVENT


@pytest.fixture
def ada(xrm: Xrm, applied: Path) -> str:
    """Id of a user with a role, who got another and then a token, which was revoked."""
    words = ["--email", "ada@example.com", "--last-name", "Lovelace", "--role", "clerk"]
    user = xrm("user", "create", *words).out.strip()
    xrm("user", "roles", "ada@example.com", "--role", "reader")
    xrm("token", "create", "ada@example.com", "--label", "=portal")
    xrm("token", "revoke", xrm("token", "list").out.split()[0])
    return user


def events(xrm: Xrm, *words: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in xrm("log", "events", "--format", "json", *words).out.splitlines()]


def test_commands_about_users_and_tokens_are_kept(ada: str, xrm: Xrm):
    found = events(xrm)

    assert [each["event"] for each in found] == [
        "token_revoked",
        "token_created",
        "roles_changed",
        "user_created",
        "permissions_changed",
    ]
    assert found[0]["subject"] == found[1]["subject"] == xrm("token", "list").out.split()[0]
    assert found[1]["details"] == {"label": "=portal", "user": ada}
    assert found[2]["details"] == {"before": ["clerk"], "after": ["reader"]}
    assert (found[3]["subject"], found[3]["details"]) == (ada, {"roles": ["clerk"]})


def test_roles_that_stay_the_same_are_no_event(ada: str, xrm: Xrm):
    xrm("user", "roles", "ada@example.com", "--role", "reader")

    assert len(events(xrm, "--event", "roles_changed")) == 1


def test_events_are_filtered(ada: str, xrm: Xrm):
    for user in (ada, "ada@example.com"):
        assert {each["event"] for each in events(xrm, "--user", user)} == {"roles_changed", "user_created"}
    assert len(events(xrm, "--since", "1h")) == 5
    assert events(xrm, "--since", "2999-01-01") == []
    assert [each["event"] for each in events(xrm, "--limit", "1")] == ["token_revoked"]


def test_as_a_table_and_for_spreadsheets(ada: str, xrm: Xrm):
    table = xrm("log", "events", "--event", "user_created").out.splitlines()
    assert table[0].split() == ["at", "event", "user_id", "subject", "address", "details"]
    assert ada in table[1]

    rows = list(csv.DictReader(xrm("log", "events", "--format", "csv").out.splitlines()))
    assert json.loads(rows[1]["details"]) == {"label": "=portal", "user": ada}
    assert xrm("log", "events", "--format", "csv", "--user", ada).out.count("\n") == 3


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_what_strangers_send_as_a_name_makes_no_line_and_plays_no_tricks(ada: str, xrm: Xrm, form: str):
    name = "x\x1b[2K\r\n2026-01-01,sign_in,admin\u2028\u202e\x07 \x9b31m"
    with closing(Database("sqlite:///xrm-data/xrm.db")) as database, database.begin() as connection:
        record(connection, Event.SIGN_IN_FAILED, subject=name)
    out = xrm("log", "events", "--event", "sign_in_failed", "--format", form).out
    assert len(out.splitlines()) == (1 if form == "json" else 2)
    assert all(character.isprintable() or character == "\n" for character in out)
    if form == "json":
        assert json.loads(out)["subject"] == name


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--event", "party"], "SETTINGS_INVALID"),
        (["--since", "yesterday"], "SETTINGS_INVALID"),
        (["--since", "99999999999d"], "SETTINGS_INVALID"),
        (["--user", "nobody@example.com"], "NOT_FOUND"),
    ],
)
def test_what_cannot_be_asked(words: list[str], code: str, applied: Path, xrm: Xrm):
    xrm("log", "events", *words).failed(code)


def test_reads_are_shown_by_record_and_user(ada: str, xrm: Xrm):
    from tests.graphql.kit import uid
    from xrm_core.permissions.access import Access
    from xrm_core.permissions.caller import User
    from xrm_core.query.reads import Read
    from xrm_core.records.read_log import write

    database = Database("sqlite:///xrm-data/xrm.db")
    with database.begin() as connection:
        reads = [(Read("book", ("title",)), (uid(1), uid(2))), (Read("user", (), shown=False), ())]
        write(connection, User(ada, Access("", {})), "192.0.2.1", reads)
    database.close()

    def found(*words: str) -> list[dict[str, object]]:
        return [json.loads(line) for line in xrm("log", "reads", "--format", "json", *words).out.splitlines()]

    [read] = found("--record", f"book:{uid(2)}")
    assert (read["user_id"], read["fields"], read["record_ids"]) == (ada, ["title"], [uid(1), uid(2)])
    assert found("--record", "book") == [read]
    assert found("--record", f"book:{uid(3)}") == found("--record", f"user:{uid(2)}") == []
    assert len(found("--user", "ada@example.com", "--since", "1h")) == 2
    assert f"{uid(1)} {uid(2)}" in xrm("log", "reads").out
    for wrong in ("plane", "plane:1", "book:1"):
        xrm("log", "reads", "--record", wrong).failed("SETTINGS_INVALID")


def test_old_lines_are_counted_and_then_removed(ada: str, xrm: Xrm):
    old = dt.datetime.now(dt.UTC) - dt.timedelta(days=40)
    base = Database("sqlite:///xrm-data/xrm.db")
    with base.begin() as connection:
        mine = AUTH_EVENT.c.event == "user_created"
        connection.execute(update(AUTH_EVENT).where(mine).values(at=old))
    base.close()

    words = ["--events", "--reads", "--before", "35d"]
    assert xrm("log", "clear", *words, "--dry-run").out.splitlines() == [
        f"events  {old.date().isoformat()}  1",
        "events: 1 lines would be removed.",
        "reads: 0 lines would be removed.",
    ]
    assert len(events(xrm)) == 5
    assert xrm("log", "clear", *words).out.splitlines() == ["events: 1 lines removed.", "reads: 0 lines removed."]
    [cleared, *others] = events(xrm)
    assert (cleared["event"], cleared["subject"], cleared["user_id"]) == ("log_cleared", "events", None)
    assert "user_created" not in {each["event"] for each in others}


@pytest.mark.parametrize("words", [["--before", "40d"], ["--events", "--before", "5d"], ["--reads", "--before", "x"]])
def test_what_cannot_be_cleared(words: list[str], applied: Path, xrm: Xrm):
    xrm("log", "clear", *words).failed("SETTINGS_INVALID")
