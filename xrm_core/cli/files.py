"""``xrm files``: the files that records refer to."""

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
    typer.echo(f"The content of {moved} {'file was' if moved == 1 else 'files was'} moved.")
