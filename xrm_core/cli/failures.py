"""How a command ends that failed: one clear message on standard error, no traceback."""

import os
import traceback
from uuid import uuid4

import typer

from xrm_core.errors import InternalError, XrmError

FAILED = 1
"""Exit code of a command that failed; wrong usage is 2."""


def say(error: XrmError) -> None:
    """``error CODE: message``, and how to mend it."""
    typer.secho(f"error {error.code}: ", fg="red", bold=True, nl=False, err=True)
    typer.echo(printable(error.message), err=True)
    if error.hint:
        typer.secho("hint: ", bold=True, nl=False, err=True)
        typer.echo(printable(error.hint), err=True)


def unexpected(error: Exception) -> InternalError:
    """A neutral error for what nobody foresaw. With ``XRM_DEBUG=1`` the cause is printed, too."""
    number = uuid4().hex
    if os.environ.get("XRM_DEBUG") == "1":
        typer.echo(f"request id {number}", err=True)
        traceback.print_exception(error)
    return InternalError(
        f"Something went wrong that should not have ({type(error).__name__}, request id {number}).",
        hint="Run the command again with XRM_DEBUG=1 in the environment and report what it prints.",
        details={"requestId": number},
    )


def printable(text: str) -> str:
    """Without the control characters by which a file's content could play tricks on the terminal."""
    return "".join(character if character.isprintable() or character == "\n" else "\ufffd" for character in text)
