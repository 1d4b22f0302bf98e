"""Keys of the key store are kept wrapped by XRM_SECRET_KEY, so that the store alone opens nothing. No I/O in here."""

import base64
import binascii
import contextlib
import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from xrm_core.sealed.errors import SealingUnavailable
from xrm_core.settings import secret_keys

_NONCE_BYTES = 12


class Wrapping:
    """Wraps keys.

    Args:
        setting: XRM_SECRET_KEY: keys, separated by commas. The first wraps, all of them unwrap; empty: nothing can be.
    """

    def __init__(self, setting: str) -> None:
        self._ciphers: Sequence[AESGCM] = [
            AESGCM(HKDF(SHA256(), 32, salt=None, info=b"xrm sealed values 1").derive(key.encode()))
            for key in secret_keys(setting)
        ]

    def __bool__(self) -> bool:
        return bool(self._ciphers)

    def wrap(self, key: bytes, key_id: str) -> str:
        """A key as it is kept; under another id it does not open."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return base64.b64encode(nonce + self._ciphers[0].encrypt(nonce, key, key_id.encode())).decode()

    def unwrap(self, wrapped: str, key_id: str) -> bytes:
        """The key again.

        Raises:
            SealingUnavailable: none of the keys in XRM_SECRET_KEY is the one that has wrapped it.
        """
        return self._unwrapped(wrapped, key_id)[0]

    def again(self, wrapped: str, key_id: str) -> str | None:
        """The same key, wrapped by the first key of the setting; None if it is already. Raises as :meth:`unwrap`."""
        key, number = self._unwrapped(wrapped, key_id)
        return None if number == 0 else self.wrap(key, key_id)

    def _unwrapped(self, wrapped: str, key_id: str) -> tuple[bytes, int]:
        with contextlib.suppress(binascii.Error, ValueError):
            raw = base64.b64decode(wrapped, validate=True)
            for number, cipher in enumerate(self._ciphers):
                with contextlib.suppress(InvalidTag):
                    return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], key_id.encode()), number
        raise SealingUnavailable(
            "XRM_SECRET_KEY has not the key that has wrapped a key of the key store.",
            hint="Whoever runs the server names the former key, too, behind a comma.",
        )
