"""``xrm permissions plan``, ``apply``, ``undo``, ``history`` and ``pull``: the policies that are in force."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xrm_core.cli.options import AsJson, DatabaseUrl, Schemas
from xrm_core.cli.permission_roles import Accept, RolesOf, accepting, with_roles_of

if TYPE_CHECKING:
    from xrm_core.permissions.in_force import PolicyChange
    from xrm_core.storage.policy_sets import StoredSet

CHANGES_PENDING = 2
"""Exit code of ``xrm permissions plan`` if there is something to apply."""

Note = Annotated[str, typer.Option("--note", help="Why, for the history.", show_default=False)]


def plan(
    roles_of: RolesOf = None, as_json: AsJson = False, schemas: Schemas = None, database: DatabaseUrl = None
) -> None:
    """Show what «xrm permissions apply» would do to each role. Exit code 0: nothing, 2: changes are pending."""
    from xrm_core.cli.workplace import opened
    from xrm_core.permissions.in_force import plan_set

    with opened(schemas, database) as workplace:
        workplace.check_applied()
        files = with_roles_of(workplace, roles_of)[0] if roles_of else workplace.pack_policies().files
        change = plan_set(workplace.database, files)
    _show(change, as_json)
    if not change.is_empty:
        raise typer.Exit(CHANGES_PENDING)


def apply(
    note: Note = "",
    roles_of: RolesOf = None,
    accept: Accept = None,
    as_json: AsJson = False,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Put the roles and policies of the pack's files in force. Running servers take them within a second."""
    from xrm_core.cli.workplace import opened
    from xrm_core.errors import SettingsError
    from xrm_core.permissions.in_force import apply_set
    from xrm_core.server.policy_changes import noted
    from xrm_core.storage.system_upgrade import upgrade_system

    if accept and not roles_of:
        raise SettingsError("--accept is about roles that a plugin changes.", hint="Name it by --roles-of.")
    with opened(schemas, database) as workplace:
        workplace.check_applied()
        if roles_of:
            upgrade_system(workplace.database)
            files, version = with_roles_of(workplace, roles_of)
            note = note or f"roles of {', '.join(roles_of)}"
            judge = accepting(accept or ())
            change = apply_set(workplace.database, files, note=note, version=version, judge=judge, along=noted(note))
        else:
            files = dict(workplace.pack_policies().files)
            upgrade_system(workplace.database)
            change = apply_set(workplace.database, files, note=note, along=noted(note))
    _done(change, as_json)


def undo(note: Note = "", as_json: AsJson = False, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Put the policies before the last change in force again. The pack's files stay as they are."""
    from xrm_core.cli.workplace import opened_database
    from xrm_core.permissions.in_force import undo_set
    from xrm_core.server.policy_changes import noted

    with opened_database(schemas, database) as opened:
        change = undo_set(opened, note=note, along=noted(note))
    _done(change, as_json)


def history(as_json: AsJson = False, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """List the versions of the policies: when, by whom, why."""
    from xrm_core.cli.workplace import opened_database
    from xrm_core.storage.policy_sets import policy_sets

    with opened_database(schemas, database) as opened, opened.read() as connection:
        sets = policy_sets(connection)
    if as_json:
        typer.echo(json.dumps({"versions": [_json(each) for each in sets]}, ensure_ascii=False))
        return
    typer.echo("\n".join(map(_line, sets)) or "No policies were applied yet.")


def pull(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to; made if need be.", show_default=False)],
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Write the policies that are in force as files: roles.json and policies.csv."""
    from xrm_core.cli.workplace import opened_database
    from xrm_core.errors import PolicyInvalid, SettingsError
    from xrm_core.storage.policy_sets import newest_set

    with opened_database(schemas, database) as opened, opened.read() as connection:
        found = newest_set(connection)
    if found is None:
        raise PolicyInvalid("The database has no roles and policies.", hint="Run «xrm permissions apply» first.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in found.files.items():
            (folder / name).write_text(text, "utf-8", newline="")
    except OSError as error:
        raise SettingsError(f"Cannot write to {folder}: {error.strerror}.", hint="Name another folder.") from error
    typer.echo(f"Version {found.number} written to {folder}.")


def _done(change: "PolicyChange", as_json: bool) -> None:
    _show(change, as_json)
    if not as_json and not change.is_empty:
        typer.echo(f"Done: version {change.number}.")


def _show(change: "PolicyChange", as_json: bool) -> None:
    from xrm_core.cli.failures import printable
    from xrm_core.permissions.differences import differences

    found = [] if change.is_empty else differences(change.model, change.before, change.after)
    if as_json:
        shape = {"version": change.number, "differences": [each.to_json() for each in found]}
        typer.echo(json.dumps(shape, ensure_ascii=False))
    elif change.is_empty:
        typer.echo(f"Nothing to do: these policies are in force as version {change.number}.")
    else:
        words = [each.text for each in found] or ["The texts of the files differ, but nothing that they say."]
        typer.echo(printable("\n".join(words)))


def _json(each: "StoredSet") -> dict[str, object]:
    return {name: value for name, value in vars(each).items() if name != "text"}


def _line(each: "StoredSet") -> str:
    from xrm_core.cli.failures import printable

    who = "command line" if each.applied_by is None else each.applied_by
    back = f"takes back {each.reverts}" if each.reverts else ""
    words = "; ".join(part for part in (back, each.note) if part)
    return printable(f"{each.number:4}  {each.applied_at[:19]}  {each.digest[:12]}  {who}  {words}".rstrip())
