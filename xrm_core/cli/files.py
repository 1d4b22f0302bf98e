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
    from xrm_core.cli.workplace import opened

    with opened(schemas, database) as workplace:
        workplace.check_applied()
        removed = workplace.records.files.clean(workplace.database)
    typer.echo(f"{removed} {'file was' if removed == 1 else 'files were'} removed.")
