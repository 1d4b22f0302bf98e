"""Secrets that must be read again (not only compared), encrypted with a key that is not in the database."""

import base64
import binascii
import contextlib
import secrets
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from xrm_core.errors import XrmError
from xrm_core.settings import secret_keys

_VERSION, _NONCE_BYTES = "1", 12
_HINT = "Whoever runs the server sets it: 32 characters or more, by chance, the same on all servers."


class SecretKeyNeeded(XrmError):
    """The setting XRM_SECRET_KEY is missing, or has not the key with which a secret was encrypted."""

    code = "SECRET_KEY_NEEDED"
    http_status = 503


class SecretBox:
    """Encrypts texts by AES-256 in GCM.

    Args:
        key: the setting XRM_SECRET_KEY: keys, separated by commas. The first encrypts, all of them read; empty: nothing
            can be encrypted or read.
    """

    def __init__(self, key: str) -> None:
        self._keys = secret_keys(key)

    def require(self) -> None:
        """Raise SecretKeyNeeded if there is no key."""
        _ = self._ciphers

    def seal(self, text: str, owner: str) -> str:
        """A text, encrypted.

        Args:
            text: the secret.
            owner: whose it is, and what it is for; as nobody else's it cannot be read.

        Raises:
            SecretKeyNeeded: there is no key.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._ciphers[0].encrypt(nonce, text.encode(), owner.encode())
        return f"{_VERSION}:{base64.b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, owner: str) -> str:
        """The text again.

        Raises:
            SecretKeyNeeded: there is no key, or none of them is the one, or the text is not the owner's.
        """
        return self._opened(sealed, owner)[0]

    def reseal(self, sealed: str, owner: str) -> str | None:
        """The same text, encrypted with the first key; None if it is already.

        Raises:
            SecretKeyNeeded: as :meth:`open`.
        """
        text, number = self._opened(sealed, owner)
        return None if number == 0 else self.seal(text, owner)

    def _opened(self, sealed: str, owner: str) -> tuple[str, int]:
        """The text, and the number of the key that has opened it."""
        ciphers = self._ciphers
        version, _, content = sealed.partition(":")
        with contextlib.suppress(binascii.Error, ValueError):
            raw = base64.b64decode(content, validate=True) if version == _VERSION else b""
            for number, cipher in enumerate(ciphers):
                with contextlib.suppress(InvalidTag):
                    return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], owner.encode()).decode(), number
        raise SecretKeyNeeded("XRM_SECRET_KEY has not the key with which this was encrypted.", hint=_HINT)

    @cached_property
    def _ciphers(self) -> list[AESGCM]:
        if not self._keys:
            raise SecretKeyNeeded(
                "XRM_SECRET_KEY is not set; all that is kept encrypted needs it: second factors, passkeys, "
                "sign-in by providers, secrets of webhooks, sealed values.",
                hint=_HINT,
            )
        return [AESGCM(HKDF(SHA256(), 32, salt=None, info=b"xrm secrets 1").derive(key.encode())) for key in self._keys]
