"""``xrm user password``: give a user a password."""

import sys
from typing import Annotated

import typer

from xrm_core.cli.accounts import Email, user_id
from xrm_core.cli.options import DatabaseUrl, Schemas


def set_password(
    email: Email,
    stdin: Annotated[
        bool, typer.Option("--stdin", help="Read the password from the first line of standard input, without asking.")
    ] = False,
    schemas: Schemas = None,
    database: DatabaseUrl = None,
) -> None:
    """Give a user a password; asks for it twice. All sessions of the user end."""
    from xrm_core.auth import stored_passwords
    from xrm_core.auth.passwords import Passwords, check_new
    from xrm_core.cli.workplace import opened

    with opened(schemas, database) as workplace:
        workplace.check_applied()
        with workplace.database.read() as connection:
            user = user_id(workplace, connection, email)
        password = sys.stdin.readline().rstrip("\r\n") if stdin else _asked()
        check_new(password, email)
        settings = workplace.settings
        kept = Passwords(settings.password_memory, settings.password_passes).hash(password)
        with workplace.database.begin() as connection:
            stored_passwords.set_password(connection, user, kept)
    typer.echo(f"{email} has a new password; sessions that were open have ended.")


def _asked() -> str:
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt="Once more")
    return password
