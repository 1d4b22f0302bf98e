"""``xrm plugins``."""

import typer

from xrm_core.cli.options import DatabaseUrl, Schemas

app = typer.Typer(help="Plugins.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps «list» a command of its own while it is the only one."""


@app.command("list")
def list_plugins(schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """List the plugins that are loaded, in the order in which they are asked."""
    from xrm_core.cli.workplace import start
    from xrm_core.server.assembly import find_plugins

    infos = find_plugins(start(schemas, database)).infos
    if not infos:
        typer.echo("No plugins are installed.")
    for info in infos:
        hooks = ", ".join(info.hooks) or "no hooks"
        typer.echo(f"{info.order}. {info.name}  ({info.distribution} {info.version}): {hooks}")
