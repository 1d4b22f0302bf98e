"""``xrm scim``: an administrator says which roles groups give."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.cli.conftest import Xrm

GROUP = "01a217d2-ea7c-741d-b5a8-75492ab20ab8"


def run(sql: str) -> list[Any]:
    with closing(sqlite3.connect("xrm-data/xrm.db")) as connection, connection:
        return connection.execute(sql).fetchall()


def test_roles_of_a_group_are_those_of_its_members(xrm: Xrm, applied: Path) -> None:
    # given a user who is in a group
    ada = xrm("user", "create", "--email", "ada@example.com", "--role", "clerk").out.strip()
    run("DELETE FROM xrm_user_role")
    time = "2026-01-01T00:00:00.000000Z"
    run(f"INSERT INTO xrm_scim_group VALUES ('{GROUP}', 'Sales', 'sales', NULL, 1, '{time}', '{time}')")
    run(f"INSERT INTO xrm_scim_member VALUES ('{GROUP}', '{ada}')")
    # when it gives a role
    assert xrm("scim", "roles", "SALES", "--role", "clerk").out == "clerk\n"
    # then the user has it
    assert xrm("user", "roles", "ada@example.com").out == "clerk\n"
    assert xrm("scim", "roles", "sales").out == "clerk\n"
    events = run("SELECT event, subject FROM xrm_auth_event ORDER BY id DESC LIMIT 2")
    assert events == [("roles_changed", ada), ("roles_changed", "SALES")]
    # when it is said of a group that is not there
    xrm("scim", "roles", "Board", "--role", "clerk")
    assert xrm("scim", "groups").out == "board  not there  clerk\nSales  1          clerk\n"
    # and when it gives none any more
    assert xrm("scim", "roles", "Sales", "--none").out == ""
    assert xrm("user", "roles", "ada@example.com").out == ""


def test_what_is_no_role_is_refused(xrm: Xrm, applied: Path) -> None:
    assert "There is no role boss" in xrm("scim", "roles", "Sales", "--role", "boss").failed("SETTINGS_INVALID")
    assert run("SELECT * FROM xrm_scim_role") == []
