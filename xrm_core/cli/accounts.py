"""``xrm user`` and ``xrm token``: who may use a server that is not a demo."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from xrm_core.cli.options import DatabaseUrl, Schemas

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from xrm_core.cli.workplace import Workplace

users = typer.Typer(help="Users.", no_args_is_help=True)
tokens = typer.Typer(help="API tokens of users.", no_args_is_help=True)

DAYS_VALID = 90
"""Days after which a token ends if nobody says otherwise: one that was lost does not open doors for ever."""

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="E-mail address of the user.", show_default=False)]


@users.command("create")
def create_user(
    email: Annotated[str, typer.Option(help="E-mail address, by which the other commands find the user.")],
    role: Annotated[list[str], typer.Option(help="A role of the pack; repeat it for several.")],
    last_name: Annotated[str | None, typer.Option(show_default=False)] = None,
    first_name: Annotated[str | None, typer.Option(show_default=False)] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Any other field of a user.", show_default=False),
    ] = None,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Create a user with roles; prints the id."""
    from xrm_core.auth import events
    from xrm_core.auth.tokens import set_roles
    from xrm_core.cli.workplace import opened
    from xrm_core.permissions.caller import system

    with opened(schemas, database) as workplace:
        check_roles(workplace, role)
        workplace.check_applied()
        record = _user_record(workplace, {"email": email, "last_name": last_name, "first_name": first_name}, values)
        with workplace.database.begin() as connection:
            caller = system(workplace.model, "xrm user create")
            user = workplace.records.create(connection, caller, "user", record)
            set_roles(connection, user, role)
            events.record(connection, events.Event.USER_CREATED, subject=user, details={"roles": sorted(set(role))})
        typer.echo(user)


@users.command("roles")
def user_roles(
    email: Email,
    role: Annotated[
        list[str] | None,
        typer.Option(help="The user has exactly these roles from now on; repeat it for several.", show_default=False),
    ] = None,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Print a user's roles; with --role set them first. A running server may take two seconds to know."""
    from xrm_core.auth.account_changes import give_roles
    from xrm_core.auth.people import hold
    from xrm_core.cli.account_lists import roles_of
    from xrm_core.cli.workplace import opened

    with opened(schemas, database) as workplace:
        if role:
            check_roles(workplace, role)
        workplace.check_applied()
        with workplace.database.begin() if role else workplace.database.read() as connection:
            user = user_id(workplace, connection, email)
            if role:
                hold(connection, workplace.tables["user"], [user])
            found = give_roles(connection, user, role) if role else roles_of(connection, user)
    for name in found:
        typer.echo(name)


@users.command("list")
def list_users(schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """List all users: e-mail address, name, roles."""
    from xrm_core.cli.account_lists import aligned, users_with_roles
    from xrm_core.cli.workplace import opened

    with opened(schemas, database) as workplace:
        _user_entity(workplace)
        workplace.check_applied()
        with workplace.database.read() as connection:
            found = users_with_roles(connection, workplace.tables["user"])
    for line in aligned((user.email, user.name, ", ".join(user.roles)) for user in found):
        typer.echo(line)


@tokens.command("create")
def create_token(
    email: Annotated[
        str | None, typer.Argument(metavar="[EMAIL]", help="E-mail address of the user.", show_default=False)
    ] = None,
    service: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A token of a service instead, which is no user.", show_default=False),
    ] = None,
    label: Annotated[str, typer.Option(help="What it is for.")] = "command line",
    days: Annotated[
        int, typer.Option(min=0, max=36_500, help="Days that it is valid; 0: for ever, until it is revoked.")
    ] = DAYS_VALID,
    role: Annotated[
        list[str] | None,
        typer.Option(help="Only this role of the user's, or one of the service; may be repeated.", show_default=False),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ENTITY:ACTIONS", help="Only this, as customer:read,update; may be repeated.", show_default=False
        ),
    ] = None,
    network: Annotated[
        list[str] | None,
        typer.Option(metavar="CIDR", help="Only from this network or address; may be repeated.", show_default=False),
    ] = None,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Make a token and print it: this once, since only a digest is stored."""
    import datetime as dt

    from xrm_core.auth import tokens as stored
    from xrm_core.auth.networks import read_networks
    from xrm_core.cli.workplace import opened
    from xrm_core.errors import SettingsError
    from xrm_core.permissions.token_scope import read_grants

    if (email is None) == (service is None):
        raise SettingsError(
            "A token is either a user's or a service's.", hint="Give an e-mail address, or --service NAME with --role."
        )
    if service is not None and not role:
        raise SettingsError("A service has only the roles that its token has.", hint="Add --role ROLE.")
    expires_at = None if days == 0 else dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    with opened(schemas, database) as workplace:
        check_roles(workplace, role or [])
        limits = stored.TokenLimits(
            roles=sorted(set(role)) if role else None,
            grants=read_grants(only, [entity.name for entity in workplace.model]) if only else None,
            networks=read_networks(network) if network else None,
        )
        workplace.check_applied()
        with workplace.database.begin() as connection:
            user = None if email is None else user_id(workplace, connection, email)
            if user is not None:
                _check_held(workplace, role or [], connection, user)
            token = stored.create_token(connection, user, service or label, expires_at=expires_at, limits=limits)
        typer.echo(token)


@tokens.command("list")
def list_tokens(
    email: Annotated[
        str | None, typer.Argument(metavar="[EMAIL]", help="Only those of this user.", show_default=False)
    ] = None,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """List tokens: id, user (who may be gone) or «service», label, limits and times, never the token itself."""
    from xrm_core.auth.token_lists import tokens_of
    from xrm_core.cli.account_lists import aligned, described
    from xrm_core.cli.workplace import opened

    with opened(schemas, database) as workplace:
        workplace.check_applied()
        with workplace.database.read() as connection:
            user = None if email is None else user_id(workplace, connection, email)
            found = tokens_of(connection, user)
    for line in aligned(map(described, found)):
        typer.echo(line)


@tokens.command("revoke")
def revoke_token(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As «xrm token list» shows it.", show_default=False)],
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """End a token for good. A running server may accept it for two seconds more."""
    from uuid import UUID

    from xrm_core.auth import tokens as stored
    from xrm_core.cli.workplace import opened
    from xrm_core.errors import NotFound

    missing = NotFound("There is no such token, or it is revoked already.", hint="Look at «xrm token list».")
    try:
        token_id = str(UUID(token_id))
    except ValueError:
        raise missing from None
    with opened(schemas, database) as workplace:
        workplace.check_applied()
        with workplace.database.begin() as connection:
            if not stored.revoke_token(connection, token_id):
                raise missing
    typer.echo(f"The token {token_id} is revoked.")


def check_roles(workplace: "Workplace", roles: list[str]) -> None:
    """Raise SettingsError unless all of these are roles."""
    from xrm_core.errors import SettingsError

    known = workplace.policies().roles
    unknown = [name for name in roles if name not in known]
    if unknown:
        raise SettingsError(
            f"There is no role {', '.join(unknown)}.", hint=f"The roles are: {', '.join(sorted(known))}."
        )


def _check_held(workplace: "Workplace", roles: list[str], connection: "Connection", user: str) -> None:
    """Raise SettingsError unless the user has all of these roles, be it by inheritance."""
    from xrm_core.cli.account_lists import roles_of
    from xrm_core.errors import SettingsError
    from xrm_core.permissions.policy import with_inherited

    held = with_inherited(workplace.policies().roles, roles_of(connection, user))
    if missing := sorted(set(roles) - held):
        raise SettingsError(
            f"The user does not have the role {', '.join(missing)}, so a token cannot have it.",
            hint="Leave it out, or give it to the user by «xrm user roles».",
        )


def _user_record(workplace: "Workplace", named: dict[str, str | None], values: list[str] | None) -> dict[str, Any]:
    """Field → value, each read as its type asks for."""
    from xrm_core.errors import SettingsError
    from xrm_core.records.importing import ImportOptions
    from xrm_core.records.importing.values import BadValue, converter

    texts = {name: text for name, text in named.items() if text is not None}
    for word in values or []:
        name, equals, text = word.partition("=")
        if not equals:
            raise SettingsError(f"--set {word!r} is not understood.", hint="Write --set field=value.")
        texts[name.strip()] = text.strip()
    fields = _user_entity(workplace).fields
    record: dict[str, Any] = {}
    for name, text in texts.items():
        if name not in fields:
            raise SettingsError(f"A user has no field {name!r}.", hint=f"Fields are: {', '.join(fields)}.")
        try:
            record[name] = converter(fields[name], ImportOptions())(text)
        except BadValue as error:
            raise SettingsError(f"{name}: {error.message}") from None
    return record


def _user_entity(workplace: "Workplace") -> Any:
    from xrm_core.errors import SettingsError

    if "user" not in workplace.model or "email" not in workplace.model["user"].fields:
        raise SettingsError(
            "These entity files have no entity «user» with a field «email», so nobody can have a token.",
            hint="Add a user.json; the core pack has one to begin with.",
        )
    return workplace.model["user"]


def user_id(workplace: "Workplace", connection: "Connection", email: str) -> str:
    """The id of the user with an e-mail address.

    Raises:
        NotFound: there is none, or more than one.
    """
    from sqlalchemy import select

    from xrm_core.errors import NotFound

    _user_entity(workplace)
    table = workplace.tables["user"]
    found = connection.scalars(select(table.c.id).where(table.c.email == email).limit(2)).all()
    if len(found) != 1:
        raise NotFound(
            f"There is {'no user' if not found else 'more than one user'} with the e-mail address {email}.",
            hint="Make one by «xrm user create»." if not found else "",
        )
    return str(found[0])
