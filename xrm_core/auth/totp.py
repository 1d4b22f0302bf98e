"""The second factor: codes of an authenticator app that change every thirty seconds (TOTP, RFC 6238).

The secret is encrypted with a key outside the database. A code is taken once: the step of time that it belongs to must
be later than that of the last one, which is set in the same statement that looks at it.
"""

import datetime as dt
import re
import time

import pyotp
from pyotp.exceptions import OTPVerificationError
from sqlalchemy import Connection, delete, insert, select, update

from xrm_core.auth import recovery_codes
from xrm_core.auth.secret_box import SecretBox
from xrm_core.errors import BadQuery
from xrm_core.storage.system import TOTP

WINDOW = 1
"""Steps by which the clocks of server and app may differ."""

_DIGITS = re.compile(r"[0-9]{6}")


def is_on(connection: Connection, user_id: str) -> bool:
    """Whether a user needs a code to sign in."""
    mine = select(TOTP.c.user_id).where(TOTP.c.user_id == user_id, TOTP.c.confirmed_at.is_not(None))
    return connection.scalar(mine) is not None


def enrol(connection: Connection, box: SecretBox, user_id: str, name: str) -> tuple[str, str]:
    """Give a user a secret, which counts once it is confirmed; answers it, and the URI for the app's camera.

    Args:
        connection: in a write transaction.
        box: encrypts it.
        user_id: whose.
        name: what the app calls the account.

    Raises:
        BadQuery: the user has a second factor already.
        SecretKeyNeeded: it cannot be encrypted.
    """
    secret = pyotp.random_base32()
    sealed = box.seal(secret, owner(user_id))
    connection.execute(delete(TOTP).where(TOTP.c.user_id == user_id, TOTP.c.confirmed_at.is_(None)))
    if is_on(connection, user_id):
        raise BadQuery("You have a second factor already.", hint="Disable it first.")
    now = dt.datetime.now(dt.UTC)
    connection.execute(insert(TOTP).values(user_id=user_id, secret=sealed, last_step=0, created_at=now))
    return secret, pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name="xRM")


def confirm(connection: Connection, box: SecretBox, user_id: str, code: str) -> list[str] | None:
    """Let the secret count from now on; answers recovery codes, or None if the code is wrong.

    Raises:
        BadQuery: there is nothing to confirm.
        SecretKeyNeeded: the secret cannot be read.
    """
    mine = (TOTP.c.user_id == user_id, TOTP.c.confirmed_at.is_(None))
    if connection.scalar(select(TOTP.c.user_id).where(*mine)) is None:
        raise BadQuery("There is no second factor to confirm.", hint="Enrol one first.")
    if not _take(connection, box, user_id, code):
        return None
    connection.execute(update(TOTP).where(*mine).values(confirmed_at=dt.datetime.now(dt.UTC)))
    return recovery_codes.make_codes(connection, user_id)


def check(connection: Connection, box: SecretBox, user_id: str, code: str) -> bool:
    """Whether a code of the app is right, and has not been used before; it is used up by that.

    Raises:
        SecretKeyNeeded: the secret cannot be read.
    """
    return is_on(connection, user_id) and _take(connection, box, user_id, code)


def disable(connection: Connection, user_id: str) -> bool:
    """Take a user's second factor and recovery codes away; False if there is none."""
    recovery_codes.remove_codes(connection, user_id)
    return connection.execute(delete(TOTP).where(TOTP.c.user_id == user_id)).rowcount == 1


def _take(connection: Connection, box: SecretBox, user_id: str, code: str) -> bool:
    sealed = connection.scalar(select(TOTP.c.secret).where(TOTP.c.user_id == user_id))
    plain = "".join(code.split())
    if sealed is None or not _DIGITS.fullmatch(plain):
        return False
    app = pyotp.TOTP(box.open(sealed, owner(user_id)))
    try:
        step = app.verify_and_get_timecode(plain, for_time=time.time(), valid_window=WINDOW)
    except OTPVerificationError:
        return False
    later = update(TOTP).where(TOTP.c.user_id == user_id, TOTP.c.last_step < step)
    return connection.execute(later.values(last_step=step)).rowcount == 1


def owner(user_id: str) -> str:
    """As whose the secret of a user is encrypted."""
    return f"totp {user_id}"
