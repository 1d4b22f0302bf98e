"""``xrm actions``."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Xrm
from tests.plugins.conftest import MakeDistribution, make_distribution

__all__ = ["make_distribution"]

PLUGIN = """
from dataclasses import dataclass
from xrm_core.api import Action, Refuse, hookimpl

@dataclass
class Given:
    title: str

@dataclass
class Found:
    id: str

def add(context, given):
    if not given.title.strip():
        raise Refuse("Give it a title.")
    return Found(context.records.create(context.connection, context.caller, "book", {"title": given.title}))

def burn(context, book):
    context.records.delete(context.connection, context.caller, "book", book["id"])

@hookimpl
def register_actions():
    return [
        Action("shelf.add", add, input=Given, answers=Found, description={"en": "Add a book.", "de": "Neues Buch."}),
        Action("shelf.burn", burn, "book"),
    ]
"""


@pytest.fixture
def shelf(applied: Path, make_distribution: MakeDistribution) -> Path:
    """A database with books, and the plugin."""
    make_distribution(PLUGIN, plugin="shelf")
    return applied


def test_actions_are_listed_and_run(shelf: Path, xrm: Xrm) -> None:
    listed = [json.loads(line) for line in xrm("actions", "list", "--json").out.splitlines()]
    assert listed == [
        {"name": "shelf.add", "entity": "", "mutation": "shelfAdd", "description": "Add a book."},
        {"name": "shelf.burn", "entity": "book", "mutation": "burnBook", "description": ""},
    ]
    assert "burnBook" in xrm("actions", "list").out

    tried = json.loads(xrm("actions", "run", "shelf.add", "--input", '{"title": "Faust"}', "--dry-run").out)
    xrm("actions", "run", "shelf.burn", tried["id"]).failed("NOT_FOUND")  # it was taken back
    made = json.loads(xrm("actions", "run", "shelf.add", "--input", '{"title": "Faust"}').out)
    xrm("actions", "run", "shelf.burn", made["id"], "--version", "7").failed("VERSION_CONFLICT")
    assert xrm("actions", "run", "shelf.burn", made["id"].upper()).code == 0
    xrm("actions", "run", "shelf.burn", made["id"]).failed("NOT_FOUND")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("shelf.add", "--input", "{"), "BAD_REQUEST", "not valid JSON"),
        (("shelf.add", "--input", "[]"), "BAD_REQUEST", "a JSON object"),
        (("shelf.add",), "BAD_REQUEST", "input.title is missing"),
        (("shelf.add", "--input", '{"title": 5}'), "BAD_REQUEST", "input.title has a value"),
        (("shelf.add", "--input", '{"title": "a", "year": 5}'), "BAD_REQUEST", "input has no field year"),
        (("shelf.add", "--input", '{"title": " "}'), "REFUSED_BY_PLUGIN", "Give it a title"),
        (("shelf.add", "x"), "BAD_REQUEST", "takes no record"),
        (("shelf.burn",), "BAD_REQUEST", "takes the id of a book"),
        (("shelf.lose",), "NOT_FOUND", "shelf.add, shelf.burn"),
    ],
)
def test_what_is_wrong_is_said(shelf: Path, xrm: Xrm, words: tuple[str, ...], code: str, said: str) -> None:
    assert said in xrm("actions", "run", *words).failed(code)


def test_without_plugins_there_are_none(applied: Path, xrm: Xrm) -> None:
    assert xrm("actions", "list").out == "No plugin has any.\n"
