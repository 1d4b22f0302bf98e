"""Cursors of the feed: encrypted, so that nobody can make one or read in it how much others do.

A cursor says up to where its bearer knows the log, and under which rights and which model. With others, what they see
has changed by something that is in no log.
"""

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection

from xrm_core.errors import BadCursor
from xrm_core.permissions.caller import User
from xrm_core.records.feed.place import Head, first_hash
from xrm_core.settings import secret_keys

_NONCE, _DIGEST, _MOST = 12, 16, 1000
_SIZE = 256  # bytes of every cursor: its length says nothing of the numbers in it


@dataclass(frozen=True, slots=True)
class Cursor:
    """``base``: up to there everything is known. ``after``: and up to there all whose newest change lies there.

    The two differ only between the pages of one run. ``rights`` and ``model`` are digests, ``seen`` the end of the log
    when the cursor was made.
    """

    base: int
    after: int
    rights: str
    model: str
    seen: Head


class Cursors:
    """Makes and reads cursors.

    Args:
        setting: XRM_SECRET_KEY: the first key encrypts, all of them read. Without any, the key is made of the log's
            first hash alone, which whoever runs the server can find out.
        tenant: whose log it is; a cursor of another is none.
    """

    def __init__(self, setting: str, tenant: str = "") -> None:
        self._keys = secret_keys(setting) or ("",)
        self._tenant = tenant.encode()

    def text(self, connection: Connection, cursor: Cursor) -> str:
        """A cursor as clients have it."""
        return self.sealer(connection)(cursor)

    def sealer(self, connection: Connection) -> Callable[[Cursor], str]:
        """What makes texts of many cursors."""
        cipher = next(self._ciphers(first_hash(connection)))

        def seal(cursor: Cursor) -> str:
            seen = cursor.seen
            content = [cursor.base, cursor.after, cursor.rights, cursor.model, seen.position, seen.batch, seen.chain]
            nonce = os.urandom(_NONCE)
            sealed = cipher.encrypt(nonce, json.dumps(content).ljust(_SIZE).encode(), self._tenant)
            return base64.urlsafe_b64encode(nonce + sealed).decode()

        return seal

    def read(self, connection: Connection, text: str) -> Cursor:
        """The cursor again.

        Raises:
            BadCursor: it is none of ours, or was changed.
        """
        with suppress(binascii.Error, ValueError):
            raw = base64.b64decode(text[:_MOST], altchars=b"-_", validate=True)
            # A log that was empty when the cursor was made had no first hash.
            for salt in dict.fromkeys((first_hash(connection), b"")):
                for cipher in self._ciphers(salt):
                    with suppress(InvalidTag):
                        content = cipher.decrypt(raw[:_NONCE], raw[_NONCE:], self._tenant)
                        base, after, rights, model, *seen = json.loads(content)
                        return Cursor(base, after, rights, model, Head(*seen))
        raise BadCursor(
            "The cursor of the feed is not one of this server's.", hint="Begin anew without a cursor: see «reload»."
        )

    def _ciphers(self, salt: bytes) -> Iterator[AESGCM]:
        for key in self._keys:
            yield AESGCM(HKDF(SHA256(), 32, salt=salt or None, info=b"xrm feed 1").derive(key.encode()))


def rights_of(caller: User) -> str:
    """A digest of all that decides which records a user may see, but for the records themselves."""
    about = [caller.access.shape, caller.id, caller.team, sorted(caller.teams), sorted(caller.access.roles)]
    return _digest(json.dumps(about))


def model_of(fingerprint: str) -> str:
    """A digest of a model: with another one, values may be others without a change of their record."""
    return _digest(fingerprint)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]
