"""Where a text names somebody, however it is spelt: umlauts or none, parted, packed for the web. No I/O in here.

A text is brought into two plain forms, one with ``ae`` for ``ä`` and one with ``a``, and so is what is looked for. Each
letter of these knows where it comes from, so what is found can be made black where it stands.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import lru_cache
from html import unescape

from xrm_dsgvo.accounts import is_account, spelled

_SHORTEST = 3
_UNITS = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,31});|.[\u0300-\u036f]*", re.DOTALL)
"""Letters with their accents, or as HTML has them."""

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
"""Characters that nobody sees, such as where a word may be parted."""

_PARTED = re.compile(r"[\s\u2010-\u2015-]+")
_BETWEEN = r"[\s()/.\u2010-\u2015-]*"
"""What people write between the digits of a phone number."""


def spans_of(text: str, needles: Collection[str]) -> list[tuple[int, int]]:
    """Where a text has any of these: begin and end, in order, none in another. Shorter ones than three letters are not
    looked for.
    """
    found: list[tuple[int, int]] = []
    for needle in {each for each in needles if len(each.strip()) >= _SHORTEST}:
        if (pattern := _pattern(needle)) is not None:
            found += [match.span() for match in pattern.finditer(text)]
    for umlauts in (True, False):
        whole = _whole(text, umlauts)
        there = {each for each in (_whole(one.strip(), umlauts) for one in needles) if each in whole}
        plain, origins = _plain(text, umlauts) if there else ("", [])
        for needle in there:
            found += _where(plain, origins, needle)
    return _together(found)


def names(text: str, needles: Collection[str]) -> bool:
    """Whether a text has any of these."""
    return bool(spans_of(text, needles))


def _where(plain: str, origins: list[tuple[int, int]], needle: str) -> Iterator[tuple[int, int]]:
    at = plain.find(needle) if len(needle) >= _SHORTEST else -1
    while at >= 0:
        end = at + len(needle)
        yield origins[at][0], origins[end - 1][1]
        at = plain.find(needle, end)


def _together(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start < found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def _whole(text: str, umlauts: bool) -> str:
    """A text in a plain form. Nothing of it is kept."""
    folded = unicodedata.normalize("NFC", unescape(text).translate(_UNSEEN)).casefold()
    folded = folded.translate(_UMLAUTS) if umlauts else folded
    letters = (each for each in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(each))
    return _PARTED.sub(" ", "".join(letters))


_letter = lru_cache(maxsize=2_048)(_whole)
"""The same of one letter, of which most texts have the same."""


def _plain(text: str, umlauts: bool) -> tuple[str, list[tuple[int, int]]]:
    """The same, and of each of its letters where it stands in the text."""
    letters: list[str] = []
    origins: list[tuple[int, int]] = []
    for unit in _UNITS.finditer(text):
        form = _letter(unit[0], umlauts)
        if form == " " and letters and letters[-1] == " ":
            continue
        letters += form
        origins += [unit.span()] * len(form)
    return "".join(letters), origins


def _pattern(needle: str) -> re.Pattern[str] | None:
    """Of a phone number, with whatever stands between its digits, or of an account, however that is parted."""
    if is_account(needle):
        return re.compile(spelled(needle), re.IGNORECASE)
    digits = re.sub(r"\D", "", needle)
    if not needle.startswith("+") or len(digits) <= 6:
        return None
    # the country is +49, 0049 or 0, or +49 (0)
    country, rest = digits[:2], digits[2:]
    ways = rf"(?:\+|00)?{_BETWEEN.join(country)}{_BETWEEN}(?:\(0\){_BETWEEN})?|0{_BETWEEN}"
    return re.compile(f"(?:{ways}){_BETWEEN.join(rest)}")
