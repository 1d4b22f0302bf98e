"""Secrets that must be read again (not only compared), encrypted with a key that is not in the database."""

import base64
import binascii
import secrets
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from xrm_core.errors import XrmError

_VERSION, _NONCE_BYTES = "1", 12
_HINT = "Whoever runs the server sets it: 32 characters or more, by chance, the same on all servers."


class SecretKeyNeeded(XrmError):
    """The setting XRM_SECRET_KEY is missing, or is not the one with which a secret was encrypted."""

    code = "SECRET_KEY_NEEDED"
    http_status = 503


class SecretBox:
    """Encrypts texts by AES-256 in GCM.

    Args:
        key: the setting XRM_SECRET_KEY; empty: nothing can be encrypted or read.
    """

    def __init__(self, key: str) -> None:
        self._key = key

    def require(self) -> None:
        """Raise SecretKeyNeeded if there is no key."""
        _ = self._cipher

    def seal(self, text: str, owner: str) -> str:
        """A text, encrypted.

        Args:
            text: the secret.
            owner: whose it is, and what it is for; as nobody else's it cannot be read.

        Raises:
            SecretKeyNeeded: there is no key.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, text.encode(), owner.encode())
        return f"{_VERSION}:{base64.b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, owner: str) -> str:
        """The text again.

        Raises:
            SecretKeyNeeded: there is no key, or it is another one, or the text is not the owner's.
        """
        version, _, content = sealed.partition(":")
        cipher = self._cipher
        try:
            raw = base64.b64decode(content, validate=True)
            if version != _VERSION:
                raise InvalidTag
            return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], owner.encode()).decode()
        except (InvalidTag, binascii.Error, ValueError):
            raise SecretKeyNeeded("XRM_SECRET_KEY is not the key with which this was encrypted.", hint=_HINT) from None

    @cached_property
    def _cipher(self) -> AESGCM:
        if not self._key:
            raise SecretKeyNeeded(
                "XRM_SECRET_KEY is not set; second factors and signing in by a provider need it.", hint=_HINT
            )
        return AESGCM(HKDF(SHA256(), 32, salt=None, info=b"xrm secrets 1").derive(self._key.encode()))
