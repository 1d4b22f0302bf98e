"""``xrm vacuum``."""

from typing import Annotated

import typer

from xrm_core.cli.options import DatabaseUrl, Schemas

Wait = Annotated[
    int, typer.Option("--wait", min=1, metavar="SECONDS", help="How long to wait for others at each step.")
]


def vacuum(wait: Wait = 10, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Rewrite the database's files, so that nothing that was erased is left in them; each table is locked meanwhile."""
    from xrm_core.cli.failures import FAILED, printable
    from xrm_core.cli.workplace import opened_database
    from xrm_core.storage.vacuum import vacuum as rewrite

    with opened_database(schemas, database) as found:
        done = rewrite(found, wait)
    typer.echo(f"{done.tables} tables were written anew: {done.before} bytes before, {done.after} now.")
    for each in done.left:
        typer.secho("warning ", fg="yellow", nl=False)
        typer.echo(printable(each.says))
        typer.echo(printable(f"        → {each.remedy}"))
    if done.left:
        raise typer.Exit(FAILED)
