"""``xrm scim``: which roles the groups of a provisioning service give."""

from typing import Annotated

import typer

from xrm_core.cli.options import DatabaseUrl, Schemas

app = typer.Typer(help="Users and groups by SCIM.", no_args_is_help=True)


@app.command("roles")
def group_roles(
    group: Annotated[str, typer.Argument(metavar="GROUP", help="Name of the group (displayName).", show_default=False)],
    role: Annotated[
        list[str] | None,
        typer.Option(help="Its members have exactly these roles by it; repeat it for several.", show_default=False),
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="It gives no roles any more.")] = False,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Print the roles that a group gives; with --role or --none set them first, for those who are in it, too."""
    from xrm_core.auth import events
    from xrm_core.auth.scim import roles
    from xrm_core.cli.accounts import check_roles
    from xrm_core.cli.workplace import opened
    from xrm_core.metadata.model import USER

    if role and none:
        raise typer.BadParameter("--role and --none do not go together.")
    with opened(schemas, database) as workplace:
        check_roles(workplace, role or [])
        workplace.check_applied()
        with workplace.database.begin() if role or none else workplace.database.read() as connection:
            if role or none:
                before, changed = roles.assign(connection, workplace.tables[USER], group, role or [])
                details = {"group": group, "before": before, "after": sorted(set(role or []))}
                events.record(connection, events.Event.ROLES_CHANGED, subject=group, details=details)
                for user, (had, has) in changed.items():
                    change = {"before": had, "after": has, "group": group}
                    events.record(connection, events.Event.ROLES_CHANGED, subject=user, details=change)
            found = roles.given_by(connection, group)
    for name in found:
        typer.echo(name)


@app.command("groups")
def list_groups(schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """List groups: name, how many users are in it, the roles that it gives."""
    from xrm_core.auth.scim import roles
    from xrm_core.cli.account_lists import aligned
    from xrm_core.cli.workplace import opened

    with opened(schemas, database) as workplace:
        workplace.check_applied()
        with workplace.database.read() as connection:
            found = roles.groups(connection)
    for line in aligned(
        (name, "not there" if count is None else str(count), ", ".join(of)) for name, count, of in found
    ):
        typer.echo(line)
