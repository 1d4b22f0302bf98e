"""``xrm user link`` and ``xrm user unlink``: which account of an OpenID provider signs in as a user."""

from typing import Annotated

import typer

from xrm_core.cli.accounts import Email, user_id
from xrm_core.cli.options import DatabaseUrl, Schemas


def link_user(
    email: Email,
    issuer: Annotated[
        str | None, typer.Option(help="The provider's issuer, as in XRM_OIDC.", show_default=False)
    ] = None,
    subject: Annotated[str | None, typer.Option(help="The account there: the claim «sub».", show_default=False)] = None,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Let an account of a provider sign in as a user, and as nobody else; without options, list those of a user."""
    from xrm_core.auth import events, oidc_people
    from xrm_core.cli.workplace import opened

    if (issuer is None) != (subject is None):
        raise typer.BadParameter("--issuer and --subject belong together.")
    with opened(schemas, database) as workplace:
        workplace.check_applied()
        with workplace.database.begin() if issuer else workplace.database.read() as connection:
            user = user_id(workplace, connection, email)
            if issuer and subject:
                oidc_people.link(connection, user, issuer, subject)
                details = {"issuer": issuer, "account": subject, "by": "command line"}
                events.record(connection, events.Event.IDENTITY_LINKED, subject=user, details=details)
            found = oidc_people.linked(connection, user)
    for each in found:
        typer.echo("  ".join(each))


def unlink_user(email: Email, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """Let no account of a provider sign in as a user any more; sessions that are open stay."""
    from xrm_core.auth import events, oidc_people
    from xrm_core.cli.workplace import opened

    with opened(schemas, database) as workplace:
        workplace.check_applied()
        with workplace.database.begin() as connection:
            user = user_id(workplace, connection, email)
            count = oidc_people.unlink(connection, user)
            if count:
                events.record(connection, events.Event.IDENTITY_UNLINKED, subject=user, details={"accounts": count})
    typer.echo(f"{count} account(s) of providers no longer sign in as {email}.")
