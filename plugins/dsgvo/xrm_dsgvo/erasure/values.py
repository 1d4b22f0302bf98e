"""What a strategy makes of a value. No I/O in here."""

import re
import secrets
from collections.abc import Collection
from decimal import ROUND_DOWN, Decimal
from typing import Any
from urllib.parse import urlsplit

from xrm_core.api import Field
from xrm_dsgvo.privacy import Erase
from xrm_dsgvo.spelling import spans_of

BLACK = "█"
_COUNTRY = re.compile(r"[A-Z]{2}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_OURS = re.compile(r"erased-[0-9a-f]{16}(@erased\.invalid)?")


def erased(field: Field, erase: Erase, value: Any, needles: Collection[str] = ()) -> Any:
    """What stands in place of a value afterwards; nothing stays nothing.

    Args:
        field: of the entity file.
        erase: the strategy.
        value: that is there.
        needles: what names the person, for texts in which that is blackened.
    """
    if value is None:
        return None
    if erase.strategy == "constant":
        return erase.value
    if erase.strategy == "generalize":
        return _coarser(erase.to, value)
    if erase.strategy == "random_token":
        return value if _OURS.fullmatch(str(value)) else _token(field)
    if erase.strategy == "redact_text":
        return blackened(str(value), needles)
    return None


def _token(field: Field) -> str:
    token = f"erased-{secrets.token_hex(8)}"
    return f"{token}@erased.invalid" if str(field.type) == "email" else token


def blackened(text: str, needles: Collection[str]) -> str:
    """A text without what names the person, however it is spelt."""
    for start, end in reversed(spans_of(text, needles)):
        text = f"{text[:start]}{BLACK * 3}{text[end:]}"
    return text


def _coarser(to: str | None, value: Any) -> Any:
    text = str(value)
    if to == "year":
        return f"{text[:4]}-01-01{text[10:] and 'T00:00:00Z'}"
    if to == "decade":
        return f"{text[:3]}0-01-01{text[10:] and 'T00:00:00Z'}"
    if to == "plz2":
        return f"{text[:2]}000" if len(text) == 5 and text.isdigit() else None
    if to == "country":
        return text if _COUNTRY.fullmatch(text) else None
    if to == "domain":
        return _domain(text)
    if to == "bucket" and isinstance(value, int | float | Decimal | str) and _NUMBER.fullmatch(text):
        number = Decimal(text)
        coarse = number.quantize(Decimal(1).scaleb(number.adjusted()), ROUND_DOWN) if number else number
        return type(value)(format(coarse.quantize(number), "f"))
    return None


def _domain(text: str) -> str | None:
    """Of an address one that nobody has there, of a page that of the site."""
    if "://" in text:
        parts = urlsplit(text)
        return f"{parts.scheme}://{parts.hostname}/" if parts.hostname else None
    domain = text.rpartition("@")[2]
    return f"erased@{domain}" if "@" in text and domain else None
