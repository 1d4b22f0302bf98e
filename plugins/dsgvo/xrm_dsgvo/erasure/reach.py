"""Which records a plan is about: what an answer to the person shows, and of each what decides about it.

A record that says it is another one of the same person (``data_subject_link``) is a beginning, too.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from xrm_core.api import Record
from xrm_dsgvo.archive.entries import names_of, of_records
from xrm_dsgvo.discovery.addresses import addresses_of, is_shared
from xrm_dsgvo.discovery.finding import walk
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.discovery.mentions import Mention
from xrm_dsgvo.discovery.sources import Sources, refers_to, target_of
from xrm_dsgvo.erasure.facts import Found, start_key
from xrm_dsgvo.file_search.places import Place
from xrm_dsgvo.file_search.results import still_there
from xrm_dsgvo.own import Writing
from xrm_dsgvo.paging import every
from xrm_dsgvo.points import POINT
from xrm_dsgvo.privacy import PrivacyModel, is_company
from xrm_dsgvo.restriction.standing import standing_of
from xrm_dsgvo.retention.beginning import began
from xrm_dsgvo.retention.suspensions import Suspensions
from xrm_dsgvo.subjects import SUBJECT

_AT_ONCE = 500
_PERSONAL = ("owner", "participant", "recipient")


def reach(
    context: Writing,
    privacy: PrivacyModel,
    entity: str,
    id_: str,
    reviewed: Mapping[tuple[str, str | None], Mapping[str, bool]],
    also: Iterable[Key] = (),
    *,
    aside: bool = True,
    mentioned: Iterable[Place] = (),
    texts: Iterable[Mention] = (),
    most: int | None = None,
) -> list[Found]:
    """The record and all that belongs to it, each once, with the links by which it was found.

    ``also`` are other records of the same person; ``aside``: those in the trash and in the vault are among them;
    ``mentioned``: files of records that are about somebody else and name the person, as far as they are there still;
    ``texts``: texts of such records.

    Raises:
        TooManyRecords: there are more than ``most``.
    """
    same = [(entity, id_), *also]
    searching: Any = context
    sources = Sources(searching, context.records.model, privacy, aside=aside)
    own: dict[Key, tuple[()]] = dict.fromkeys((key for one in same for key in _same(context, sources, *one)), ())
    own |= dict.fromkeys(addresses_of(sources, own, context.settings.region), ())
    # of what became part of theirs and is gone for good by now, the log still has values
    own |= dict.fromkeys((key for one in [*own] for key in sources.merged(one) if sources.read(key) is None), ())
    for key in own:
        sources.look_in_log(key)
    way = walk(sources, own, most)
    locked = _locked(context, own) if aside else frozenset()
    holds = _Holds(every(context, "legal_hold", {"status": {"eq": "active"}}), own)
    known = _Known(frozenset(own), locked, holds, Suspensions.of(context))
    found = [_found(context, sources, key, frozenset(links), known) for key, links in way.via.items()]
    found += _mentioning(context, sources, mentioned, texts, way.via, known)
    return [replace(each, reviewed=_decided(each, reviewed)) for each in found]


def _mentioning(
    context: Writing,
    sources: Sources,
    mentioned: Iterable[Place],
    texts: Iterable[Mention],
    reached: Collection[Key],
    known: "_Known",
) -> Iterator[Found]:
    """Records about somebody else, with the files and texts that name the person."""
    files: dict[Key, set[str]] = {}
    written: dict[Key, set[str]] = {}
    for each in still_there(sources, mentioned):
        if each.key not in reached:
            files.setdefault(each.key, set()).add(each.field)
    for key, name in texts:
        if key not in reached and (sources.read(key) or {}).get(name):
            written.setdefault(key, set()).add(name)
    for key in sorted({*files, *written}):
        names = files.get(key, set())
        found = _found(context, sources, key, frozenset(), known)
        # what cannot be empty goes with its record, by hand
        needed = any(sources.model[key[0]][name].required for name in names)
        archived = {name for entry in of_records(context, [key]) for name in names_of(entry)}
        stays = found.stays or ("ARCHIVED" if names & archived else "REQUIRED" if needed else None)
        yield replace(found, files=frozenset(names), texts=frozenset(written.get(key, ())), stays=stays)


def _decided(found: Found, reviewed: Mapping[tuple[str, str | None], Mapping[str, bool]]) -> Mapping[str, bool]:
    """What was decided of the texts of a record: of itself before what is said of all of its entity."""
    of_all = reviewed.get((found.entity, None), {})
    return {**of_all, **found.reviewed, **reviewed.get((found.entity, found.id), {})}


def _same(context: Writing, sources: Sources, entity: str, id_: str) -> list[Key]:
    """All records that are said to be the same person."""
    found: list[Key] = [(entity, id_)]
    links = context.find("data_subject_link", {"entity_name": {"eq": entity}, "record_id": {"eq": id_}}, 1)
    subject = id_ if entity == "data_subject" else next((str(each["data_subject"]) for each in links), None)
    if subject is not None:
        found.append(("data_subject", subject))
        for each in every(context, "data_subject_link", {"data_subject": {"id": {"eq": subject}}}):
            key = (str(each["entity_name"]), str(each["record_id"]))
            if (record := sources.read(key)) is not None and not is_company(sources.privacy[key[0]], record):
                found.append(key)
    return list(dict.fromkeys(found))


def _locked(context: Writing, own: Collection[Key]) -> frozenset[Key]:
    """What lies in the vault, wholly or in part, since data of somebody else are restricted."""
    mine = {str(each["deposit"]) for each in standing_of(context, (id_ for entity, id_ in own if entity == SUBJECT))}
    looking: Any = context
    aside = (each for name in looking.set_aside() for each in context.vaulted(name))
    return frozenset((each.entity, each.id) for each in aside if each.deposit not in mine)


class _Holds:
    """The legal holds that are active, by what they are upon."""

    def __init__(self, active: Iterable[Record], own: Iterable[Key]) -> None:
        self._upon: dict[tuple[str, str | None], set[str]] = {}
        for each in active:
            record = None if each["record_id"] is None else str(each["record_id"])
            self._upon.setdefault((str(each["entity_name"]), record), set()).add(str(each["id"]))
        self._person = {id_ for key in own for id_ in self._upon.get(key, ())}

    def of(self, key: Key) -> tuple[str, ...]:
        """Ids of the holds upon a record, its whole entity, or the person."""
        of_all = self._upon.get((key[0], None), set())
        return tuple(sorted(self._person | self._upon.get(key, set()) | of_all))


@dataclass(frozen=True, slots=True)
class _Known:
    """What is the same for all records that are reached."""

    own: frozenset[Key]
    locked: frozenset[Key]
    holds: _Holds
    suspensions: Suspensions


def _found(context: Writing, sources: Sources, key: Key, via: frozenset[str], known: _Known) -> Found:
    entity, id_ = key
    own, locked = known.own, known.locked
    privacy, record = sources.privacy, sources.read(key) or {}
    retention = privacy[entity].retention
    starts: dict[str, date] = {}
    if retention is not None and record and (day := began(context, privacy, privacy[entity], record, sources.read)):
        starts[start_key(retention.start)] = day
    suspensions = known.suspensions.upon(key, next(iter(starts.values()), None))
    others = _others(context, privacy, key, record, own)
    # in a text that is empty nobody has to look for others
    empty = {each.name: True for each in privacy[entity].personal() if each.free_text and not record.get(each.name)}
    is_point = entity == POINT and any(name != POINT for name, _ in own)
    shared = is_point and is_shared(sources, key, record, own)
    stays = "IN_VAULT" if key in locked else "OTHERS" if shared else None
    found = Found(entity, id_, via, starts, known.holds.of(key), suspensions, others=others, reviewed=empty)
    return replace(found, own=key in own, stays=stays)


def _others(context: Writing, privacy: PrivacyModel, key: Key, record: Record, own: frozenset[Key]) -> bool:
    """Whether a record that several share belongs to somebody else, too."""
    entity = key[0]
    if privacy[entity].role != "shared":
        return False
    model = context.records.model
    for each in privacy[entity].links():
        if each.link is not None and each.link.role in _PERSONAL and each.name in record:
            target = target_of(model[entity][each.name], record)
            if target is not None and target not in own and privacy[target[0]].role == "is_subject":
                return True
    for other in model:
        if other.between is not None and entity in other.fields[other.between.source].reference.targets:
            far = other.fields[other.between.target]
            here = dict(refers_to(other.fields[other.between.source], key))
            if any(privacy[name].role == "is_subject" for name in far.reference.targets):
                linked = (target_of(far, link) for link in every(context, other.name, here))
                if any(target is not None and target not in own for target in linked):
                    return True
    return False
