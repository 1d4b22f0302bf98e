"""``xrm schema``: check entity files, see what they would change, change it, print what comes of them."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from xrm_core.cli.options import Accept, AsJson, DatabaseUrl, Schemas
from xrm_core.cli.schema_changes import abort, status
from xrm_core.cli.schema_drift import compare_database
from xrm_core.cli.schema_files import layers, pull
from xrm_core.cli.schema_history import contract, history, leftovers, redo, undo

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from xrm_core.cli.workplace import Workplace
    from xrm_core.metadata.model import Model
    from xrm_core.permissions.access import Access
    from xrm_core.storage.plan import Plan

app = typer.Typer(help="Entity files and the tables that come of them.", no_args_is_help=True)
app.command()(layers)
app.command()(pull)
app.command()(status)
app.command()(abort)
app.command()(undo)
app.command()(redo)
app.command()(history)
app.command()(leftovers)
app.command()(contract)

Permissions = Annotated[bool, typer.Option("--permissions", help="Put the pack's policies in force in the same step.")]
CHANGES_PENDING = 2
"""Exit code of ``xrm schema plan`` if there is something to apply."""


@app.command()
def check(
    with_database: Annotated[
        bool, typer.Option("--with-database", help="Compare with the database, too. --database does so as well.")
    ] = False,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Check entity files and policies: all that is wrong with them at once. With --database, compare it with them."""
    from xrm_core.cli.workplace import opened
    from xrm_core.server.assembly import policy_folders

    compare = with_database or database is not None
    with opened(schemas, database, files_only=not compare) as workplace:
        entities = sum(entity.kind == "entity" for entity in workplace.model)  # links have no files
        typer.echo(
            f"{entities} {'entity' if entities == 1 else 'entities'} in {workplace.settings.schemas}: all right."
        )
        folders = policy_folders(workplace.settings)
        if any(folder.is_dir() for folder in folders):
            policies = workplace.pack_policies()
            typer.echo(f"{len(policies.policies)} policies for {', '.join(policies.roles)}: all right.")
        else:
            typer.echo(f"There is no folder {folders[-1]}: nobody may do anything with these entities.")
        if compare:
            compare_database(workplace)
            typer.echo("The database has this model, and its tables exactly.")


@app.command()
def plan(
    permissions: Permissions = False, as_json: AsJson = False, schemas: Schemas = None, database: DatabaseUrl = None
) -> None:
    """Show what «xrm schema apply» would do, to the data too. Exit code 0: nothing, 2: changes are pending."""
    from xrm_core.cli.workplace import opened
    from xrm_core.permissions.fitting import require_fitting
    from xrm_core.storage.applied import current_model
    from xrm_core.storage.plan import plan as make_plan

    with opened(schemas, database, new=True) as workplace, workplace.database.read() as connection:
        planned = make_plan(connection, current_model(connection), workplace.model)
        _show(planned, as_json)
        if not permissions:
            require_fitting(connection, workplace.model)
    if not planned.is_empty:
        raise typer.Exit(CHANGES_PENDING)


@app.command()
def apply(
    accept: Accept = None,
    permissions: Permissions = False,
    as_json: AsJson = False,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Change the tables as the entity files say: everything, or nothing if any of it is refused."""
    from xrm_core.cli.workplace import opened
    from xrm_core.server.policy_changes import policies_along
    from xrm_core.storage.apply import apply as carry_out

    with opened(schemas, database, new=True) as workplace:
        policies = policies_along(workplace.settings, workplace.database, workplace.model, take_packs=permissions)

        def along(connection: "Connection", model: "Model") -> None:
            workplace.tenant_files.require_unchanged(connection)
            policies(connection, model)

        done = carry_out(workplace.database, workplace.model, accept or (), along=along)
    _show(done, as_json)
    if not as_json and not done.is_empty:
        typer.echo("Done.")


@app.command("print")
def print_schema(
    role: Annotated[
        str | None, typer.Option(help="What this role sees; default: everything.", show_default=False)
    ] = None,
    sql: Annotated[bool, typer.Option("--sql", help="The tables, as CREATE TABLE statements, instead.")] = False,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Print the GraphQL schema of the entity files, or their tables."""
    from xrm_core.cli.workplace import opened

    if sql and role is not None:
        raise typer.BadParameter("Tables are the same for all roles: give --role or --sql, not both.")
    with opened(schemas, database, files_only=True) as workplace:
        if sql:
            typer.echo(_sql(workplace))
            return
        from xrm_core.graphql.query_fields import QueryFields
        from xrm_core.graphql.schema import build

        records = workplace.records
        queries = QueryFields(records.plugins, records.model, records.actions)
        typer.echo(build(workplace.model, _access(workplace, role), records.actions, queries).text())


def _show(planned: "Plan", as_json: bool) -> None:
    typer.echo(json.dumps(planned.to_json(), ensure_ascii=False, default=str) if as_json else planned.to_text())


def _access(workplace: "Workplace", role: str | None) -> "Access":
    from xrm_core.errors import SettingsError
    from xrm_core.permissions.access import full_access
    from xrm_core.permissions.authority import Authority

    if role is None:
        return full_access(workplace.model)
    policies = workplace.pack_policies()
    if role not in policies.roles:
        raise SettingsError(
            f"There is no role {role}.", hint=f"The roles of this pack are: {', '.join(sorted(policies.roles))}."
        )
    return Authority(workplace.model, policies).access(frozenset({role}))


def _sql(workplace: "Workplace") -> str:
    """What SQLAlchemy would send to an empty database of this kind."""
    from sqlalchemy import create_mock_engine

    dialect = workplace.database.dialect
    statements: list[str] = []

    def note(statement: object, *_: object, **__: object) -> None:
        statements.append(str(statement.compile(dialect=dialect)).strip())  # type: ignore[attr-defined]

    workplace.tables.metadata.create_all(create_mock_engine(workplace.database.url, note), checkfirst=False)
    return "\n\n".join(f"{statement};" for statement in statements)
