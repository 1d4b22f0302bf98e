"""``xrm tenant``: tenants beside the main database."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xrm_core.cli.options import AsJson, DatabaseUrl, Schemas

if TYPE_CHECKING:
    from xrm_core.settings import Settings

app = typer.Typer(help="Tenants: each with data, users and a model of its own.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the tenant.", show_default=False)]
File = Annotated[Path, typer.Argument(metavar="FILE", help="The bundle, a zip file.", show_default=False)]
Hosts = Annotated[
    list[str] | None,
    typer.Option("--host", help="A host name by which it is reached; repeat it for several.", show_default=False),
]
At = Annotated[
    str | None,
    typer.Option(
        "--at", metavar="URL", help="Another database than the main one's server, or a file.", show_default=False
    ),
]


@app.command()
def create(
    name: Name, host: Hosts = None, at: At = None, schemas: Schemas = None, database: DatabaseUrl = None
) -> None:
    """Make an empty tenant with the model of the entity files."""
    from xrm_core.server.assembly import find_plugins
    from xrm_core.server.tenant_moves import create_tenant

    settings = _start(schemas, database, new=True)
    made = create_tenant(settings, find_plugins(settings), name, host or (), at)
    typer.echo(f"The tenant {made.name} is there: {made.place}")


@app.command("list")
def list_tenants(as_json: AsJson = False, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """List all tenants: name, state, place, hosts."""
    from xrm_core.cli.account_lists import aligned
    from xrm_core.storage.engines import Database
    from xrm_core.storage.tenants import tenants

    settings = _start(schemas, database)
    main = Database(settings.database_url)
    try:
        with main.read() as connection:
            found = tenants(connection, settings.data_dir)
    finally:
        main.close()
    if as_json:
        shown = [
            {
                "name": each.name,
                "state": each.state,
                "place": each.place,
                "hosts": each.hosts,
                "createdAt": each.created_at,
            }
            for each in found
        ]
        typer.echo(json.dumps(shown, ensure_ascii=False))
    elif found:
        for line in aligned((each.name, each.state, each.place, ", ".join(each.hosts)) for each in found):
            typer.echo(line)


@app.command("set")
def set_tenant(
    name: Name,
    state: Annotated[
        str | None, typer.Option(help="active, readonly or moving; the latter two refuse writes.", show_default=False)
    ] = None,
    host: Hosts = None,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Change a tenant's state, or give it exactly these hosts. A running server knows within two seconds."""
    from xrm_core.errors import SettingsError
    from xrm_core.storage.engines import Database
    from xrm_core.storage.tenants import SERVED, State, set_hosts, set_state, tenant

    settings = _start(schemas, database)
    if state is not None and state not in SERVED:
        raise SettingsError(f"There is no state {state[:60]!r}.", hint="It is active, readonly or moving.")
    main = Database(settings.database_url)
    try:
        with main.read() as connection:
            known = tenant(connection, settings.data_dir, name)
        if known.state not in SERVED:
            raise SettingsError(
                f"The tenant {name} is being made or removed, or that was interrupted; nothing was done.",
                hint=f"«xrm tenant remove {name} --confirm {name}» clears it away.",
            )
        if state is not None:
            set_state(main, name, State(state))
        if host is not None:
            set_hosts(main, name, host)
    finally:
        main.close()


@app.command()
def remove(
    name: Name,
    confirm: Annotated[
        str | None, typer.Option(metavar="NAME", help="The name once more, to be sure.", show_default=False)
    ] = None,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Drop a tenant with everything in it: tables, records, users, tokens. There is no way back."""
    from xrm_core.errors import SettingsError
    from xrm_core.server.tenant_moves import remove_tenant

    settings = _start(schemas, database)
    if confirm != name:
        raise SettingsError(
            f"Everything of the tenant {name[:60]!r} would be lost; nothing was done.",
            hint=f"If that is meant, say so: --confirm {name[:60]}. «xrm tenant export» keeps a copy.",
        )
    remove_tenant(settings, name)
    typer.echo(f"The tenant {name} is gone.")


@app.command("export")
def export(name: Name, file: File, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Write everything of a tenant into a bundle; the name «main» stands for the main database."""
    from xrm_core.server.assembly import find_plugins
    from xrm_core.server.tenant_moves import export_tenant

    settings = _start(schemas, database)
    manifest = export_tenant(settings, find_plugins(settings), name, file)
    typer.echo(f"{_rows(manifest)} records of {name} are in {file}.")


@app.command("import")
def import_(
    name: Name, file: File, host: Hosts = None, at: At = None, schemas: Schemas = None, database: DatabaseUrl = None
) -> None:
    """Make a tenant of a bundle: all of it, checked by counts and checksums, or nothing."""
    from xrm_core.server.tenant_moves import import_tenant

    settings = _start(schemas, database, new=True)
    made, manifest = import_tenant(settings, name, file, host or (), at)
    typer.echo(f"The tenant {made.name} is there with {_rows(manifest)} records: {made.place}")


def _rows(manifest: dict[str, dict[str, dict[str, int]]]) -> int:
    tables = manifest["tables"]
    return sum(entry["rows"] for name, entry in tables.items() if name.startswith("data/"))


def _start(schemas: Path | None, database: str | None, *, new: bool = False) -> "Settings":
    from xrm_core.cli.data_folder import make_data_folder
    from xrm_core.cli.workplace import start
    from xrm_core.server.assembly import require_there

    settings = start(schemas, database)
    if not new:
        require_there(settings)
    make_data_folder(settings)
    return settings
