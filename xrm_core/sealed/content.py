"""The form of sealed content: AES-256 in GCM by segments, of which each opens by itself, so that a part can be read.

It is the wire format of Tink's streaming AEAD «AES-GCM-HKDF» with SHA-256, keys of 32 bytes and segments of
:data:`SEGMENT_BYTES`: a header (its length, a salt, how nonces begin), then the segments, of which the first is shorter
by the header. Each time it is sealed by another key, derived from its own, the salt and the place; a nonce has the
number of its segment and whether it is the last. So no segment can be changed, moved, left out or cut off. No I/O here.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from xrm_core.sealed.envelope import Place
from xrm_core.sealed.errors import SealedValueForeign
from xrm_core.storage.file_tables import CHUNK_BYTES

SEGMENT_BYTES = CHUNK_BYTES
"""Of a segment as it is stored: so a chunk of the database is one."""

_SALT_BYTES, _PREFIX_BYTES, _TAG_BYTES = 32, 7, 16
HEADER_BYTES = 1 + _SALT_BYTES + _PREFIX_BYTES
_CLEAR_BYTES = SEGMENT_BYTES - _TAG_BYTES
KEY_BYTES = 32


def sealed_content(key: bytes, place: Place, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Content as it is stored, of the same another one each time.

    Args:
        key: of this content alone, :data:`KEY_BYTES` by chance.
        place: of which file it is.
        pieces: the content in clear, of any size; of each piece that is given out those before it are taken, and one
            more at most.

    Returns:
        Pieces of :data:`SEGMENT_BYTES`, the last of which may be shorter.
    """
    salt, prefix = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_PREFIX_BYTES)
    header = bytes([HEADER_BYTES]) + salt + prefix
    cipher = _cipher(key, place, salt)
    for number, (clear, last) in enumerate(_cut(pieces, _CLEAR_BYTES, HEADER_BYTES)):
        segment = cipher.encrypt(_nonce(prefix, number, last), clear, None)
        yield header + segment if number == 0 else segment


def opened_content(key: bytes, place: Place, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Content in clear again, segment by segment.

    Raises:
        SealedValueForeign: it was not sealed by this key for this place, or was changed or cut. What has come out until
            then is a beginning of what was sealed.
    """
    stored = _cut(pieces, SEGMENT_BYTES)
    first, last = next(stored)
    segments = _Segments(key, place, first[:HEADER_BYTES])
    for number, (segment, is_last) in enumerate(chain([(first[HEADER_BYTES:], last)], stored)):
        yield segments.opened(number, segment, is_last)


def opened_part(
    key: bytes, place: Place, size: int, part: range, stored: Callable[[range], Iterable[bytes]]
) -> Iterator[bytes]:
    """Some bytes of content in clear, of which no more is read than the segments in which they are.

    Args:
        key: of this content.
        place: of which file it is.
        size: of the content as it is stored.
        part: the bytes in clear; one at least.
        stored: gives bytes of what is stored.

    Raises:
        SealedValueForeign: as above.
    """
    first, last = ((at + HEADER_BYTES) // _CLEAR_BYTES for at in (part.start, part.stop - 1))
    count = -(-size // SEGMENT_BYTES)
    segments = _Segments(key, place, b"".join(stored(range(HEADER_BYTES))))
    begin = first * SEGMENT_BYTES if first else HEADER_BYTES
    inner = stored(range(begin, min((last + 1) * SEGMENT_BYTES, size)))
    cut = _cut(inner, SEGMENT_BYTES, 0 if first else HEADER_BYTES)
    for number, (segment, _) in enumerate(cut, first):
        at = number * _CLEAR_BYTES - HEADER_BYTES if number else 0
        clear = segments.opened(number, segment, number == count - 1)
        yield clear[max(part.start - at, 0) : part.stop - at]


class _Segments:
    """Opens segments of one content."""

    def __init__(self, key: bytes, place: Place, header: bytes) -> None:
        if len(header) < HEADER_BYTES or header[0] != HEADER_BYTES:
            raise _foreign()
        self._prefix = header[1 + _SALT_BYTES :]
        self._cipher = _cipher(key, place, header[1 : 1 + _SALT_BYTES])

    def opened(self, number: int, segment: bytes, last: bool) -> bytes:
        try:
            return self._cipher.decrypt(_nonce(self._prefix, number, last), segment, None)
        except (InvalidTag, ValueError):  # ValueError: it is shorter than what seals it
            raise _foreign() from None


def _cipher(key: bytes, place: Place, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt=salt, info=place.bound()).derive(key))


def _nonce(prefix: bytes, number: int, last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([last])


def _cut(pieces: Iterable[bytes], size: int, less: int = 0) -> Iterator[tuple[bytes, bool]]:
    """The same bytes in pieces of a size, the first shorter by ``less``; each with whether it is the last."""
    buffer = bytearray()
    wanted = size - less
    for piece in pieces:
        buffer += piece
        while len(buffer) > wanted:
            yield bytes(buffer[:wanted]), False
            del buffer[:wanted]
            wanted = size
    yield bytes(buffer), True


def _foreign() -> SealedValueForeign:
    return SealedValueForeign(
        "The content of a file does not belong to it, or was changed.",
        hint="It was moved or changed where it lies. Restore it from a backup.",
    )
