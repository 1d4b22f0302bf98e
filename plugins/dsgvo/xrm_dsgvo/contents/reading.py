"""The text of a file, by its format; or why there is none.

Files come from anybody: nothing here trusts what a file says of its own size, no XML may declare anything, and what
reads PDF does so in a process of its own, with limits of time and memory.
"""

from collections.abc import Callable, Mapping
from pathlib import PurePath

from xrm_dsgvo.contents.mail import of_mail
from xrm_dsgvo.contents.markup import of_html, of_json
from xrm_dsgvo.contents.office import OLE, of_office
from xrm_dsgvo.contents.packed import of_gzip, of_zip
from xrm_dsgvo.contents.pdf import of_pdf
from xrm_dsgvo.contents.result import MOST_BYTES, Budget, Missing, Text
from xrm_dsgvo.contents.texts import decoded, of_cards

_NESTED = 3
"""So deep are mails and packed files within each other read."""

_ZIP = frozenset({"application/zip", "application/x-zip-compressed", "application/x-zip"})
_GZIP = frozenset({"application/gzip", "application/x-gzip"})

_CARDS = frozenset({"text/calendar", "text/vcard", "text/x-vcard", "text/directory"})
_OFFICE = ("vnd.openxmlformats-officedocument", "vnd.oasis.opendocument")

_BY_NAME: Mapping[str, str] = {
    **dict.fromkeys((".txt", ".csv", ".tsv", ".md", ".log", ".yaml", ".yml"), "text/plain"),
    **dict.fromkeys((".html", ".htm", ".xhtml", ".xml", ".svg"), "text/html"),
    **dict.fromkeys((".docx", ".xlsx", ".pptx"), "application/vnd.openxmlformats-officedocument"),
    **dict.fromkeys((".odt", ".ods", ".odp"), "application/vnd.oasis.opendocument"),
    ".json": "application/json",
    ".eml": "message/rfc822",
    ".ics": "text/calendar",
    ".vcf": "text/vcard",
    ".pdf": "application/pdf",
    ".zip": "application/zip",
    **dict.fromkeys((".gz", ".tgz"), "application/gzip"),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".bmp", ".webp", ".heic"), "image/*"),
}
"""For files of which their sender has said nothing."""

_UNKNOWN = ("application/octet-stream", "application/zip", "")


def read(media_type: str, name: str, content: bytes, depth: int = 0, budget: Budget | None = None) -> Text:
    """The text of a file.

    Args:
        media_type: as it is stored.
        name: of the file, which says the format where the media type says none.
        content: all of it, at most :data:`MOST_BYTES`.
        depth: in how many other files it lies.
        budget: what may still be unpacked of the outermost of these; None: it is that one.
    """
    left = budget or Budget()
    kind = media_type.partition(";")[0].strip().lower()
    if kind in _UNKNOWN:
        kind = _BY_NAME.get(PurePath(name).suffix.lower(), kind)
    if len(content) > MOST_BYTES or depth > _NESTED:
        return Text(missing=Missing.TOO_LARGE)
    if content.startswith(OLE) and any(each in kind for each in _OFFICE):
        return Text(missing=Missing.ENCRYPTED)  # what is locked by a password lies in such a container
    if (reader := _reader(kind)) is not None:
        return reader(content)
    if any(each in kind for each in _OFFICE):
        return of_office(content, left)
    if kind == "message/rfc822":
        return of_mail(content, lambda type_, called, part: read(type_, called, part, depth + 1, left))
    if kind in _ZIP or kind.endswith("+zip"):
        return of_zip(content, left, lambda called, part: read("", called, part, depth + 1, left))
    if kind in _GZIP:
        return of_gzip(content, name, left, lambda called, part: read("", called, part, depth + 1, left))
    return Text(missing=Missing.PICTURE if kind.startswith("image/") else Missing.FORMAT)


def _reader(kind: str) -> Callable[[bytes], Text] | None:
    if kind == "text/rtf":
        return None  # as text it has umlauts as codes, and words in pieces
    if kind == "application/pdf":
        return of_pdf
    if kind == "application/json" or kind.endswith("+json"):
        return of_json
    if kind in ("text/html", "application/xml", "text/xml") or kind.endswith("+xml"):
        return of_html
    if kind in _CARDS:
        return of_cards
    if kind.startswith("text/") or kind in ("application/x-ndjson", "application/csv", "application/yaml"):
        return lambda content: Text(decoded(content))
    return None
