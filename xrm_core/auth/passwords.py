"""Passwords: which are taken, and how they are kept (argon2id)."""

import threading
import unicodedata
from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from xrm_core.errors import XrmError

SHORTEST, LONGEST = 8, 1024
"""Characters of a password."""

AT_ONCE = 2
"""Passwords that a process hashes at a time: each takes memory on purpose."""

_turn = threading.Semaphore(AT_ONCE)


class PasswordRefused(XrmError):
    """A new password is too short or too long, or among the first that anybody would try."""

    code = "PASSWORD_REFUSED"
    http_status = 422


class Passwords:
    """Makes and checks hashes of passwords. Blocking, and slow on purpose: call it from a worker thread.

    Args:
        memory: KiB that making a hash takes.
        passes: how often it goes through them.
    """

    def __init__(self, memory: int, passes: int) -> None:
        # One lane: more would not make it dearer for those who guess, and threads are ours to bound.
        self._hashes = PasswordHash([Argon2Hasher(time_cost=passes, memory_cost=memory, parallelism=1)])
        self._nobodys: str | None = None

    def hash(self, password: str) -> str:
        """What is kept of a password that :func:`check_new` has found good."""
        with _turn:
            return self._hashes.hash(_canonical(password))

    def verify(self, password: str, kept: str | None) -> tuple[bool, str | None]:
        """Whether a password is the one of a hash, and a new hash if that one was made with other parameters.

        Args:
            password: as somebody has entered it.
            kept: the hash, or None: nobody's password is checked, which takes as long.
        """
        if len(password) > LONGEST:
            return False, None
        with _turn:
            if self._nobodys is None:
                self._nobodys = self._hashes.hash("nobody's password")
            right, better = self._hashes.verify_and_update(_canonical(password), kept or self._nobodys)
        return (right, better) if kept is not None else (False, None)


def check_new(password: str, email: str) -> None:
    """Refuse a password that is no good for the user with an e-mail address.

    Raises:
        PasswordRefused: says what is wrong.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise PasswordRefused(
            f"A password has {SHORTEST} to {LONGEST} characters.", hint="Take a few words that do not belong together."
        )
    try:
        password.encode()
    except UnicodeEncodeError:
        raise PasswordRefused("The password has half a character in it.", hint="Enter it anew.") from None
    plain = password.strip().casefold()
    if email and plain in (email.casefold(), email.partition("@")[0].casefold()):
        raise PasswordRefused("The password is your e-mail address.", hint="Take another one.")
    if plain in _commonest() or len(set(plain)) < 3:
        raise PasswordRefused(
            "The password is one of the first that anybody would try.",
            hint="Take a few words that do not belong together.",
        )


def _canonical(password: str) -> bytes:
    """Equal for what looks equal: an «é» may be one character or two, depending on the keyboard."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


@cache
def _commonest() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # a megabyte, which only those need who set a password

    return frozenset(each for each in FREQUENCY_LISTS["passwords"] if len(each) >= SHORTEST)
