"""Texts of records that are about somebody else and name the person all the same: the second net of a search.

They are found by what names the person alone: addresses and numbers as they are written somewhere, and whole names.
Somebody has to look at each; nothing is joined by it.
"""

from collections.abc import Callable, Iterator

from xrm_core.api import Field, Record
from xrm_dsgvo.discovery.graph import Key, SubjectGraph
from xrm_dsgvo.discovery.joining import name_of
from xrm_dsgvo.discovery.sources import Sources

_SHORTEST = 5
_AT_ONCE = 20
"""Needles that one filter has."""

_NAMING = frozenset({"email", "phone_e164", "iban"})
Mention = tuple[Key, str]
"""A record, and its field."""


def mentions(sources: Sources, graph: SubjectGraph) -> list[Mention]:
    """Free texts, of records that were not found otherwise, in which the person is named; the trash among them.

    Args:
        sources: where to look.
        graph: what was found.
    """
    needles = sorted(set(_needles(sources, graph)))
    found: dict[Mention, None] = {}
    known = {hit.key for hit in graph.hits}
    for entity in sources.privacy if needles else ():
        fields = [each.name for each in entity.personal() if each.free_text]
        fields = [each for each in fields if _is_text(sources.model[entity.name][each])]
        for name in fields:
            for start in range(0, len(needles), _AT_ONCE):
                some = needles[start : start + _AT_ONCE]
                for record, _ in sources.where(entity.name, _filter(name, some), _naming(name, some)):
                    key = (entity.name, str(record["id"]))
                    if key not in known:
                        found[key, name] = None
    return sorted(found)


def _is_text(field: Field) -> bool:
    return str(field.type) in ("text", "long_text") and not field.virtual and field.sealing is None


def _filter(name: str, needles: list[str]) -> dict[str, object]:
    return {"or": [{name: {"contains": each, "ignoring": "CASE"}} for each in needles]}


def _naming(name: str, needles: list[str]) -> Callable[[Record], bool]:
    folded = [each.casefold() for each in needles]

    def fits(record: Record) -> bool:
        text = str(record.get(name) or "").casefold()
        return any(each in text for each in folded)

    return fits


def _needles(sources: Sources, graph: SubjectGraph) -> Iterator[str]:
    for hit in graph.hits:
        record = sources.read(hit.key) if hit.own else None
        if record is None:
            continue
        entity = sources.privacy[hit.entity]
        if (name := name_of(entity, record)) and " " in name:
            yield name
        for said in entity.personal():
            value = record.get(said.name)
            if said.match is None or not isinstance(value, str) or len(value) < _SHORTEST:
                continue
            if said.match.normalizer in _NAMING or hit.entity == "contact_point":
                yield value
