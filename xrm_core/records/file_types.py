"""Which media type a file has: what its sender says, unless the content says otherwise.

Only what is certain is looked at: the first bytes of formats that have a signature. A sender who says «image/png» of
something else is refused, since a field that takes images must not get scripts. The small table is our own: libraries
that guess among hundreds of formats are made for files that nobody has described, and guess wrong in both directions.
"""

import re

from xrm_core.errors import FileRefused

HEAD_BYTES = 4096
"""So much of the content has to be at hand."""

UNKNOWN = "application/octet-stream"

_NAME = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_SIGNATURES: tuple[tuple[str, int, bytes], ...] = (
    ("application/pdf", 0, b"%PDF-"),
    ("image/png", 0, b"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", 0, b"\xff\xd8\xff"),
    ("image/gif", 0, b"GIF87a"),
    ("image/gif", 0, b"GIF89a"),
    ("image/bmp", 0, b"BM"),
    ("image/tiff", 0, b"II*\x00"),
    ("image/tiff", 0, b"MM\x00*"),
    ("image/webp", 8, b"WEBP"),
    ("image/avif", 4, b"ftypavif"),
    ("image/heic", 4, b"ftypheic"),
    ("application/zip", 0, b"PK\x03\x04"),
    ("application/zip", 0, b"PK\x05\x06"),
    ("application/gzip", 0, b"\x1f\x8b"),
    ("application/x-ole-storage", 0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ("application/vnd.microsoft.portable-executable", 0, b"MZ"),
    ("application/x-elf", 0, b"\x7fELF"),
)
_WEAK = frozenset({"image/bmp", "application/vnd.microsoft.portable-executable"})
"""Signatures so short that a text may begin with them."""

_CONTAINERS = {
    "application/zip": re.compile(
        r"application/(vnd\.openxmlformats-officedocument|vnd\.oasis\.opendocument|vnd\.ms-\w+\.|epub\+zip|java-archive"
        r"|x-zip|zip)"
    ),
    "application/x-ole-storage": re.compile(r"application/(msword|vnd\.ms-|x-ole-storage|vnd\.visio)"),
}
"""Formats that others are made in → the media types that they may go by."""

_SAME = {"image/jpg": "image/jpeg", "image/x-ms-bmp": "image/bmp", "application/x-pdf": "application/pdf"}
_TEXTS = re.compile(r"text/|application/(json|xml|javascript)|.*\+(xml|json)$")


def media_type_of(claimed: str | None, head: bytes) -> str:
    """The media type of a file.

    Args:
        claimed: what its sender says, as in ``Content-Type``; None: nothing.
        head: the first :data:`HEAD_BYTES` of it, or all.

    Raises:
        FileRefused: the content is something else than its sender says.
    """
    name = (claimed or UNKNOWN).partition(";")[0].strip().lower()
    name = _SAME.get(name, name)
    if not _NAME.fullmatch(name):
        name = UNKNOWN
    found = _signed(head)
    if name == UNKNOWN:
        return found or UNKNOWN
    container = _CONTAINERS.get(found or "")
    if found == name or (container is not None and container.match(name)):
        return name
    if name in {known for known, _, _ in _SIGNATURES} or (found is not None and found not in _WEAK):
        raise FileRefused(
            f"The file is not {name}, as its sender says.",
            hint="Send it with the media type that it has, or with application/octet-stream.",
        )
    if _TEXTS.match(name) and b"\0" in head:
        raise FileRefused(f"The file is not text, so it cannot be {name}.", hint="Send it with its own media type.")
    if name.startswith("image/") and name != "image/svg+xml" and _looks_like_markup(head):
        raise FileRefused(f"The file is markup, not {name}.", hint="Send it with its own media type.")
    return name


def _signed(head: bytes) -> str | None:
    return next((name for name, place, mark in _SIGNATURES if head[place : place + len(mark)] == mark), None)


def _looks_like_markup(head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
