"""Other people in what is told to somebody: what names them goes black (Articles 15(4) and 20(4)).

Names and addresses of persons with whom a record is shared are known, and are looked for. Addresses, phone numbers and
accounts of anybody are known by their form: those that are not the person's own go. Whoever reviews a text adds what
else names somebody.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import phonenumbers

from xrm_core.api import Entity, Field, Model, Record
from xrm_dsgvo.accounts import accounts_in
from xrm_dsgvo.discovery import SubjectGraph
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.discovery.identity import one_form
from xrm_dsgvo.discovery.sources import Sources, target_of
from xrm_dsgvo.erasure.values import BLACK, blackened
from xrm_dsgvo.privacy import FieldPrivacy, PrivacyModel

_AT = r"(?:@|&#64;|&commat;|%40|\s?[(\[{]\s?(?:at|ät)\s?[)\]}]\s?)"
_DOT = r"(?:\.|\s?[(\[{]\s?(?:dot|punkt)\s?[)\]}]\s?)"
_ADDRESS = re.compile(rf"[^\s@<>()\[\]{{}},;:\"'«»&%]+{_AT}[\w-]+(?:{_DOT}[\w-]+)*{_DOT}\w{{2,}}", re.IGNORECASE)
"""Addresses, also as people write them to hide them from programs."""

_AT_ONCE = 200


@dataclass(frozen=True)
class Others:
    """What names others, and what does not since it is the person's own.

    Args:
        names: of others, as written.
        own: addresses, numbers and accounts of the person, each in its one form.
        region: of which country phone numbers without a country are.
    """

    names: frozenset[str]
    own: frozenset[str] = field(default_factory=frozenset)
    region: str = "DE"

    def black(self, text: str) -> str:
        """A text without what names others."""
        text = _ADDRESS.sub(lambda match: self._shown(match[0]), text)
        for start, end in reversed([*accounts_in(text)]):
            if one_form("iban", text[start:end].replace("-", ""), self.region) not in self.own:
                text = f"{text[:start]}{BLACK * 3}{text[end:]}"
        return blackened(self._numbers(text), self.names)

    def _shown(self, address: str) -> str:
        plain = re.sub(_DOT, ".", re.sub(_AT, "@", address, flags=re.IGNORECASE), flags=re.IGNORECASE)
        return address if one_form("email", plain.rstrip("."), self.region) in self.own else BLACK * 3

    def _numbers(self, text: str) -> str:
        for match in sorted(phonenumbers.PhoneNumberMatcher(text, self.region), key=lambda each: -each.start):
            form = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
            if form not in self.own:
                text = f"{text[: match.start]}{BLACK * 3}{text[match.end :]}"
        return text


def others_of(
    sources: Sources, graph: SubjectGraph, words: Iterable[str], region: str, also: Iterable[Key] = ()
) -> Others:
    """Of all persons with whom the person shares a record, or may have: of those that are restricted nothing says it.

    Args:
        sources: where to look.
        graph: what was found about the person.
        words: what names others besides, as somebody has said.
        region: of which country phone numbers without a country are.
        also: further records that are told of.
    """
    own = {hit.key for hit in graph.hits if hit.own}
    mine = [(key, record) for key in own if (record := sources.read(key)) is not None]
    also = tuple(also)
    told = [*(hit.key for hit in graph.hits), *also]
    near = (*also, *_beside(sources, told), *sources.restricted_persons())
    persons = {key for key in near if key not in own}
    theirs = [(key, record) for key in persons if (record := sources.read(key)) is not None]
    not_black = {each.casefold() for key, record in mine for each in _direct(sources.privacy, key, record)}
    names = {each for key, record in theirs for each in _direct(sources.privacy, key, record)} | set(words)
    forms = {form for key, record in mine for form in _forms(sources.model, sources.privacy, key, record, region)}
    return Others(frozenset(each for each in names if each.casefold() not in not_black), frozenset(forms), region)


def _beside(sources: Sources, keys: Iterable[Key]) -> Iterator[Key]:
    """Persons to whom records lead, or who are joined to them by an entity of links or of relationships."""
    ids: dict[str, list[str]] = {}
    for key in dict.fromkeys(keys):
        ids.setdefault(key[0], []).append(key[1])
        yield from _persons(sources, key, sources.read(key))
    for other in sources.model:
        for end in _ends(other):
            for entity in set(other.fields[end].reference.targets) & ids.keys():
                for record in _joining(sources, other, other.fields[end], entity, ids[entity]):
                    yield from _persons(sources, (other.name, str(record["id"])), record)


def _joining(sources: Sources, other: Entity, end: Field, entity: str, ids: list[str]) -> Iterator[Record]:
    """Records of links that have one of these records at an end."""
    wanted = {(entity, id_) for id_ in ids}
    for start in range(0, len(ids), _AT_ONCE):
        this = {"id": {"in": ids[start : start + _AT_ONCE]}}
        filter_ = {end.name: {entity: this} if end.reference.polymorphic else this}
        yield from (each for each, _ in sources.where(other.name, filter_, lambda each: target_of(end, each) in wanted))


def _ends(entity: Entity) -> tuple[str, ...]:
    """The relations by which an entity of links, or of relationships, joins two others."""
    if entity.between is not None:
        return entity.between.source, entity.between.target
    return ("source", "target") if entity.relationship is not None else ()


def _persons(sources: Sources, key: Key, record: Record | None) -> Iterator[Key]:
    for name, field_ in sources.model[key[0]].fields.items():
        target = None if record is None or name not in record else target_of(field_, record)
        if target is not None and sources.privacy[target[0]].role == "is_subject":
            yield target


def _direct(privacy: PrivacyModel, key: Key, record: Record) -> Iterator[str]:
    """What names a person directly, and what is matched by it."""
    for said in privacy[key[0]].personal():
        value = record.get(said.name)
        if (said.identifier == "direct" or said.match is not None) and isinstance(value, str) and value.strip():
            yield value


def _forms(model: Model, privacy: PrivacyModel, key: Key, record: Record, region: str) -> Iterator[str]:
    for said in privacy[key[0]].personal():
        value = record.get(said.name)
        if isinstance(value, str) and value:
            for space in _spaces(model[key[0]][said.name], said):
                if form := one_form(space, value, region):
                    yield form


def _spaces(field_: Field, said: FieldPrivacy) -> tuple[str, ...]:
    if said.match is not None and said.match.normalizer == "iban":
        return ("iban",)
    if field_.name == "value":  # of a contact point
        return ("email", "phone")
    return (str(field_.type),) if str(field_.type) in ("email", "phone") else ()
