"""The job that searches files: one after the other, each opened in a transaction that only reads, and read outside of
it. Nothing is kept of what they say.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from xrm_core.api import (
    FilesUnavailable,
    JobContext,
    JobDied,
    JobFailed,
    JobHandler,
    SealingUnavailable,
    enqueue,
    file_in_vault,
    read_file,
)
from xrm_dsgvo import own
from xrm_dsgvo.contents.reading import read
from xrm_dsgvo.contents.result import MOST_BYTES, Missing
from xrm_dsgvo.discovery.finding import discover_in
from xrm_dsgvo.discovery.graph import Key, Seed
from xrm_dsgvo.discovery.mentions import Mention, needles_of, sealed_texts
from xrm_dsgvo.discovery.sources import Sources
from xrm_dsgvo.file_search.places import Place, entities_with_files, places_of
from xrm_dsgvo.file_search.sealed_texts import texts_of
from xrm_dsgvo.own import Writing
from xrm_dsgvo.paging import every
from xrm_dsgvo.points import POINT
from xrm_dsgvo.privacy import privacy_of
from xrm_dsgvo.requests.states import REQUEST
from xrm_dsgvo.spelling import names
from xrm_dsgvo.subjects import SUBJECT

SEARCH, NAME = "file_search", "dsgvo.search_files"
MOST_HITS = 500
"""Files that name one person. Of more, what names them is not theirs alone."""

_WINDOW, _OVERLAP = 200_000, 500
"""Letters that are looked at together."""


@dataclass
class Found:
    """What a search has found: places of files and sealed texts that name the person, and how many were not searched,
    and why. ``persons`` are the records that were the person: by their names and addresses it was looked.
    """

    hits: list[Place] = field(default_factory=list)
    texts: list[Mention] = field(default_factory=list)
    persons: list[Key] = field(default_factory=list)
    missing: Counter[tuple[str, str]] = field(default_factory=Counter)
    files: int = 0

    def exported(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "hits": [[*each.key, each.field, each.file] for each in self.hits],
            "texts": [[*key, name] for key, name in self.texts],
            "persons": [list(key) for key in self.persons],
            "missing": [[entity, why, count] for (entity, why), count in sorted(self.missing.items())],
        }


@dataclass(frozen=True, slots=True)
class _Verdict:
    hit: bool
    missing: frozenset[Missing] = frozenset()


def begin(context: Writing, search: str, owner: str | None) -> None:
    """Let a job do a search."""
    enqueue(context.connection, NAME, {"search": search}, key=f"{NAME} {search}", owner=owner)


def search_files(job: JobContext, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Do one. What was killed begins anew."""
    id_ = str(payload["search"])
    with job.read() as connection:
        context = own.within(job, connection)
        stored = context.read(SEARCH, id_)
        if stored is None or stored["status"] != "running":
            return {}
        known, persons, needles = _about(context, str(stored["data_subject"]), stored["confirmed"])
    if not needles:  # that nothing was found would say that they are named nowhere
        own.in_job(job, partial(_failed, id_=id_))
        raise JobFailed("Nothing is known of the person by which files could be searched.", retry=False)
    found, seen = Found(persons=persons), dict[str, _Verdict]()
    too_many = JobFailed(
        f"More than {MOST_HITS} files and texts name the person: look at their identifiers.", retry=False
    )
    entities = entities_with_files(job.records.model)
    for number, entity in enumerate(entities):
        job.progress(100 * number // len(entities))
        for place in places_of(job, entity):
            if place.key in known:
                continue
            if place.file not in seen:
                seen[place.file] = _looked_at(job, place.file, needles)
            verdict = seen[place.file]
            found.missing.update((entity.name, each.value) for each in verdict.missing)
            found.hits += [place] if verdict.hit else []
            if len(found.hits) > MOST_HITS:
                own.in_job(job, partial(_failed, id_=id_))
                raise too_many
    _search_texts(job, found, known, needles)
    if len(found.hits) + len(found.texts) > MOST_HITS:
        own.in_job(job, partial(_failed, id_=id_))
        raise too_many
    found.files = len(seen)
    own.in_job(job, partial(_done, id_=id_, found=found))
    return {"files": found.files, "mentions": len(found.hits) + len(found.texts)}


def jobs() -> list[JobHandler]:
    """The one that searches."""
    return [JobHandler(NAME, search_files, dead=_died)]


def _search_texts(job: JobContext, found: Found, known: frozenset[Key], needles: list[str]) -> None:
    """Sealed texts, which nothing but this job looks into."""
    model = job.records.model
    for said in privacy_of(model):
        names_ = sealed_texts(model, said)
        try:
            for key, name, text in texts_of(job, said.name, names_) if names_ else ():
                if key not in known and _names(text, needles):
                    found.texts.append((key, name))
                if len(found.texts) > MOST_HITS:
                    return
        except SealingUnavailable:
            found.missing[said.name, Missing.CLOSED.value] += 1


def _about(
    context: Any, subject: str, confirmed_: Mapping[str, Any] | None
) -> tuple[frozenset[Key], list[Key], list[str]]:
    """The records that are known to be about the person, those that are the person, and what names them: duplicates of
    which somebody has said so of a request, or of this search, are among them.
    """
    model = context.records.model
    sources = Sources(context, model, privacy_of(model), gone=True)
    requests = every(context, REQUEST, {"data_subject": {"id": {"eq": subject}}})
    said = [key for each in requests for key in (each["confirmed"] or {}).get("records", ())]
    said += (confirmed_ or {}).get("records", ())
    confirmed = frozenset((str(entity), str(id_)) for entity, id_ in said)
    seed = Seed(((SUBJECT, subject),), confirmed=confirmed)
    graph = discover_in(sources, seed, context.settings.region)
    persons = [each.key for each in graph.hits if each.own and each.entity != POINT]
    return frozenset(each.key for each in graph.hits), persons, sorted(set(needles_of(sources, graph)))


def _looked_at(job: JobContext, id_: str, needles: list[str]) -> _Verdict:
    """A file, and its former versions."""
    missing, hit, todo = set[Missing](), False, [id_]
    while todo:
        content = _content(job, todo.pop())
        if isinstance(content, Missing):
            missing.add(content)
            continue
        media_type, name, body, former = content
        todo += former
        said = read(media_type, name, body)
        hit = hit or _names(f"{name}\n{said.text}", needles)
        missing |= {said.missing} if said.missing is not None else set()
    return _Verdict(hit, frozenset(missing))


def _content(job: JobContext, id_: str) -> tuple[str, str, bytes, tuple[str, ...]] | Missing:
    """Media type, name, content and ids of former versions; or why it is not read."""
    with job.read() as connection:
        context: Any = own.within(job, connection)
        try:
            # of one in the vault nobody says which its former versions were
            kept, file = file_in_vault(context, id_), read_file(context, id_)
            there = kept or file
            if there is None:
                return Missing.CLOSED
            if file is not None and file.quarantined:
                return Missing.QUARANTINED
            if there.size > MOST_BYTES:
                return Missing.TOO_LARGE
            former = () if file is None else file.former
            return there.media_type, there.name, b"".join(there.pieces()), former
        except (SealingUnavailable, FilesUnavailable):
            return Missing.CLOSED


def _names(text: str, needles: list[str]) -> bool:
    return any(names(text[at : at + _WINDOW + _OVERLAP], needles) for at in range(0, len(text), _WINDOW))


def _done(context: Writing, id_: str, found: Found) -> None:
    if context.read(SEARCH, id_) is not None:
        counts = {"files": found.files, "mentions": len(found.hits) + len(found.texts), "found": found.exported()}
        own.change(context, SEARCH, id_, {"status": "done", "searched_at": own.now(), **counts})


def _failed(context: Writing, id_: str) -> None:
    if context.read(SEARCH, id_) is not None:
        own.change(context, SEARCH, id_, {"status": "failed"})


def _died(job: JobDied, payload: Mapping[str, Any]) -> None:
    context: Any = job.within()
    _failed(context, str(payload["search"]))
