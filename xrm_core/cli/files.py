"""``xrm files``: the files that records refer to."""

from typing import Annotated

import typer

from xrm_core.cli.options import DatabaseUrl, Schemas

app = typer.Typer(help="Files that are attached to records.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """A group, also while it has one command."""


@app.command()
def clean(schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Remove files that are older than a day and that no record refers to."""
    from xrm_core.cli.tenant_option import chosen_tenant
    from xrm_core.cli.workplace import opened
    from xrm_core.server.content_stores import content_stores

    with opened(schemas, database) as workplace:
        workplace.check_applied()
        removed = workplace.records.files.clean(workplace.database)
        content_stores(workplace.settings).of(chosen_tenant()).sweep(workplace.database)
    typer.echo(f"{removed} {'file was' if removed == 1 else 'files were'} removed.")


@app.command()
def move(schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Bring the content of all files to where XRM_FILES says that new content goes."""
    from xrm_core.cli.tenant_option import chosen_tenant
    from xrm_core.cli.workplace import opened
    from xrm_core.server.content_stores import content_stores
    from xrm_core.storage.contents.moving import move_content

    with opened(schemas, database) as workplace:
        workplace.check_applied()
        moved = move_content(workplace.database, content_stores(workplace.settings).of(chosen_tenant()))
    typer.echo(f"The content of {moved} {'file' if moved == 1 else 'files'} was moved.")


@app.command()
def adopt(schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Let all content that a backup was restored without belong to what was restored; what it is of must be gone."""
    from xrm_core.cli.workplace import opened
    from xrm_core.storage.content_names import adopt_all

    with opened(schemas, database) as workplace:
        workplace.check_applied()
        with workplace.database.begin() as connection:
            adopted = adopt_all(connection)
    typer.echo(f"The content of {adopted} {'file' if adopted == 1 else 'files'} belongs to this installation now.")


@app.command()
def withheld(schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """List the files that nobody can read: their scan is pending, or has found something."""
    from xrm_core.cli.workplace import opened
    from xrm_core.storage import file_states

    with opened(schemas, database) as workplace:
        workplace.check_applied()
        with workplace.database.read() as connection:
            found = file_states.withheld(connection)
    for file, created_at in found:
        typer.echo(f"{file.id}  {file.state:<11}  {created_at[:19]}  {file.size:>10}  {file.name}")


@app.command()
def release(
    file_id: Annotated[str, typer.Argument(metavar="ID", help="The file, as xrm files withheld lists it.")],
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Let those who may read a file read it, whatever a scan has said."""
    from uuid import UUID

    from xrm_core.cli.workplace import opened
    from xrm_core.errors import NotFound
    from xrm_core.storage import file_states
    from xrm_core.storage.file_store import FileState

    try:
        file_id = str(UUID(file_id))
    except ValueError:
        raise NotFound("There is no such file.", hint="xrm files withheld lists them.") from None
    with opened(schemas, database) as workplace:
        workplace.check_applied()
        with workplace.database.begin() as connection:
            found = file_states.change(connection, file_id, None, FileState.READY)
    if not found:
        raise NotFound("There is no such file.", hint="xrm files withheld lists them.")
    typer.echo("The file can be read.")
