"""``xrm plugins``: which there are, whether one is right, switching off and on, removing what one has kept."""

import json
from pathlib import Path
from typing import Annotated

import typer

from xrm_core.cli.options import Accept, AsJson, DatabaseUrl, Schemas

app = typer.Typer(help="Plugins.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the plugin.")]
CHANGES_PENDING = 2
"""Exit code of ``xrm plugins remove`` without ``--apply`` if there is something to remove."""


@app.command("list")
def list_plugins(schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """List the plugins that are loaded, in the order in which they are asked, and those that are switched off."""
    from xrm_core.cli.workplace import start
    from xrm_core.contributions.command import commands_of
    from xrm_core.server.assembly import find_plugins

    plugins = find_plugins(start(schemas, database), reaches=False)
    commands = commands_of(plugins)
    if not plugins.infos and not plugins.resting:
        typer.echo("No plugins are installed.")
    for info in plugins.infos:
        hooks = ", ".join(info.hooks) or "no hooks"
        typer.echo(f"{info.order}. {info.name}  ({info.distribution} {info.version}): {hooks}")
        for setting in info.settings:
            state = "set" if setting.is_set else "not set"
            typer.echo(f"   {setting.variable}: {state}{', secret' if setting.is_secret else ''}")
        for command in commands.get(info.name, ()):
            typer.echo(f"   xrm {info.name} {command.name}: {command.help}")
    for each in plugins.resting:
        state = "switched off, its data removed" if each.removed else "switched off"
        typer.echo(f"-  {each.name}  ({each.distribution} {each.version}): {state}")


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


@app.command()
def disable(name: Name, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Switch a plugin off. Its data stays, and can be read; servers and workers have to be started anew."""
    from xrm_core.cli.workplace import start
    from xrm_core.server.plugin_switching import disable as switch_off

    resting = switch_off(start(schemas, database), name)
    entities = ", ".join(sorted(resting.entities()))
    typer.echo(f"The plugin {name} is switched off for what starts from now on: start servers and workers anew.")
    if entities:
        typer.echo(f"Its records can be read, but not changed: {entities}.")


@app.command()
def enable(name: Name, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Switch a plugin on again. Servers and workers have to be started anew."""
    from xrm_core.cli.workplace import start
    from xrm_core.server.plugin_switching import enable as switch_on

    switch_on(start(schemas, database), name)
    typer.echo(f"The plugin {name} is switched on for what starts from now on: start servers and workers anew.")
    typer.echo("«xrm schema plan» says whether its entity files have changed meanwhile.")


@app.command()
def remove(
    name: Name,
    carry_out: Annotated[bool, typer.Option("--apply", help="Do it. Without, it is only shown.")] = False,
    accept: Accept = None,
    as_json: AsJson = False,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Show what there is of a plugin in the database, and with --apply take it away; «xrm schema undo» brings it back.

    Exit code 2 without --apply: there is something to remove.
    """
    from xrm_core.cli.workplace import start
    from xrm_core.server.assembly import require_there
    from xrm_core.server.plugin_removal import removal
    from xrm_core.server.plugin_removal import remove as take_away

    settings = start(schemas, database)
    require_there(settings)
    found = take_away(settings, name, accept or ()) if carry_out else removal(settings, name)
    typer.echo(json.dumps(found.to_json(), ensure_ascii=False, default=str) if as_json else found.to_text())
    if carry_out:
        if not as_json:
            typer.echo("Done.")
    elif not found.is_empty:
        raise typer.Exit(CHANGES_PENDING)


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the plugin: a-z, digits and _.")],
    folder: Annotated[
        Path | None, typer.Option("--folder", metavar="DIR", help="Where to; default: ./xrm-NAME.", show_default=False)
    ] = None,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Write a plugin to begin with: a distribution that works, with tests and one of each thing that it can bring."""
    from xrm_core.cli.new_plugin import write_plugin
    from xrm_core.cli.workplace import start

    start(schemas, database)
    place = folder or Path(f"xrm-{name.replace('_', '-')}")
    for path in write_plugin(name, place):
        typer.echo(str(path))
    typer.echo(f"Next: cd {place} && pip install -e '.[dev]' && pytest && xrm plugins check .")
