"""``xrm user passkeys``: which passkeys a user has, and taking one away that got lost."""

from typing import Annotated

import typer

from xrm_core.cli.accounts import Email, user_id
from xrm_core.cli.options import DatabaseUrl, Schemas


def list_passkeys(
    email: Email,
    remove: Annotated[
        str | None,
        typer.Option(
            "--remove", metavar="ID", help="Take this one away, or «all»; all sessions end.", show_default=False
        ),
    ] = None,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """List a user's passkeys: id, name, when made and last used; with --remove take them away."""
    from xrm_core.auth import passkeys
    from xrm_core.auth.account_changes import remove_passkeys
    from xrm_core.cli.account_lists import aligned
    from xrm_core.cli.workplace import opened
    from xrm_core.errors import NotFound

    with opened(schemas, database) as workplace:
        workplace.check_applied()
        with workplace.database.begin() if remove else workplace.database.read() as connection:
            user = user_id(workplace, connection, email)
            found = passkeys.passkeys_of(connection, user)
            if remove:
                gone = remove_passkeys(connection, user, None if remove == "all" else remove)
                if not gone:
                    raise NotFound(f"{email} has no such passkey.", hint="«xrm user passkeys EMAIL» lists them.")
    if remove:
        typer.echo(f"{gone} passkey(s) of {email} are gone; sessions that were open have ended.")
        return
    rows = [
        (
            each.id,
            each.name,
            f"created {each.created_at}",
            f"used {each.last_used_at}" if each.last_used_at else "never used",
        )
        for each in found
    ]
    for line in aligned(rows):
        typer.echo(line)
