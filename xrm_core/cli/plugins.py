"""``xrm plugins``: which there are, and whether one is right."""

import json
from typing import Annotated

import typer

from xrm_core.cli.options import AsJson, DatabaseUrl, Schemas

app = typer.Typer(help="Plugins.", no_args_is_help=True)


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


@app.command()
def check(
    plugin: Annotated[str, typer.Argument(metavar="NAME|DIR", help="An installed plugin, or the folder of one.")],
    strict: Annotated[bool, typer.Option("--strict", help="Warnings are failures, too.")] = False,
    as_json: AsJson = False,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Check a plugin: hooks, imports, needs, entity files, languages, README. Exit code 1: it has errors."""
    from xrm_core.cli.workplace import start
    from xrm_core.server.plugin_check import check_plugin

    report = check_plugin(start(schemas, database), plugin)
    typer.echo(json.dumps(report.to_json(), ensure_ascii=False) if as_json else report.to_text())
    if report.errors or (strict and report.findings):
        raise typer.Exit(1)
