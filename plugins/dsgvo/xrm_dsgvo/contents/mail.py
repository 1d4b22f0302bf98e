"""The text of a mail that was saved: who it is from and to, what it says, and what is attached.

It is taken apart by the older of the two ways that Python has (``compat32``): the newer one reads headers by their
grammar, for which somebody can write one that takes days.
"""

from collections.abc import Callable, Iterator
from email import policy
from email.errors import MessageError
from email.header import Header, decode_header
from email.message import Message
from email.parser import BytesParser
from typing import Any

from xrm_dsgvo.contents.markup import html_text
from xrm_dsgvo.contents.result import Missing, Text, limited
from xrm_dsgvo.contents.texts import decoded

_MOST_PARTS = 200
_LONG, _LONG_OF_PART = 50_000, 2_000
"""Letters of a header that is decoded, and of one that says what a part is: both take the square of their length."""

_OF_PART = ("content-type", "content-disposition")
_LOGO = 10_000
"""Bytes of a picture within the text that is one of a signature, rather than a scan."""

Read = Callable[[str, str, bytes], Text]
"""Reads what is attached: by media type, name and content."""


class _Mail(Message):
    """A mail, or a part of it, of which no header is longer than can be read at once."""

    def get(self, name: str, failobj: Any = None) -> Any:
        """The value of a header, the beginning of it where it is too long."""
        value = super().get(name, failobj)
        return str(value)[:_LONG_OF_PART] if isinstance(value, str | Header) else value


_PARSER = BytesParser(_Mail, policy=policy.compat32)


def of_mail(content: bytes, read: Read) -> Text:
    """All of it. What cannot be read of what is attached is missing."""
    try:
        return _text(_PARSER.parsebytes(content), read)
    except (MessageError, ValueError, LookupError, RecursionError, AttributeError, TypeError, ArithmeticError):
        # what fits no standard raises many things there
        return Text(decoded(content), Missing.BROKEN)


def _text(message: Message, read: Read) -> Text:
    found: list[str] = []
    missing: Missing | None = None
    for number, part in enumerate(message.walk()):
        if number >= _MOST_PARTS:
            missing = Missing.TOO_LARGE
            break
        found += _headers(part)
        if _is_too_long(part):
            missing = missing or Missing.TOO_LARGE
        if part.is_multipart():
            continue
        given = _of_part(part, read)
        found.append(given.text)
        missing = missing or given.missing
    whole = limited("\n".join(found))
    return Text(whole.text, missing or whole.missing)


def _headers(message: Message) -> Iterator[str]:
    for name, value in message.raw_items():
        text = decoded(str(value).encode("utf-8", "surrogateescape"))
        yield f"{name}: {text if len(text) > _LONG else _header(text)}"


def _header(text: str) -> str:
    try:
        said = decode_header(text)
    except MessageError:
        return text
    return "".join(decoded(part, charset) if isinstance(part, bytes) else part for part, charset in said)


def _is_too_long(part: Message) -> bool:
    return any(len(str(v)) > (_LONG_OF_PART if k.lower() in _OF_PART else _LONG) for k, v in part.raw_items())


def _of_part(part: Message, read: Read) -> Text:
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    kind, name = part.get_content_type(), _header(part.get_filename() or "")
    if kind.startswith("multipart/"):  # of which nobody can tell the parts
        return Text(decoded(content), Missing.BROKEN)
    if kind in ("text/plain", "text/html") and part.get_content_disposition() != "attachment":
        text = decoded(content, part.get_content_charset())
        return html_text(text) if kind == "text/html" else Text(text)
    if kind.startswith("image/") and part.get("Content-ID") and len(content) <= _LOGO:
        return Text()
    said = read(kind, name, content)
    return Text(f"{name}\n{said.text}", said.missing)
