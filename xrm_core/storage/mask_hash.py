"""The key of masks that are a hash: equal texts have equal hashes in one database, and no others can be told from them.

HMAC-SHA-256, put together of two plain hashes: PostgreSQL has no other without an extension. The key is as two blocks,
those with which the inner and the outer hash begin. It lies beside the texts that it hides: whoever has the database
needs no hash. It is for those who see hashes only, who could else try all phone numbers.
"""

import hashlib
import secrets
import sqlite3

SQLITE_FUNCTION = "xrm_mask_hash"
DIGITS = 16
"""Hexadecimal digits of a hash that are shown."""

_BLOCK = 64


def new_key() -> dict[str, object]:
    """The row of a new key."""
    return blocks(secrets.token_bytes(_BLOCK))


def blocks(key: bytes) -> dict[str, object]:
    """The row of a key of at most 64 bytes."""
    padded = key.ljust(_BLOCK, b"\0")
    inner, outer = (bytes(each ^ pad for each in padded) for pad in (0x36, 0x5C))
    return {"id": 1, "inner_block": inner, "outer_block": outer}


def teach(connection: sqlite3.Connection) -> None:
    """Let statements of a connection call :data:`SQLITE_FUNCTION`."""
    connection.create_function(SQLITE_FUNCTION, 3, _hash, deterministic=True)


def _hash(inner: bytes | None, outer: bytes | None, text: str | None) -> str | None:
    if inner is None or outer is None or text is None:
        return None
    return hashlib.sha256(outer + hashlib.sha256(inner + text.encode()).digest()).hexdigest()[:DIGITS]
