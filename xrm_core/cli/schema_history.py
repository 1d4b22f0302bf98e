"""``xrm schema undo``, ``redo``, ``history``, ``leftovers`` and ``contract``: changes that were applied."""

import datetime as dt
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xrm_core.cli.options import Accept, AsJson, DatabaseUrl, Schemas

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xrm_core.metadata.model import Model
    from xrm_core.settings import Settings
    from xrm_core.storage.contract import Contract
    from xrm_core.storage.history import History
    from xrm_core.storage.plan import Plan

PlanOnly = Annotated[bool, typer.Option("--plan", help="Only show what would be done. Exit code 2 if anything.")]
FormerPermissions = Annotated[
    bool,
    typer.Option("--permissions", help="If the policies in force do not fit, put the newest in force that do."),
]
CHANGES_PENDING = 2


def undo(
    plan: PlanOnly = False,
    accept: Accept = None,
    permissions: FormerPermissions = False,
    as_json: AsJson = False,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Go back to the model before the last change, with the data that it had. The entity files stay as they are."""
    _back(plan, accept, permissions, as_json, schemas, database, redo=False)


def redo(
    plan: PlanOnly = False,
    accept: Accept = None,
    permissions: FormerPermissions = False,
    as_json: AsJson = False,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Take back the last «xrm schema undo»."""
    _back(plan, accept, permissions, as_json, schemas, database, redo=True)


def history(as_json: AsJson = False, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """List the changes of the model: when, what, and whether they can be taken back."""
    from xrm_core.cli.workplace import opened_database
    from xrm_core.storage.history import history as read_history

    with opened_database(schemas, database) as opened, opened.read() as connection:
        found = read_history(connection)
    typer.echo(json.dumps(_history_json(found)) if as_json else "\n".join(_history_lines(found)))


def leftovers(as_json: AsJson = False, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """List the values that changes of types could not convert, with the ids of their records."""
    from xrm_core.cli.workplace import opened_database
    from xrm_core.storage.leftovers import leftovers as read_leftovers

    with opened_database(schemas, database) as opened, opened.read() as connection:
        found = list(read_leftovers(connection))
    if as_json:
        typer.echo(json.dumps({"leftovers": [one.to_json() for one in found]}, ensure_ascii=False))
        return
    for one in found:
        typer.echo(f"{one.entity}.{one.field}  {one.id}  {one.value}")
    typer.echo(f"{len(found)} {'value' if len(found) == 1 else 'values'} could not be converted.")


def contract(
    before: Annotated[
        dt.datetime | None,
        typer.Option(
            metavar="DATE",
            formats=["%Y-%m-%d"],
            help="Only of changes applied before this day (UTC).",
            show_default=False,
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Destroy what changes have put aside. From then on they cannot be taken back."""
    from xrm_core.cli.workplace import opened_database
    from xrm_core.storage.contract import contract as carry_out
    from xrm_core.storage.contract import plan_contract

    moment = None if before is None else before.replace(tzinfo=dt.UTC)
    with opened_database(schemas, database) as opened:
        with opened.read() as connection:
            planned = plan_contract(connection, moment)
        if not as_json:
            typer.echo(_contract_text(planned))
        if not yes:
            _ask()
        done = carry_out(opened, moment, up_to=planned.last)  # what was shown, and no more
    typer.echo(json.dumps(done.to_json()) if as_json else "Done.")


def _back(
    plan: bool,
    accept: list[str] | None,
    permissions: bool,
    as_json: bool,
    schemas: Schemas,
    database: DatabaseUrl,
    *,
    redo: bool,
) -> None:
    from xrm_core.cli.workplace import opened_database, start
    from xrm_core.permissions.fitting import require_fitting
    from xrm_core.server.policy_changes import former_policies_along
    from xrm_core.storage.applied import current_model
    from xrm_core.storage.apply import undo as carry_out
    from xrm_core.storage.history import way_back
    from xrm_core.storage.plan import plan_evolution
    from xrm_core.storage.schema_files import schema_files

    with opened_database(schemas, database) as opened:
        if plan:
            with opened.read() as connection:
                evolution = way_back(connection, redo=redo)
                _show(plan_evolution(connection, evolution), as_json)
                if not permissions:
                    require_fitting(connection, evolution.new)
            raise typer.Exit(CHANGES_PENDING)
        along = former_policies_along if permissions else require_fitting
        done = carry_out(opened, accept or (), redo=redo, along=along)
        with opened.read() as connection:
            model, files = current_model(connection), schema_files(connection)
    _show(done, as_json)
    if as_json:
        return
    if model is not None and _files_say(start(schemas, database), files.texts, model):
        typer.echo("Done.")
    else:
        typer.echo("Done. Let the entity files say the same, or «xrm schema apply» changes it again.")


def _files_say(settings: "Settings", tenant: "Mapping[str, str]", model: "Model") -> bool:
    """Whether the entity files are those of a model: the files of a tenant's layer go back with it."""
    from xrm_core.errors import XrmError
    from xrm_core.server.assembly import find_plugins, read_model

    try:
        return read_model(settings, find_plugins(settings), tenant).fingerprint == model.fingerprint
    except XrmError:
        return False  # the way back needs no pack that is in order


def _show(planned: "Plan", as_json: bool) -> None:
    typer.echo(json.dumps(planned.to_json(), ensure_ascii=False, default=str) if as_json else planned.to_text())


def _history_json(found: "History") -> dict[str, Any]:
    return {
        "changes": [change.to_json() for change in found.changes],
        "undo": found.next_undo,
        "redo": found.next_redo,
    }


def _history_lines(found: "History") -> list[str]:
    lines = []
    for change in found.changes:
        what = f"takes back {change.reverts}: " if change.reverts else ""
        gone = "  (contracted)" if change.contracted_at else ""
        lines.append(
            f"{change.number:4}  {change.applied_at[:19]}  {change.fingerprint}  "
            f"{what}{', '.join(change.operations) or 'nothing'}{gone}"
        )
    if not lines:
        return ["No model was applied yet."]
    if found.next_undo is not None:
        lines.append(f"«xrm schema undo» takes back change {found.next_undo}.")
    if found.next_redo is not None:
        lines.append(f"«xrm schema redo» takes back change {found.next_redo}.")
    return lines


def _contract_text(planned: "Contract") -> str:
    if not planned.doomed:
        return f"Nothing is aside of the changes up to {planned.last}."
    return "\n".join(
        [
            "This goes for good:",
            *(f"  {each.text}" for each in planned.doomed),
            f"Changes up to {planned.last} cannot be taken back then.",
        ]
    )


def _ask() -> None:
    from xrm_core.errors import SchemaChangeRefused

    if not sys.stdin.isatty():
        raise SchemaChangeRefused("Nobody is there to be asked.", hint="Nothing was done. Say --yes to do it.")
    typer.confirm("Go on?", abort=True)
