"""``xrm backup`` and ``xrm restore``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from xrm_core.cli.options import DatabaseUrl, Schemas

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of the backup.", show_default=False)]
At = Annotated[
    list[str] | None,
    typer.Option(
        "--at",
        metavar="NAME=URL",
        help="The database of a tenant that had a place of its own; repeat it for several.",
        show_default=False,
    ),
]
WithoutFiles = Annotated[
    bool, typer.Option("--without-files", help="Leave out the content of files that lies outside of databases.")
]
_NAMED = 20


def backup(
    folder: Folder, without_files: WithoutFiles = False, schemas: Schemas = None, database: DatabaseUrl = None
) -> None:
    """Write the main database and all tenants into a folder, with their files; servers may go on."""
    from xrm_core.cli.workplace import start
    from xrm_core.server.assembly import require_there
    from xrm_core.server.backups import back_up_installation
    from xrm_core.settings import DATABASE

    settings = start(schemas, database)
    require_there(settings)
    made = back_up_installation(settings, folder, files=not without_files)
    tenants = len(made.places) - 1
    typer.echo(f"{made.count()} rows of the main database and {tenants} tenants are in {folder}.")
    for name in made.left_out:
        typer.echo(f"Not in it: the tenant {name}, which is being made or removed.", err=True)
    for place in settings.files if without_files else ():
        if place != DATABASE:
            typer.echo(f"Not in it: the content of files in {place}. Copy it after this.", err=True)
    _name_missing(made.missing, folder)
    typer.echo("Not in it: XRM_SECRET_KEY and other settings. Keep them in another place than the backup.")
    if made.missing:
        raise typer.Exit(1)


def restore(
    folder: Folder,
    at: At = None,
    without_files: WithoutFiles = False,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Bring a backup back into places where there is nothing yet: all of it, checked, or nothing."""
    from xrm_core.cli.data_folder import make_data_folder
    from xrm_core.cli.workplace import start
    from xrm_core.errors import SettingsError
    from xrm_core.server.backups import restore_installation, what_came_back

    settings = start(schemas, database)
    places: dict[str, str] = {}
    for each in at or ():
        name, _, url = each.partition("=")
        if not name or not url:
            raise SettingsError(f"--at {each[:60]!r} does not name a tenant and a URL.", hint="It is --at NAME=URL.")
        places[name] = url
    make_data_folder(settings)
    found = restore_installation(settings, folder, places, files=not without_files)
    tenants = len(found.places) - 1
    typer.echo(f"{found.count()} rows of the main database and {tenants} tenants are back, as of {found.created_at}.")
    _name_missing(found.missing, folder)
    if found.outside and (without_files or found.files is None):
        typer.echo("Files whose content lay outside of databases are read where it lay, and nothing of it is removed.")
        typer.echo("If the installation of that time is gone: xrm files adopt, here and for each tenant.")
    for each in what_came_back(settings):
        typer.echo(each)
    typer.echo("Start servers with the XRM_SECRET_KEY of that time; without it, second factors do not open.")


def _name_missing(missing: Sequence[tuple[str, str]], folder: Path) -> None:
    for name, file in missing[:_NAMED]:
        where = f"tenant {name}" if name else "main database"
        typer.echo(f"Not in the backup: the content of file {file} ({where}), which was lost or damaged.", err=True)
    if len(missing) > _NAMED:
        typer.echo(f"… and of {len(missing) - _NAMED} more: {folder}/manifest.json has all.", err=True)
