"""The text of a mail that was saved: who it is from and to, what it says, and what is attached."""

from collections.abc import Callable
from email import policy
from email.errors import MessageError
from email.message import EmailMessage
from email.parser import BytesParser

from xrm_dsgvo.contents.markup import html_text
from xrm_dsgvo.contents.result import Missing, Text, limited
from xrm_dsgvo.contents.texts import decoded

_MOST_PARTS = 200
_PARSER = BytesParser(policy=policy.default)

Read = Callable[[str, str, bytes], Text]
"""Reads what is attached: by media type, name and content."""


def of_mail(content: bytes, read: Read) -> Text:
    """All of it. What cannot be read of what is attached is missing."""
    try:
        message = _PARSER.parsebytes(content)
        return _text(message, read)
    except (MessageError, ValueError, LookupError, RecursionError, AttributeError, TypeError, IndexError):
        # what fits no standard raises many things there
        return Text(decoded(content), Missing.BROKEN)


def _text(message: EmailMessage, read: Read) -> Text:
    found = [f"{name}: {value}" for name, value in message.items()]
    missing: Missing | None = None
    for number, part in enumerate(message.walk()):
        if number >= _MOST_PARTS:
            missing = Missing.TOO_LARGE
            break
        if part.is_multipart():
            continue
        given = _of_part(part, read)
        found.append(given.text)
        missing = missing or given.missing
    whole = limited("\n".join(found))
    return Text(whole.text, missing or whole.missing)


def _of_part(part: EmailMessage, read: Read) -> Text:
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    kind, name = part.get_content_type(), part.get_filename() or ""
    if kind in ("text/plain", "text/html") and not part.is_attachment():
        text = decoded(content, part.get_content_charset())
        return html_text(text) if kind == "text/html" else Text(text)
    if kind.startswith("image/") and part.get("Content-ID"):
        return Text()  # the logo of whoever has written
    said = read(kind, name, content)
    return Text(f"{name}\n{said.text}", said.missing)
