"""``xrm user invite``, ``reset``, ``sessions``, ``logout``, ``totp``: what an administrator does for users."""

from typing import TYPE_CHECKING, Annotated

import typer

from xrm_core.cli.accounts import Email, user_id
from xrm_core.cli.options import DatabaseUrl, Schemas

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from xrm_core.auth.one_time import Purpose


SendsMail = Annotated[bool, typer.Option("--mail", help="Send it by mail instead of printing it.")]


def invite_user(
    email: Email,
    days: Annotated[int, typer.Option(min=1, max=90, help="Days that it is valid.")] = 7,
    mail: SendsMail = False,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Print a token by which a new user sets a password, once."""
    import datetime as dt

    from xrm_core.auth.one_time import Purpose

    _link(email, Purpose.INVITATION, dt.timedelta(days=days), mail, schemas, database)


def reset_password(
    email: Email,
    hours: Annotated[int, typer.Option(min=1, max=720, help="Hours that it is valid.")] = 24,
    mail: SendsMail = False,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Print a token by which a user sets a new password, once; until then nothing changes."""
    import datetime as dt

    from xrm_core.auth.one_time import Purpose

    _link(email, Purpose.RESET, dt.timedelta(hours=hours), mail, schemas, database)


def list_sessions(email: Email, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """List where a user is signed in: device, address and times."""
    from xrm_core.auth.sessions import sessions_of
    from xrm_core.cli.account_lists import aligned
    from xrm_core.cli.workplace import opened

    with opened(schemas, database) as workplace:
        workplace.check_applied()
        with workplace.database.read() as connection:
            found = sessions_of(connection, user_id(workplace, connection, email))
    rows = [
        (
            each.device,
            each.address or "",
            f"created {each.created_at}",
            f"seen {each.seen_at}",
            f"expires {each.expires_at}",
        )
        for each in found
    ]
    for line in aligned(rows):
        typer.echo(line)


def logout(email: Email, schemas: Schemas = None, database: DatabaseUrl = None) -> None:
    """End all sessions of a user, and know none of their devices. A running server may take two seconds to know."""
    from xrm_core.auth.account_changes import sign_out_everywhere
    from xrm_core.cli.workplace import opened

    with opened(schemas, database) as workplace:
        workplace.check_applied()
        with workplace.database.begin() as connection:
            ended = sign_out_everywhere(connection, user_id(workplace, connection, email))
    typer.echo(f"{email} is signed out everywhere ({ended} sessions).")


def show_totp(
    email: Email,
    remove: Annotated[bool, typer.Option("--remove", help="Take it away; all sessions end.")] = False,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Say whether a user has a second factor; with --remove take it away from who has lost it."""
    from xrm_core.auth import recovery_codes, totp
    from xrm_core.auth.account_changes import remove_totp
    from xrm_core.cli.workplace import opened
    from xrm_core.errors import NotFound

    with opened(schemas, database) as workplace:
        workplace.check_applied()
        with workplace.database.begin() if remove else workplace.database.read() as connection:
            user = user_id(workplace, connection, email)
            if not remove:
                left = recovery_codes.codes_left(connection, user)
                on = totp.is_on(connection, user)
                typer.echo(f"on, {left} recovery codes left" if on else "off")
                return
            if not remove_totp(connection, user):
                raise NotFound(f"{email} has no second factor.")
    typer.echo(f"{email} signs in without a second factor; sessions that were open have ended.")


def _link(
    email: str, purpose: "Purpose", valid: "dt.timedelta", mail: bool, schemas: "Path | None", database: str | None
) -> None:
    import asyncio

    from xrm_core.auth.account_changes import offer_link
    from xrm_core.auth.mail import require_mail
    from xrm_core.auth.people import Person, hold
    from xrm_core.cli.tenant_option import chosen_tenant
    from xrm_core.cli.workplace import opened

    with opened(schemas, database) as workplace:
        sender = require_mail(workplace.settings) if mail else None
        workplace.check_applied()
        with workplace.database.begin() as connection:
            users = workplace.tables["user"]
            # Who gets another address at this moment must not have a link sent to the former one.
            hold(connection, users, [user_id(workplace, connection, email)])
            person = Person(user_id(workplace, connection, email), email)
            link = offer_link(connection, users, person, purpose, valid, mailed=mail)
        if sender is None:
            typer.echo(link.token)
            return
        # After the transaction: nobody gets a link that is not there, and no lock waits for a mail server.
        asyncio.run(sender.send_link(email, link.language, purpose, link.token, chosen_tenant()))
    typer.echo(f"A link was sent to {email}.")
