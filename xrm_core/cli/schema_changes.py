"""``xrm schema status`` and ``xrm schema abort``: the change of the model that is under way."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from xrm_core.cli.options import AsJson, DatabaseUrl, Schemas

if TYPE_CHECKING:
    from xrm_core.storage.under_way import Change

UNDER_WAY = 2
"""Exit code of ``xrm schema status`` if a change has begun and has not ended."""


def status(as_json: AsJson = False, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Show the change of the model that is under way. Exit code 0: there is none, 2: there is one."""
    from xrm_core.cli.workplace import opened
    from xrm_core.storage.exclusive import somebody_has_the_turn
    from xrm_core.storage.under_way import change_under_way

    with opened(schemas, database) as workplace, workplace.database.read() as connection:
        change = change_under_way(connection)
        worked_on = somebody_has_the_turn(connection)
    if as_json:
        typer.echo(json.dumps(None if change is None else {**asdict(change), "worked_on": worked_on}))
    else:
        typer.echo("No change is under way." if change is None else "\n".join(_lines(change, worked_on)))
    if change is not None:
        raise typer.Exit(UNDER_WAY)


def abort(schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Give up the change that is under way: take away what was made ahead. The model and the data stay."""
    from xrm_core.cli.workplace import opened
    from xrm_core.storage.apply import abort as give_up

    with opened(schemas, database) as workplace:
        given_up = give_up(workplace.database)
    typer.echo("The change is off." if given_up else "No change is under way.")


def _lines(change: "Change", worked_on: bool) -> list[str]:
    lines = [f"A change of the model is under way since {change.started_at}:"]
    lines += [f"  {operation['text']}" for operation in change.operations["operations"]]
    lines.append(f"Last step, at {change.noted_at}: {change.step}")
    if worked_on:
        return [*lines, "A process is at work on it."]
    same = "The same «xrm schema undo» or «redo»" if change.step_back else "«xrm schema apply» with the same files"
    go_on = f"No process is at work on it. {same} goes on"
    return [*lines, f"{go_on}." if change.phase == "finish" else f"{go_on}; «xrm schema abort» gives it up."]
