"""The text of Word, Excel, PowerPoint and OpenDocument files: ZIP files with XML in them."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from xml.parsers import expat

from xrm_dsgvo.contents.packed import has_too_many
from xrm_dsgvo.contents.result import Budget, Missing, Spent, Text, limited

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""With what files of older programs begin, and such as are locked by a password."""

_MOST_PARTS = 5_000
_PACKED = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""How programs for offices pack; other ways take more memory, and fail in ways of their own."""

_PIECE = 1 << 16
_PARTING = frozenset(
    {"p", "h", "tr", "tc", "si", "c", "row", "table-row", "table-cell", "br", "tab", "line-break", "cr"}
)
"""Elements that part words; all others may stand within one: programs cut names at every change of style."""

_SAYING = frozenset(
    {"Target", "href", "author", "displayName", "userId", "name", "title", "descr", "instr"}
    | {"string-value", "value", "label"}
)
"""Attributes in which programs keep what somebody has written, or is: where links lead, who has commented or changed
something, how a sheet is called, what a picture shows, what stands in a cell or a form.
"""


class _Declared(Exception):
    """Its XML declares something of its own, which no program for offices writes."""


def of_office(content: bytes, budget: Budget) -> Text:
    """All text of it: that of headers, notes, comments and what is said of the file, too."""
    if has_too_many(content):
        return Text(missing=Missing.TOO_LARGE)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if any(each.compress_type not in _PACKED for each in archive.infolist()):
                return Text(missing=Missing.BROKEN)
            if _is_locked(archive, budget):
                return Text(missing=Missing.ENCRYPTED)
            return limited("\n".join(_texts(archive, budget)))
    except Spent:
        return Text(missing=Missing.TOO_LARGE)
    except (zipfile.BadZipFile, zlib.error, expat.ExpatError, _Declared, EOFError, NotImplementedError, ValueError):
        return Text(missing=Missing.BROKEN)


def _is_locked(archive: zipfile.ZipFile, budget: Budget) -> bool:
    if any(each.flag_bits & 1 for each in archive.infolist()):
        return True
    named = "META-INF/manifest.xml"
    return named in archive.namelist() and b"encryption-data" in b"".join(_unpacked(archive, named, budget))


def _texts(archive: zipfile.ZipFile, budget: Budget) -> Iterator[str]:
    names = [each for each in archive.namelist() if each.endswith((".xml", ".rels"))]
    if not names:
        raise zipfile.BadZipFile
    if len(names) > _MOST_PARTS:
        raise Spent
    for name in names:
        yield _text(_unpacked(archive, name, budget))


def _unpacked(archive: zipfile.ZipFile, name: str, budget: Budget) -> Iterator[bytes]:
    """Piece by piece, whatever the file says of how much it is."""
    with archive.open(name) as part:
        while piece := part.read(_PIECE):
            budget.take(len(piece))
            yield piece


def _text(pieces: Iterator[bytes]) -> str:
    """What stands between the elements, and behind it what they say of themselves: a word may go on after one."""
    found: list[str] = []
    said: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")

    def begin(name: str, attributes: dict[str, str]) -> None:
        found.append("\n" if name.rpartition(" ")[2] in _PARTING else "")
        said.extend(value for key, value in attributes.items() if key.rpartition(" ")[2] in _SAYING)

    def declared(*_: object) -> None:
        raise _Declared

    parser.StartElementHandler = begin
    parser.CharacterDataHandler = found.append
    parser.StartDoctypeDeclHandler = declared
    parser.EntityDeclHandler = declared
    parser.buffer_text = True
    for piece in pieces:
        parser.Parse(piece, False)
    parser.Parse(b"", True)
    return "\n".join(("".join(found), *said))
