"""Keys by which batches are signed, so that who can only write to the database cannot make a chain of their own."""

import hmac
from collections.abc import Sequence

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from xrm_core.settings import secret_keys

_REMOVED = b" removed"
"""Behind a chain hash; that alone, which is shorter, is what the signature of a batch is of."""


class ChainKeys:
    """Signs the hashes of the chain.

    Args:
        setting: XRM_SECRET_KEY: keys, separated by commas. The first signs, all of them check; empty: nothing is
            signed.
    """

    def __init__(self, setting: str) -> None:
        self._keys: Sequence[bytes] = [
            HKDF(SHA256(), 32, salt=None, info=b"xrm change log 1").derive(key.encode()) for key in secret_keys(setting)
        ]

    def __bool__(self) -> bool:
        return bool(self._keys)

    def mac(self, chain: bytes) -> bytes | None:
        """The signature of a chain hash; None: there is no key."""
        return hmac.digest(self._keys[0], chain, "sha256") if self._keys else None

    def removal(self, chain: bytes) -> bytes | None:
        """The signature of a server that has removed the entries of the batch with a chain hash; None: there is no key.

        Who can only write to the database cannot pass off a deletion of their own as this.
        """
        return self.mac(chain + _REMOVED)

    def right_removal(self, chain: bytes, mac: bytes) -> bool:
        """Whether one of the keys has signed that the entries were removed."""
        return self.right(chain + _REMOVED, mac)

    def right(self, chain: bytes, mac: bytes) -> bool:
        """Whether one of the keys has signed this."""
        return any(hmac.compare_digest(hmac.digest(key, chain, "sha256"), mac) for key in self._keys)
