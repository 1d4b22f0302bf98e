"""``xrm permissions matrix``: roles × entities × actions."""

import csv
from pathlib import Path

import pytest

from tests.cli.conftest import Xrm
from tests.cli.test_permission_explain import pack
from xrm_core.permissions.policy import OBJECTS

__all__ = ["pack"]


def cells(text: str) -> dict[tuple[str, str], list[str]]:
    return {(role, entity): rest for role, entity, *rest in csv.reader(text.splitlines())}


def test_it_says_rows_and_fields_in_short(xrm: Xrm, pack: Path) -> None:
    found = cells(xrm("permissions", "matrix", "--format", "csv").out)
    assert found["role", "entity"] == ["read", "create", "update", "delete", "share", "history", "purge"]
    assert found["base", "book"] == ["all, 4 of 13 fields", "-", "-", "-", "-", "-", "-"]
    assert found["keeper", "book"] == [
        "all but not locked, 12 of 13 fields, 8 on some of them",
        "-",
        "mine, 3 of 6 fields",
        "-",
        "-",
        "-",
        "-",
    ]
    assert found["keeper", "book_fan"] == ["as book.fans", "-", "-", "-", "-", "-", "-"]
    assert found["keeper", "user"] == ["all", "-", "-", "-", "-", "-", "-"]
    assert found["loner", "book"] == ["others, 2 of 13 fields", "-", "-", "-", "-", "-", "-"]
    assert found["loner", "xrm_schema"] == ["-", "-", "-", "-", "-", "-", "-"]


@pytest.mark.parametrize("form", ["table", "csv", "html"])
def test_roles_and_entities_can_be_picked(xrm: Xrm, pack: Path, form: str) -> None:
    done = xrm("permissions", "matrix", "--role", "base", "--entity", "book", "--entity", "user", "--format", form)
    assert (done.code, done.err) == (0, "")
    assert done.out.count("base") == 2
    assert "keeper" not in done.out
    assert "fan" not in done.out


def test_the_page_is_html_and_names_cannot_break_it(xrm: Xrm, pack: Path) -> None:
    page = xrm("permissions", "matrix", "--format", "html").out
    assert page.startswith("<!doctype html>")
    assert "<td>all, 4 of 13 fields</td>" in page
    assert page.count("<tr>") == page.count("</tr>") == 1 + 3 * (3 + len(OBJECTS))


def test_unknown_names_are_refused(xrm: Xrm, pack: Path) -> None:
    xrm("permissions", "matrix", "--role", "wizard").failed("SETTINGS_INVALID")
    xrm("permissions", "matrix", "--entity", "cook").failed("NOT_FOUND")
