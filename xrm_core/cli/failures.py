"""How a command ends that failed: one clear message on standard error, no traceback."""

import errno
import os
import sys
import traceback
from pathlib import Path
from uuid import uuid4

import typer

from xrm_core.errors import InternalError, SettingsError, XrmError

FAILED = 1
"""Exit code of a command that failed; wrong usage is 2."""


_OUTPUT_ERRORS = frozenset({errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})


def say(error: XrmError) -> None:
    """``error CODE: message``, and how to mend it."""
    typer.secho(f"error {error.code}: ", fg="red", bold=True, nl=False, err=True)
    typer.echo(printable(error.message), err=True)
    if error.hint:
        typer.secho("hint: ", bold=True, nl=False, err=True)
        typer.echo(printable(error.hint), err=True)


def is_about_output(error: OSError) -> bool:
    """Whether it comes of writing to standard output: of a full device or a closed pipe, and without a file's name."""
    return error.filename is None and error.errno in _OUTPUT_ERRORS


def unwritable(error: OSError) -> SettingsError:
    """The error for an answer that nobody got. Drops what is still to be written, which would fail again at the end."""
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    return SettingsError(
        f"The answer cannot be written to standard output: {os.strerror(error.errno or 0)}.",
        hint="The command itself may have done its work. Look what came of it, or send the answer elsewhere.",
    )


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
