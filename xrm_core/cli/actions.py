"""``xrm actions``: what plugins can do, done by whoever runs the platform."""

import json
from contextlib import suppress
from typing import Annotated, Any

import typer

from xrm_core.cli.options import AsJson, DatabaseUrl, Schemas

app = typer.Typer(help="Actions of plugins.", no_args_is_help=True)


@app.command("list")
def list_actions(schemas: Schemas = None, database: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """List the actions, with the entity that each is about, and what it does."""
    from xrm_core.cli.account_lists import aligned
    from xrm_core.cli.workplace import opened

    with opened(schemas, database) as workplace:
        found = workplace.records.actions
        rows = [
            (each.name, each.entity or "", found.field(each, workplace.model), each.about) for each in found.values()
        ]
    if as_json:
        for row in rows:
            typer.echo(json.dumps(dict(zip(("name", "entity", "mutation", "description"), row, strict=True))))
        return
    if not rows:
        typer.echo("No plugin has any.")
    typer.echo("\n".join(aligned(rows)), nl=bool(rows))


@app.command()
def run(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the action: plugin.action.")],
    record: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="The record that it is about.", show_default=False)
    ] = None,
    given: Annotated[str, typer.Option("--input", metavar="JSON", help="What the action is given.")] = "{}",
    version: Annotated[int | None, typer.Option(help="That the record must have.", show_default=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do all of it, and take it back.")] = False,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Run an action as the platform itself, which may do everything; prints what it answers."""
    from xrm_core.cli.workplace import opened
    from xrm_core.permissions.caller import system
    from xrm_core.records.actions import perform
    from xrm_core.storage.counters import TAKEN_BACK

    value = _object(given)
    with opened(schemas, database) as workplace:
        workplace.check_applied()
        _check(workplace.records.actions, name, record)
        caller = system(workplace.model, "xrm actions run")
        answer: dict[str, Any] = {}
        with suppress(_Undone), workplace.database.begin() as connection:
            connection.execution_options(**{TAKEN_BACK: dry_run})
            answer = perform(
                workplace.records, connection, caller, name, id_=record and record.lower(), given=value, version=version
            )
            if dry_run:
                raise _Undone
    typer.echo(json.dumps(answer, ensure_ascii=False))


class _Undone(Exception):
    """Ends the transaction of a dry run."""


def _object(text: str) -> dict[str, Any]:
    from xrm_core.errors import BadRequest

    try:
        found = json.loads(text)
    except ValueError as error:
        raise BadRequest(f"--input is not valid JSON: {error}.") from None
    if not isinstance(found, dict):
        raise BadRequest("--input must be a JSON object.")
    return found


def _check(actions: Any, name: str, record: str | None) -> None:
    from xrm_core.errors import BadRequest, NotFound

    if name not in actions:
        known = ", ".join(actions) or "none"
        raise NotFound(f"There is no action {name}.", hint=f"There are: {known}.")
    if (actions[name].entity is None) != (record is None):
        wanted = "no record" if actions[name].entity is None else f"the id of a {actions[name].entity}"
        raise BadRequest(f"The action {name} takes {wanted}.", hint="See «xrm actions list».")
