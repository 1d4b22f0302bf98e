"""HMAC with SHA-256, as in :mod:`hmac`, in half of the time: for what is as short as this, OpenSSL takes longer to find
its function than to run it.
"""

from hashlib import sha256

_BLOCK = 64
_INNER, _OUTER = (bytes(each ^ with_ for each in range(256)) for with_ in (0x36, 0x5C))


def keyed_hash(key: bytes, message: bytes) -> bytes:
    """What ``hmac.digest(key, message, "sha256")`` gives; the key has 64 bytes at most."""
    padded = key.ljust(_BLOCK, b"\0")
    return sha256(padded.translate(_OUTER) + sha256(padded.translate(_INNER) + message).digest()).digest()
