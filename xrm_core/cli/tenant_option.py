"""``--tenant NAME``, which every command that works on one database takes: it works on the tenant's instead."""

from collections.abc import Iterator
from contextvars import ContextVar
from typing import Annotated, Any

import typer
import typer.main
from typer.core import TyperGroup

_DATABASE = "--database"
_WITHOUT = frozenset({"serve", "tenant", "backup", "restore", "doctor"})
"""A server answers for all tenants, a backup has all; the commands about tenants name theirs."""

_chosen: ContextVar[str] = ContextVar("tenant", default="")


def chosen_tenant() -> str:
    """The tenant of the command under way; empty: the main database."""
    return _chosen.get()


def add_tenant_option(group: Any) -> Any:
    """Give the commands below a group the option; returns the group."""
    template = typer.Typer(add_completion=False)
    template.command()(_template)
    [option] = (each for each in typer.main.get_command(template).params if "--tenant" in each.opts)
    for command in _commands(group):
        if any(_DATABASE in parameter.opts for parameter in command.params):
            command.params.append(option)
    return group


def forget_tenant() -> None:
    """No tenant is chosen any more."""
    _chosen.set("")


def _choose(value: str | None) -> None:
    _chosen.set(value or "")


def _template(
    _tenant: Annotated[
        str | None,
        typer.Option(
            "--tenant",
            metavar="NAME",
            help="Work on this tenant instead of the main database.",
            show_default=False,
            expose_value=False,
            callback=_choose,
        ),
    ] = None,
) -> None:
    """Brings the option into being: typer makes options of functions only."""


def _commands(group: Any) -> Iterator[Any]:
    for name, command in group.commands.items():
        if name in _WITHOUT:
            continue
        if isinstance(command, TyperGroup):
            yield from _commands(command)
        else:
            yield command
