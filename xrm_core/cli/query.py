"""``xrm query``: what becomes of a GraphQL query."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xrm_core.cli.options import AsJson, DatabaseUrl, Schemas

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from xrm_core.cli.workplace import Workplace
    from xrm_core.permissions.caller import User
    from xrm_core.server.explain import Report

app = typer.Typer(help="GraphQL queries.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """A group, also while it has one command."""


@app.command()
def explain(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A GraphQL document.", show_default=False)],
    role: Annotated[
        list[str] | None, typer.Option(help="A role that asks; repeat it for several.", show_default=False)
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(metavar="EMAIL", help="The user who asks, with all roles unless --role.", show_default=False),
    ] = None,
    variables: Annotated[
        str | None, typer.Option(metavar="JSON", help="Values of variables, as an object.", show_default=False)
    ] = None,
    operation: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which operation, if there are several.", show_default=False)
    ] = None,
    analyze: Annotated[
        bool, typer.Option("--analyze", help="Run the statements, too, and say what each step took (PostgreSQL).")
    ] = False,
    as_json: AsJson = False,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Print the SQL of a query, the database's plan, the cost, and the indexes that would help."""
    from xrm_core.cli.workplace import opened
    from xrm_core.server.explain import explain_query

    with opened(schemas, database) as workplace:
        text, given = _read(file), _variables(variables)
        workplace.check_applied()
        with workplace.database.read() as connection:
            caller = _caller(workplace, connection, role or [], user)
        report = explain_query(
            workplace.settings, workplace.database, workplace.tables, caller, text, operation, given, analyze=analyze
        )
    if as_json:
        typer.echo(json.dumps(report.to_json(), ensure_ascii=False, indent=2))
    else:
        _print(report)


def _read(file: Path) -> str:
    from xrm_core.errors import BadQuery

    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadQuery(f"{file} cannot be read.", hint="Name a file with a GraphQL document in UTF-8.") from error


def _variables(text: str | None) -> dict[str, Any]:
    from xrm_core.errors import BadQuery

    try:
        found = json.loads(text or "{}")
    except ValueError as error:
        raise BadQuery("--variables is not valid JSON.", hint='It looks like \'{"id": "…"}\'.') from error
    if not isinstance(found, dict):
        raise BadQuery("--variables must be a JSON object.", hint='It looks like \'{"id": "…"}\'.')
    return found


def _caller(workplace: "Workplace", connection: "Connection", roles: list[str], email: str | None) -> "User":
    from xrm_core.cli.account_lists import roles_of
    from xrm_core.cli.accounts import check_roles, user_id
    from xrm_core.errors import BadQuery
    from xrm_core.permissions.authority import Authority
    from xrm_core.permissions.caller import User
    from xrm_core.records.teams import team_of, teams_below

    if not roles and email is None:
        raise BadQuery("Nobody asks.", hint="Say --role (repeat it for several) or --user.")
    check_roles(workplace, roles)
    authority = Authority(workplace.model, workplace.policies())
    if email is None:
        return User("", authority.access(frozenset(roles)), zone=workplace.settings.time_zone)
    found = user_id(workplace, connection, email)
    access = authority.access(frozenset(roles or roles_of(connection, found)))
    users = workplace.tables["user"]
    team = team_of(connection, found, users)
    teams = teams_below(connection, team, users)
    return User(found, access, team, teams=teams, zone=workplace.settings.time_zone)


def _print(report: "Report") -> None:
    for field in report.fields:
        typer.echo(f"== {field.key}\n\n{field.sql};\n")
        if field.values:
            typer.echo(f"Values: {', '.join(map(repr, field.values))}\n")
        typer.echo("Plan of the database:")
        for line in field.plan:
            typer.echo(f"{'  ' * (line.depth + 1)}{line.text}")
        typer.echo("")
    typer.echo(f"Cost: {report.cost['requested']} points of at most {report.cost['limit']}.")
    for part in report.cost["fields"]:
        typer.echo(f"  {part['points']:>9}  {'.'.join(part['path'])}")
    for advice in report.advice:
        typer.echo(f"An index would help: {advice.text}")
    if not report.advice:
        typer.echo("No index is missing.")
