"""Canaries: each personal field of each entity of a model holds a value of its own for each of several persons.

They are made of the annotations alone and written through GraphQL, so a field that somebody adds is among them by
itself. :func:`forms` are the shapes in which a value may turn up elsewhere; :func:`tokens_in` looks for them in bytes.
"""

import base64
import gzip
import html
import json
import quopri
import re
import unicodedata
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote

from xrm_dsgvo.privacy import FieldPrivacy, privacy_of

from xrm_core import naming
from xrm_core.metadata.model import Entity, Field
from xrm_core.testing import Xrm

_UMLAUTS = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"}
_TEXTS = frozenset({"text", "long_text"})


@dataclass
class Person:
    """Somebody with all that is kept of them: the ids of records by entity, and the values of their own by field."""

    name: str
    records: dict[str, str] = field(default_factory=dict)
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)


class Canaries:
    """Fills the entities of an app.

    Args:
        xrm: whose entities; its role ``admin`` writes.
        but: entities that only their own actions write.
        also: values that records of an entity need besides, in the names of GraphQL.
    """

    def __init__(
        self, xrm: Xrm, but: Collection[str] = (), also: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        self._also = also or {}
        self._model = xrm.platform.model
        self._privacy = privacy_of(self._model)
        self._admin = xrm.as_role("admin")
        self._but = frozenset(but)
        self._number = 0

    def fill(self, name: str, same: Person | None = None) -> Person:
        """A new person in all entities.

        Args:
            name: stands in all values.
            same: who it is a duplicate of: first names and what is matched strongly are theirs, unless it is unique.
        """
        person = Person(name)
        for entity in self._model:
            if entity.name not in self._but and self._privacy[entity.name].role != "none":
                self._record(person, entity.name, same, ())
        return person

    def personal(self) -> Iterator[tuple[Field, FieldPrivacy]]:
        """The fields that hold personal data which somebody gives them."""
        for entity in self._model:
            if entity.name not in self._but:
                for each in self._privacy[entity.name].personal():
                    if entity[each.name].writable:
                        yield entity[each.name], each

    def _record(self, person: Person, entity: str, same: Person | None, above: tuple[str, ...]) -> str:
        if entity not in person.records:
            found = self._model[entity]
            values: dict[str, Any] = {}
            for each in found.fields.values():
                if each.writable:
                    self._value(person, found, each, same, above, values)
            values |= self._also.get(entity, {})
            kind = f"Create{naming.pascal(entity)}"
            document = f"mutation ($input: {kind}Input!) {{ create{naming.pascal(entity)}(input: $input) {{ id }} }}"
            [made] = self._admin.query(document, input=values).values()
            person.records[entity] = made["id"]
        return person.records[entity]

    def _value(
        self,
        person: Person,
        entity: Entity,
        each: Field,
        same: Person | None,
        above: tuple[str, ...],
        values: dict[str, Any],
    ) -> None:
        said = self._privacy[entity.name].fields[each.name]
        if each.relation is not None:
            target = next((name for name in self._targets(entity, each) if name not in (*above, entity.name)), None)
            wanted = each.required or (said.link is not None and said.link.traverse != "none")
            if wanted and target is not None and target not in self._but:
                value = self._record(person, target, same, (*above, entity.name))
                name = naming.camel(each.name)
                if each.reference.polymorphic:
                    values[name] = {f"{naming.camel(target)}Id": value}
                else:
                    values[f"{name}Id"] = value
            return
        place = (entity.name, each.name)
        if said.personal and each.name not in person.tokens:
            token = self._token(person, each)
            match = None if each.unique else said.match
            alike = match is not None and (match.strength == "strong" or each.name == "first_name")
            if token is not None and same is not None and alike:
                token = same.tokens[place]
            if token is not None:
                person.tokens[place] = token
                file = str(each.type) == "file"
                values[naming.camel(each.name) + ("Id" if file else "")] = self._stored(token, each) if file else token
                return
        if said.personal or each.required:
            values[naming.camel(each.name)] = self._plain(each)

    def _targets(self, entity: Entity, each: Field) -> list[str]:
        """To what a relation may refer, persons first; of a relationship, to what stands in one pair of two kinds."""
        if entity.relationship is not None:
            pairs = entity.relationship.pairs
            pair = next((found for found in pairs if found[0] != found[1]), pairs[0])
            return [pair[0] if each.name == "source" else pair[1]]
        return sorted(each.reference.targets, key=lambda name: self._privacy[name].role != "is_subject")

    def _token(self, person: Person, each: Field) -> str | None:
        """A value that stands nowhere else; None: the type has too few."""
        self._number += 1
        kind, number = str(each.given.type), self._number
        if kind == "email":
            return f"kanarie.{person.name.lower()}.{number:04}@vogel.example"
        if kind == "phone":
            return f"+4930{ord(person.name[0]):03}{number:04}77"
        if kind == "url":
            return f"https://vogel.example/{person.name.lower()}/{number:04}.html"
        if kind == "file":
            return f"Känarie-{person.name}-{number:04} in einer Datei\n"
        if kind in _TEXTS:
            token = _PATTERNS[each.pattern](number) if each.pattern in _PATTERNS else f"Käßü{person.name}{number:04}z"
            fits = each.pattern is None or re.search(each.pattern, token) is not None
            return token if fits and len(token) <= (each.max_length or len(token)) else None
        return None

    def _stored(self, content: str, each: Field) -> str:
        """The id of a file in which a text is packed as browsers and logs pack them; in a PDF where it must be one."""
        self._number += 1
        rules = each.file
        pdf = rules is not None and bool(rules.media_types)
        body = (b"%PDF-1.7\n" if pdf else b"") + gzip.compress(content.encode(), mtime=0)
        kind = "application/pdf" if pdf else "application/gzip"
        path = f"/files?name=datei-{self._number}.{'pdf' if pdf else 'gz'}"
        answer = self._admin.request("POST", path, content=body, headers={"Content-Type": kind})
        if answer.status_code not in (200, 201):
            raise AssertionError(f"The file was not stored: {answer.text}")
        return str(answer.json()["id"])

    def _plain(self, each: Field) -> Any:
        """Any value that the field may have."""
        self._number += 1
        each = each.given
        kind = str(each.type)
        if kind in ("integer", "big_integer"):
            return int(each.minimum or 1)
        simple: dict[str, Any] = {
            "decimal": "1",
            "boolean": True,
            "date": "2001-02-03",
            "datetime": "2001-02-03T04:05:06Z",
            "json": {},
            "money": {"amount": "1", "currency": (each.currencies or ("EUR",))[0]},
        }
        if each.enum:
            return each.enum[0] if kind == "enum" else [each.enum[0]]
        if kind in simple:
            return simple[kind]
        if each.pattern in _PATTERNS:
            return _PATTERNS[each.pattern](self._number)
        return "DE" if each.max_length == 2 else f"Ding {self._number}"


_PATTERNS: dict[str | None, Callable[[int], str]] = {
    "^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$": lambda number: f"DE89370400440{number:09}",
    "^[A-Z]{2,4}-[0-9]{1,4}[A-Z]?$": lambda number: f"DIN-{number}",
    "^[A-Z]{2,4}-[0-9]{2}-[0-9]{5}$": lambda number: f"DIN-26-{number:05}",
}
"""Texts of a form of their own."""


@cache
def forms(token: str, least: int = 8) -> frozenset[bytes]:
    """The shapes in which a value may turn up: spelling, encodings, escapes; those of at least so many bytes."""
    plain = {token, unicodedata.normalize("NFD", token), token.casefold(), "".join(_UMLAUTS.get(c, c) for c in token)}
    if token.startswith("+49"):
        rest = token.removeprefix("+49")
        plain |= {f"0049{rest}", f"0{rest}", f"+49 {rest[:2]} {rest[2:]}", f"+49 ({rest[:2]}) {rest[2:5]}-{rest[5:]}"}
    found: set[bytes] = set()
    for text in plain:
        utf8 = text.encode()
        found |= {utf8, text.encode("utf-16-le"), text.encode("utf-16-be"), quopri.encodestring(utf8)}
        found |= {json.dumps(text)[1:-1].encode(), quote(text).encode(), html.escape(text).encode()}
        found |= {utf8.hex().encode(), json.dumps(json.dumps(text)[1:-1])[1:-1].encode()}
        found.add(html.escape(text).encode("ascii", "xmlcharrefreplace"))
        latin = text.encode("latin-1", "ignore")
        if latin != utf8 and len(latin) == len(text):
            found |= {latin, quote(latin).encode(), quopri.encodestring(latin)}
        # in base64 the letters at both ends depend on what stands beside: what is sure at each of three places is
        # sought, and values end alike, so that what tells them apart is not at their end
        for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
            for before in range(3):
                sure = 8 * (before + len(utf8)) // 6
                found.add(alphabet(b"\0" * before + utf8)[(before * 8 + 5) // 6 : sure])
    return frozenset(each for each in found if len(each) >= least)


def tokens_in(content: bytes, persons: Collection[Person]) -> set[tuple[str, str, str]]:
    """Person, entity and field of each value that stands in some bytes in any form, also in what is packed in them."""
    content = content.replace(b"\0" * 256, b"")  # what nobody has written in
    whole = [content, *_unpacked(content)]
    near = [each for part in whole if (each := _near(part, persons))]
    found = set()
    for person in persons:
        stems = tuple(_stems(person.name))
        for place, token in person.tokens.items():
            parts = near if token.startswith(stems) else whole
            if any(form in part for form in forms(token.strip()) for part in parts):
                found.add((person.name, *place))
    return found


_BEFORE, _AFTER = 16, 400


def _near(content: bytes, persons: Collection[Person]) -> bytes:
    """What stands around all that the values of persons begin with: megabytes are gone through for that alone."""
    found: list[bytes] = []
    for form in {form for person in persons for stem in _stems(person.name) for form in forms(stem, 5)}:
        at = content.find(form)
        while at >= 0:
            found.append(content[max(0, at - _BEFORE) : at + _AFTER])
            at = content.find(form, at + _AFTER // 2)
    return b"\n".join(found)


def _stems(name: str) -> list[str]:
    """What the values of a person begin with, see ``_token``."""
    low = name.lower()
    return [
        f"Käßü{name}",
        f"kanarie.{low}.",
        f"https://vogel.example/{low}/",
        f"+4930{ord(name[0]):03}",
        f"Känarie-{name}-",
    ]


_GZIP, _ZIP, _ZLIB = b"\x1f\x8b\x08", b"PK\x03\x04", (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
"""With what begins what is packed by gzip, a part of a ZIP file, or zlib (as in PDF and PNG)."""

_TRIED, _MOST = 64, 4 << 20


def _unpacked(content: bytes) -> Iterator[bytes]:
    view = memoryview(content)
    for begin in (_GZIP, _ZIP, *_ZLIB):
        at = content.find(begin)
        while at >= 0:
            start, bits = at, 31 if begin == _GZIP else 15
            if begin == _ZIP:
                lengths = view[at + 26 : at + 30]
                start += 30 + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
                bits = -15
            packed, unpacking = view[start : start + _MOST], zlib.decompressobj(wbits=bits)
            try:
                unpacking.decompress(packed[:_TRIED])  # by chance it begins in many places
                unpacking = zlib.decompressobj(wbits=bits)
                found = unpacking.decompress(packed)
                if unpacking.eof or begin == _GZIP:
                    yield found
            except zlib.error:
                pass
            at = content.find(begin, at + 2)
