"""Texts of records that are about somebody else and name the person all the same: the second net of a search.

They are found by what names the person alone: addresses, numbers and accounts, and whole names, however these are
written. Somebody has to look at each; nothing is joined by it.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from html.entities import codepoint2name
from itertools import product

from xrm_core.api import Field, Model, Record
from xrm_dsgvo.accounts import is_account
from xrm_dsgvo.discovery.graph import Key, SubjectGraph
from xrm_dsgvo.discovery.identity import spellings
from xrm_dsgvo.discovery.joining import name_of
from xrm_dsgvo.discovery.sources import Sources
from xrm_dsgvo.privacy import EntityPrivacy
from xrm_dsgvo.spelling import names

_SHORTEST = 5
_AT_ONCE = 100
"""Conditions that one filter has: each filter goes through a whole table."""

_NAMING = frozenset({"email", "phone_e164", "iban"})
_PARTING = ("", " ", "-", "/", ".")
_TAIL = 3
"""So many digits at the end of a phone number: whatever stands between the others, they stand in one of few forms."""

_LONG = 100
"""Texts that say of themselves that they are not personal are looked through if they may be so long, or have no end."""

Mention = tuple[Key, str]
"""A record, and its field."""


def mentions(sources: Sources, graph: SubjectGraph) -> list[Mention]:
    """Texts, of records that were not found otherwise, in which the person is named; the trash among them.

    Args:
        sources: where to look.
        graph: what was found.
    """
    needles = sorted(set(needles_of(sources, graph)))
    parts = sorted({part for each in needles for part in _parts(each)})
    found: dict[Mention, None] = {}
    known = {hit.key for hit in graph.hits}
    for entity in sources.privacy if needles else ():
        fields = list(_texts(sources, entity))
        conditions = [{name: {"contains": part, "ignoring": "CASE_AND_ACCENTS"}} for name in fields for part in parts]
        seen: set[Key] = set()
        for start in range(0, len(conditions), _AT_ONCE):
            some = {"or": conditions[start : start + _AT_ONCE]}
            for record, _ in sources.where(entity.name, some, _naming(fields, needles)):
                key = (entity.name, str(record["id"]))
                if key not in known and key not in seen:
                    seen.add(key)
                    found |= dict.fromkeys((key, name) for name in fields if names(_text(record, name), needles))
    return sorted(found)


def needles_of(sources: Sources, graph: SubjectGraph) -> Iterator[str]:
    """What names the person."""
    for hit in graph.hits:
        record = sources.read(hit.key) if hit.own else None
        if record is None:
            continue
        entity = sources.privacy[hit.entity]
        if (name := name_of(entity, record)) and " " in name:
            yield name
            first, last = name.split(" ", 1)
            yield f"{last}, {first}"
        for said in entity.personal():
            value = record.get(said.name)
            if said.match is None or not isinstance(value, str) or len(value) < _SHORTEST:
                continue
            if said.match.normalizer in _NAMING or hit.entity == "contact_point":
                yield value


def sealed_texts(model: Model, entity: EntityPrivacy) -> list[str]:
    """The sealed texts of an entity in which somebody may be named: no database can look into them."""
    found = []
    for said in entity.fields.values():
        field = model[entity.name][said.name]
        is_text = field.sealing is not None and str(field.given.type) in ("text", "long_text")
        if is_text and (said.free_text or _may_be_long(field.given)):
            found.append(said.name)
    return found


def _texts(sources: Sources, entity: EntityPrivacy) -> Iterator[str]:
    """Free texts, and those that are said not to be personal: somebody may have written a name there all the same."""
    for said in entity.fields.values():
        field = sources.model[entity.name][said.name]
        if _is_text(field) and (said.free_text or (not said.personal and _may_be_long(field))):
            yield said.name


def _is_text(field: Field) -> bool:
    return str(field.type) in ("text", "long_text") and not field.virtual and field.sealing is None


def _may_be_long(field: Field) -> bool:
    return field.pattern is None and not field.unique and (field.max_length is None or field.max_length >= _LONG)


def _text(record: Record, name: str) -> str:
    return str(record.get(name) or "")


def _naming(fields: list[str], needles: list[str]) -> Callable[[Record], bool]:
    return lambda record: any(names(_text(record, each), needles) for each in fields)


def _parts(needle: str) -> Iterator[str]:
    """What stands in a text, as the database can look for it, if that has a needle in whatever spelling."""
    if is_account(needle):
        compact = "".join(needle.split())
        yield from (compact, " ".join(compact[at : at + 4] for at in range(0, len(compact), 4)))
    elif needle.startswith("+"):
        tail = re.sub(r"\D", "", needle)[-_TAIL:]
        for at, parting in product(range(1, len(tail)), _PARTING):
            yield tail[:at] + parting + tail[at:]
    elif "@" in needle:
        yield needle
    else:
        word = max(re.split(r"[\s,-]+", needle), key=len)
        for each in dict.fromkeys((word, *spellings(word))):
            yield from (each, unicodedata.normalize("NFD", each), _as_html(each))


def _as_html(text: str) -> str:
    """As programs for mail write it."""
    return "".join(f"&{codepoint2name[ord(each)]};" if ord(each) in codepoint2name else each for each in text)
