"""What the newest search for a person has found, for answers to them and plans of their erasure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from xrm_core.api import Record
from xrm_dsgvo.days import day_in
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.discovery.mentions import Mention
from xrm_dsgvo.discovery.sources import Sources
from xrm_dsgvo.file_search.places import Place, file_of
from xrm_dsgvo.file_search.searching import SEARCH
from xrm_dsgvo.own import Looking
from xrm_dsgvo.points import POINT
from xrm_dsgvo.subjects import SUBJECT

_MOST = 100


@dataclass(frozen=True, slots=True)
class Searched:
    """A search that is done, or ``running``. ``persons``: the records by whose names it was looked; None: not kept."""

    running: bool
    on: date | None = None
    files: int = 0
    hits: tuple[Place, ...] = ()
    texts: tuple[Mention, ...] = ()
    missing: tuple[tuple[str, str, int], ...] = ()
    persons: frozenset[Key] | None = None

    def leaves_out(self, own: Iterable[Key]) -> bool:
        """Whether it did not look for one of the records that are the person: a duplicate that somebody has confirmed
        since, such as one with another name.
        """
        return self.persons is not None and any(key[0] != POINT and key not in self.persons for key in own)

    def exported(self) -> list[list[str]]:
        """What it has found, as JSON: see :func:`place_of`."""
        return [[*each.key, each.field, each.file] for each in self.hits]


def searched_for(context: Looking, own: Iterable[tuple[str, str]]) -> Searched | None:
    """The newest search for a person, who is these records, be it under way. None: there is none."""
    subjects: set[str] = set()
    for entity, record in own:
        this = {"entity_name": {"eq": entity}, "record_id": {"eq": record}}
        links = [] if entity == SUBJECT else context.find("data_subject_link", this)
        subjects |= {record} if entity == SUBJECT else {str(each["data_subject"]) for each in links}
    found: list[Record] = []
    for each in sorted(subjects):
        of = {"data_subject": {"id": {"eq": each}}, "status": {"in": ["running", "done"]}}
        found += context.find(SEARCH, of, _MOST)
    if not found:
        return None
    newest = max(found, key=lambda each: str(each["id"]))
    if newest["status"] == "running":
        return Searched(running=True)
    said = newest["found"]
    day = day_in(newest["searched_at"], context.settings.time_zone)
    missing = tuple((str(entity), str(why), int(count)) for entity, why, count in said["missing"])
    hits = tuple(place_of(each) for each in said["hits"])
    # a search of before sealed texts were searched has none
    texts = tuple(((str(entity), str(id_)), str(name)) for entity, id_, name in said.get("texts", ()))
    persons = frozenset((str(e), str(id_)) for e, id_ in said["persons"]) if "persons" in said else None
    return Searched(False, day, int(newest["files"]), hits, texts, missing, persons)


def place_of(said: Iterable[Any]) -> Place:
    """Of JSON."""
    entity, id_, field, file = said
    return Place((str(entity), str(id_)), str(field), str(file))


def still_there(sources: Sources, hits: Iterable[Place]) -> list[Place]:
    """Those whose record still holds the file that was searched."""
    found = []
    for each in hits:
        record = sources.read(each.key)
        if record is not None and file_of(record.get(each.field)) == each.file:
            found.append(each)
    return found
