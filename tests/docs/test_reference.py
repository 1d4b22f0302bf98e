"""Nothing that users can name is missing in the docs, and no link leads nowhere."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import DOCS, REPOSITORY, pages
from xrm_core import api, hookspecs
from xrm_core.cli.main import command_line
from xrm_core.metadata.predicate import Op
from xrm_core.permissions.policy import Action, Effect
from xrm_core.settings import Settings
from xrm_core.storage.operations import RISKS

CLI = (DOCS / "cli.md").read_text("utf-8")
SETTINGS = dict(re.findall(r"^\| `(XRM_\w+)` \| (.*?) \|", (DOCS / "settings.md").read_text("utf-8"), re.MULTILINE))


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The commands below a group, each with its full name."""
    if not hasattr(command, "commands"):
        yield name, command
        return
    for each, inner in command.commands.items():
        yield from commands(inner, f"{name} {each}")


COMMANDS = dict(commands(command_line(), "xrm"))


def test_every_setting_is_in_the_table_with_its_default():
    defaults = {f"XRM_{name.upper()}": field.default for name, field in Settings.model_fields.items()}

    assert set(SETTINGS) == set(defaults)
    for name, shown in SETTINGS.items():
        default = defaults[name]
        if isinstance(default, bool):
            assert shown == f"`{str(default).lower()}`"
        elif isinstance(default, int | float):
            assert shown == f"`{default:g}`" or shown == f"`{default}`"
        elif isinstance(default, Path) or name == "XRM_HOST":
            assert shown == f"`{default}`"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_heading_and_its_options_are_named(name: str):
    heading = f"# `{name}`\n"
    assert heading in CLI
    section = re.split(r"^##", CLI.partition(heading)[2], maxsplit=1, flags=re.MULTILINE)[0]
    everywhere = {"--schemas", "--database", "--tenant", "--help"}
    options = {option for each in COMMANDS[name].params for option in each.opts if option.startswith("--")}

    missing = {option for option in options - everywhere if option not in section}

    assert not missing
    without = (
        {"--help", "--tenant"} if name.split()[1] in ("serve", "tenant", "backup", "restore", "doctor") else {"--help"}
    )
    assert everywhere - without <= options


def test_no_command_is_described_that_does_not_exist():
    assert len(COMMANDS) > 5
    described = {*re.findall(r"^##+ `(xrm [a-z ]+)`$", CLI, re.MULTILINE)}
    assert described == set(COMMANDS)


def test_every_hook_and_every_name_of_the_api_is_documented():
    page = (DOCS / "plugin_hooks.md").read_text("utf-8")
    hooks = [name for name, value in vars(hookspecs).items() if hasattr(value, f"{hookspecs.PROJECT}_spec")]

    assert len(hooks) >= 4
    assert [name for name in hooks if f"## `{name}(" not in page] == []
    assert [name for name in api.__all__ if f"`{name}`" not in page] == []


def test_every_word_of_filters_policies_and_plans_is_documented():
    graphql = (DOCS / "graphql.md").read_text("utf-8")
    permissions = (DOCS / "permissions.md").read_text("utf-8")

    assert [op for op in Op if f"`{op}`" not in graphql] == []
    assert [word for word in (*Action, *Effect) if f"`{word}`" not in permissions] == []
    assert [risk for risk in RISKS if f"*{risk}*" not in CLI] == []


def test_every_page_is_in_an_index():
    index = (DOCS / "index.md").read_text("utf-8")
    for page in DOCS.glob("*.md"):
        assert page.name == "index.md" or f"({page.name})" in index, page.name
    for folder in ("adr", "errors"):
        listed = (DOCS / folder / "index.md").read_text("utf-8")
        for page in (DOCS / folder).glob("*.md"):
            assert page.name == "index.md" or f"({page.name})" in listed, page.name


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_somewhere(page: Path):
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def anchors(page: Path) -> set[str]:
    """The anchors that the headings of a page get."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
