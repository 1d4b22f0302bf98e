"""``xrm <plugin> <command>``."""

from pathlib import Path

import pytest
import typer

from tests.cli.conftest import CLOSED_POSTGRES, Xrm
from tests.plugins.conftest import MakeDistribution, make_distribution
from xrm_core.cli.main import app
from xrm_core.contributions.command import OF_THE_PLATFORM

__all__ = ["make_distribution"]

PLUGIN = """
from dataclasses import dataclass
from typing import Annotated

import typer
from xrm_core.api import Command, CommandContext, FilesContext, KeywordMistake, Refuse, hookimpl

@dataclass
class Settings:
    most: int = 3

@hookimpl
def register_settings():
    return Settings

def add(context: CommandContext, title: str, copies: Annotated[int, typer.Option(help="How many.")] = 1) -> None:
    if copies > context.settings.most:
        raise Refuse(f"No more than {context.settings.most}.")
    with context.transaction() as connection:
        for number in range(copies):
            context.records.create(connection, context.caller, "book", {"title": f"{title} {number}"})
    with context.read() as connection:
        found = context.query_as_system(connection, "{ booksAggregate { count } }")["booksAggregate"]
        assert len(context.within(connection).find("book", {})) == found[0]["count"]
    typer.echo(f"{found[0]['count']} books{context.tenant}")

def broken(context):
    with context.transaction() as connection:
        context.records.create(connection, context.caller, "book", {"title": "lost"})
        raise ZeroDivisionError("secret detail")

def leave(context):
    raise typer.Exit(7)

def look(context: FilesContext, entity: str) -> None:
    at = context.located(KeywordMistake(entity, "It is short.", "Say more.", "title"))
    typer.echo(f"{context.name}: {context.settings.most}; {at.file.rpartition('/')[2]} {at.pointer} {at.reason}")

@hookimpl
def register_commands():
    return [
        Command("add", add, "Add books."), Command("broken", broken, "Fail."), Command("leave", leave, "Leave with 7."),
        Command("look", look, "Look at files.", files_only=True),
    ]
"""


@pytest.fixture
def shelf(applied: Path, make_distribution: MakeDistribution) -> Path:
    make_distribution(PLUGIN, plugin="shelf")
    return applied


def test_a_command_of_a_plugin_works_on_records(shelf: Path, xrm: Xrm) -> None:
    assert xrm("shelf", "add", "Faust", "--copies", "2").out == "2 books\n"
    xrm("shelf", "add", "Faust", "--copies", "4").failed("REFUSED_BY_PLUGIN")
    broken = xrm("shelf", "broken")
    broken.failed("INTERNAL_ERROR")
    assert "secret" not in broken.err
    assert "Traceback" not in broken.err
    assert xrm("shelf", "add", "Werther").out == "3 books\n"  # what had failed has left nothing
    assert xrm("shelf", "leave").code == 7
    xrm("shelf", "add", "Faust", "--tenant", "nobody").failed("NOT_FOUND")


def test_one_that_is_for_files_alone_needs_no_database(
    pack: Path, xrm: Xrm, make_distribution: MakeDistribution, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_distribution(PLUGIN, plugin="shelf")
    monkeypatch.setenv("XRM_DATABASE_URL", CLOSED_POSTGRES)

    assert xrm("shelf", "look", "book", "--schemas", pack).out == (
        "shelf look: 3; book.json /properties/title It is short.\n"
    )
    shown = xrm("shelf", "look", "--help").out
    assert "--schemas" in shown
    assert "--database" not in shown
    assert "--tenant" not in shown
    (pack / "book.json").write_text("{")
    xrm("shelf", "look", "book").failed("SCHEMA_FILES_INVALID")


def test_they_explain_themselves(shelf: Path, xrm: Xrm) -> None:
    listed = xrm("shelf", "--help").out
    assert "Add books." in listed
    shown = xrm("shelf", "add", "--help").out
    assert all(option in shown for option in ("--copies", "How many.", "--database", "--tenant"))
    assert "xrm shelf add: Add books." in xrm("plugins", "list").out
    assert xrm("shelf", "nothing").code == 2
    assert xrm("shelve", "add").code == 2


def test_the_words_of_the_platform_are_known() -> None:
    assert set(typer.main.get_command(app).commands) == OF_THE_PLATFORM  # type: ignore[attr-defined]
