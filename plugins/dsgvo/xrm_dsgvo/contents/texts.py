"""Bytes as text, in whatever encoding people save it."""

import codecs
import re

from xrm_dsgvo.contents.result import Text, limited

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HEAD = 1_000
_CUT = re.compile(rb"\r?\n[ \t]")
_SLOW = frozenset({"punycode", "idna"})
"""Encodings of names, in which nobody writes a text, and that take the square of its length."""


def decoded(content: bytes, charset: str | None = None) -> str:
    """As its mark at the beginning says, as UTF-8, or else as programs under Windows write it.

    Args:
        content: of a text file.
        charset: that its sender has named; it is not believed blindly.
    """
    for name in (_marked(content), charset, "utf-8"):
        try:
            if name and codecs.lookup(name).name not in _SLOW:
                return content.decode(name)
        except (LookupError, UnicodeError):
            continue
    return content.decode("cp1252", "replace")


def of_cards(content: bytes) -> Text:
    """Of calendars and cards: their lines are cut after 75 bytes, within words, and within letters of several bytes."""
    whole = _CUT.sub(b"", content)
    return limited(decoded(content) if whole == content else f"{decoded(whole)}\n{decoded(content)}")


def _marked(content: bytes) -> str | None:
    found = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    if found is None and b"\0" in content[:_HEAD]:
        # UTF-16 without a mark: every other byte of Latin letters is 0
        return "utf-16-le" if content[1:2] == b"\0" else "utf-16-be"
    return found
