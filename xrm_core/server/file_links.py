"""Addresses of files that need no token: signed, for a short time, for one file of one tenant.

A file never changes, so its id names this version of it and no other. All links end when the key that has signed them
is taken out of XRM_SECRET_KEY.
"""

import base64
import datetime as dt
import hmac
import time
from collections.abc import Callable

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from xrm_core.auth.secret_box import SecretBox
from xrm_core.errors import XrmError
from xrm_core.settings import secret_keys

_PURPOSE = b"xrm file links 1"


class LinkRefused(XrmError):
    """A link to a file has expired, or was not made by this server."""

    code = "LINK_REFUSED"
    http_status = 403


class FileLinks:
    """Signs links, and takes them.

    Args:
        key: the setting XRM_SECRET_KEY: the first of its keys signs, all are taken.
        seconds: how long a link is good.
        clock: says what time it is, in seconds since 1970.
    """

    def __init__(self, key: str, seconds: int, clock: Callable[[], float] = time.time) -> None:
        self._box = SecretBox(key)
        # Keys of their own: what is signed here opens nothing that is encrypted by the same setting.
        self._keys = [HKDF(SHA256(), 32, None, _PURPOSE).derive(each.encode()) for each in secret_keys(key)]
        self._seconds = seconds
        self._clock = clock

    def sign(self, tenant: str, file_id: str) -> tuple[str, str]:
        """The query of a link to a file, and when it expires (RFC 3339).

        Raises:
            SecretKeyNeeded: there is no key.
        """
        self._box.require()
        expires = int(self._clock()) + self._seconds
        until = dt.datetime.fromtimestamp(expires, dt.UTC).isoformat()
        return f"expires={expires}&signature={_signature(self._keys[0], tenant, file_id, str(expires))}", until

    def check(self, tenant: str, file_id: str, expires: str, signature: str) -> None:
        """Take a link.

        Raises:
            LinkRefused: it has expired, or is not one of ours, of this tenant and this file. Which of it is not told.
        """
        made = [_signature(key, tenant, file_id, expires) for key in self._keys]
        ours = [hmac.compare_digest(each.encode(), signature.encode("utf-8", "surrogatepass")) for each in made]
        if not any(ours) or int(expires) <= self._clock():
            raise LinkRefused("This link is no longer good, or never was.", hint="Ask for a new one.")


def _signature(key: bytes, tenant: str, file_id: str, expires: str) -> str:
    text = "\n".join((tenant, file_id, expires))
    return (
        base64.urlsafe_b64encode(hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256")).decode().rstrip("=")
    )
