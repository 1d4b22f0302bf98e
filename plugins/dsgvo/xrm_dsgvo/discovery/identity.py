"""Identifiers in their one form, and the filters that find records with one."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from xrm_core.api import Field, Record, Refuse
from xrm_dsgvo.points import POINT, normal, role_mailbox
from xrm_dsgvo.privacy import FieldPrivacy, PrivacyModel

_SPELLED = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"}
_IGNORING = "CASE_AND_ACCENTS"
_MOST_WORDS = 5


@dataclass(frozen=True, slots=True)
class Identifier:
    """``space``: which kind; values of one space are compared. ``weak``: it suffices for nobody."""

    space: str
    value: str
    weak: bool


def name_form(text: str) -> str:
    """A name as it is compared: small letters, umlauts spelled out, no accents, single spaces."""
    folded = _spelled(unicodedata.normalize("NFC", text).casefold())
    plain = "".join(each for each in unicodedata.normalize("NFD", folded) if not unicodedata.combining(each))
    return " ".join(re.sub(r"[^\w]+", " ", plain).split())


def identifier(said: FieldPrivacy, value: Any, region: str, record: Record | None = None) -> Identifier | None:
    """What the value of a field says; None: nothing that can be compared. Names are compared apart from these."""
    if said.match is None or not isinstance(value, str) or not value.strip():
        return None
    space = _space(said, record)
    form = one_form(space, value, region)
    if form is None:
        return None
    return Identifier(space, form, said.match.strength == "weak" or (space == "email" and role_mailbox(space, form)))


def one_form(space: str, value: str, region: str) -> str | None:
    """A value in the one form of its space; None: it has none."""
    if space in ("email", "phone"):
        try:
            return normal(space, value, region)
        except Refuse:
            return None
    if space == "iban":
        return "".join(value.split()).upper() or None
    return " ".join(unicodedata.normalize("NFC", value).split()) or None


def fields_with(privacy: PrivacyModel, space: str) -> Iterator[FieldPrivacy]:
    """The fields in which identifiers of a space may stand."""
    for each in privacy.matched():
        if _space(each, None) == space or (each.entity == POINT and space in ("email", "phone")):
            yield each


def filter_of(field: Field, said: FieldPrivacy, wanted: Identifier) -> Mapping[str, Any]:
    """What finds at least all records that have it; they are compared again by :func:`identifier`."""
    if said.entity == POINT:
        return {field.name: {"eq": wanted.value}}
    if wanted.space == "phone":
        return {field.name: {"number": wanted.value} if str(field.type) == "phone" else {"eq": wanted.value}}
    if wanted.space == "iban":
        spaced = " ".join(wanted.value[at : at + 4] for at in range(0, len(wanted.value), 4))
        return {field.name: {"in": [wanted.value, spaced]}}
    if wanted.space == "email":
        return {field.name: {"in": [wanted.value, _readable(wanted.value)], "ignoring": _IGNORING}}
    return {field.name: {"eq": wanted.value}}


def found_by_index(field: Field, wanted: Identifier) -> bool:
    """Whether the blind index of a sealed field leaves nobody out, however the value is spelt."""
    if field.sealing is None:
        return False
    whole = {"iban": "compact", "email": "folded"}
    return field.sealing.form == whole.get(wanted.space, "") and wanted.value.isascii()


def _readable(address: str) -> str:
    """An address with its domain as people write it."""
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode().decode('idna')}"
    except UnicodeError:
        return address


def spellings(name: str) -> list[str]:
    """A name and its parts as people write them: with umlauts or spelled out, with hyphens or without."""
    words = re.split(r"[\s-]+", unicodedata.normalize("NFC", name).strip().casefold())[:_MOST_WORDS]
    found: dict[str, None] = {name.strip(): None}
    for start in range(len(words)):
        for end in range(start + 1, len(words) + 1):
            part = words[start:end]
            for between in product(" -", repeat=len(part) - 1):
                text = "".join(map("".join, zip(part, (*between, ""), strict=True)))
                found |= dict.fromkeys((text, _spelled(text), _drawn(_spelled(text))))
    return list(found)


def _spelled(text: str) -> str:
    return "".join(_SPELLED.get(each, each) for each in text)


def _drawn(text: str) -> str:
    for umlaut in "äöü":
        text = text.replace(_SPELLED[umlaut], umlaut)
    return text


def _space(said: FieldPrivacy, record: Record | None) -> str:
    """Numbers that a business has given itself say something within their field alone."""
    if said.entity == POINT:
        return str((record or {}).get("kind", "account"))
    kind = said.match.normalizer if said.match is not None else "exact"
    if kind == "exact":
        return f"{said.entity}.{said.name}" if said.origin == "observed" else str(said.category)
    return "phone" if kind == "phone_e164" else kind
