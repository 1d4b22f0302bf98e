"""The text of what lies in ZIP and gzip files, part by part, read as files of their own.

Whatever such a file says of its sizes, no more is unpacked than the budget of the whole file has left, and parts within
parts share that: a small file that unpacks to terabytes ends at the same limit as any other.
"""

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import IO

from xrm_dsgvo.contents.result import MOST_BYTES, Budget, Missing, Spent, Text, limited
from xrm_dsgvo.contents.texts import decoded

_MOST_ENTRIES = 20_000
"""Entries of the list of a ZIP file, which is read as a whole."""

_ENTRY = b"PK\x01\x02"
_READ = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""Other ways take more memory, and fail in ways of their own."""

_PIECE = 1 << 16
_UTF8 = 0x800
_OF_SYSTEMS = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
"""What programs for desktops put beside files: nothing that anybody has written."""

_FAILURES = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)

Read = Callable[[str, bytes], Text]
"""Reads a part, by name and content."""


def has_too_many(content: bytes) -> bool:
    """Whether the list of a ZIP file is longer than is read."""
    return content.count(_ENTRY) > _MOST_ENTRIES


def of_zip(content: bytes, budget: Budget, read: Read) -> Text:
    """Names and texts of all parts. What cannot be read of them is missing: the first reason counts."""
    if has_too_many(content):
        return Text(missing=Missing.TOO_LARGE)
    found: list[str] = []
    missing: Missing | None = None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                if entry.is_dir() or any(each in entry.filename for each in _OF_SYSTEMS):
                    continue
                found += _names(entry)
                said = _part(archive, entry, budget, read)
                found.append(said.text)
                missing = missing or said.missing
    except Spent:
        missing = missing or Missing.TOO_LARGE
    except _FAILURES:
        missing = missing or Missing.BROKEN
    whole = limited("\n".join(found))
    return Text(whole.text, missing or whole.missing)


def of_gzip(content: bytes, name: str, budget: Budget, read: Read) -> Text:
    """The text of the file that was packed, which is called as the packed one is without its end."""
    try:
        budget.part()
        unpacked = b"".join(_members(content, budget))
    except Spent:
        return Text(missing=Missing.TOO_LARGE)
    except _FAILURES:
        return Text(missing=Missing.BROKEN)
    path = PurePath(name)
    inner = f"{path.stem}.tar" if path.suffix.lower() == ".tgz" else path.stem
    return read(inner, unpacked)


def _names(entry: zipfile.ZipInfo) -> Iterator[str]:
    """What a part is called, also by programs that do not say in which letters."""
    yield entry.filename
    if not entry.flag_bits & _UTF8:
        try:
            yield decoded(entry.filename.encode("cp437"))
        except UnicodeEncodeError:
            return


def _part(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: Budget, read: Read) -> Text:
    if entry.flag_bits & 1:
        return Text(missing=Missing.ENCRYPTED)
    if entry.compress_type not in _READ:
        return Text(missing=Missing.FORMAT)
    budget.part()
    try:
        with archive.open(entry) as part:
            unpacked = _limited(part, budget)
    except _FAILURES:
        return Text(missing=Missing.BROKEN)
    return Text(missing=Missing.TOO_LARGE) if unpacked is None else read(entry.filename, unpacked)


def _limited(part: IO[bytes], budget: Budget) -> bytes | None:
    """All of it; None: no file of that size is opened."""
    pieces: list[bytes] = []
    size = 0
    while piece := part.read(_PIECE):
        budget.take(len(piece))
        size += len(piece)
        if size > MOST_BYTES:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _members(content: bytes, budget: Budget) -> Iterator[bytes]:
    """What was packed; one file may have several members, one behind the other."""
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
        while piece := packed.read(_PIECE):
            budget.take(len(piece))
            yield piece
