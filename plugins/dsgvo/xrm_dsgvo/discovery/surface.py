"""``dsgvoSubjectGraph``: the graph of a person for those who work on requests. Names and ids, no values."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from xrm_core.api import QueryContext, QueryField, Refuse, ask_stores, data_stores
from xrm_dsgvo.discovery.finding import discover_in
from xrm_dsgvo.discovery.graph import Hit, Key, Seed, SubjectGraph
from xrm_dsgvo.discovery.sources import Sources
from xrm_dsgvo.privacy import is_company, privacy_of, require_person
from xrm_dsgvo.stores.persons import of_graph


@dataclass
class SubjectRecord:
    """A record of an entity."""

    entity: str
    record: str


@dataclass
class SubjectGraphInput:
    """A record, or what the person has told; ``confirmed`` of the candidates are the person, too. ``gone``: the change
    log is looked through for records of persons that are gone for good.
    """

    entity: str | None = None
    record: str | None = None
    email: str | None = None
    phone: str | None = None
    iban: str | None = None
    name: str | None = None
    birth_date: date | None = None
    confirmed: list[SubjectRecord] = field(default_factory=list)
    gone: bool = False


@dataclass
class FoundBecause:
    """Why: ``kind`` is seed, confirmed, match, subject or link."""

    kind: str
    field: str
    entity: str | None
    record: str | None


@dataclass
class FoundRecord:
    """A record about the person; ``mine`` are its fields about them, ``others`` those about somebody else."""

    entity: str
    record: str
    own: bool
    deleted: bool
    restricted: bool
    via: list[str]
    mine: list[str]
    others: list[str]
    why: list[FoundBecause]


@dataclass
class PossibleRecord:
    """A record that may be the same person's; ``code`` is WEAK, ROLE_MAILBOX, BIRTH_DATE or OTHER_NAME."""

    entity: str
    record: str
    deleted: bool
    fields: list[str]
    code: str


@dataclass
class SearchedEntity:
    """How many of an entity were found."""

    entity: str
    found: int


@dataclass
class SearchedStore:
    """How much a store of a plugin has of the person; ``code`` says why it could not be asked."""

    store: str
    found: int
    code: str


@dataclass
class SubjectGraphFound:
    """All that is about a person, what may be, and where it was looked for."""

    records: list[FoundRecord]
    candidates: list[PossibleRecord]
    searched: list[SearchedEntity]
    stores: list[SearchedStore]


def subject_graph(context: QueryContext, given: SubjectGraphInput) -> SubjectGraphFound:
    """Find it.

    Raises:
        Refuse: there is nothing to begin with, no such record, or it is a company.
    """
    records: tuple[Key, ...] = ()
    if given.entity and given.record:
        records = ((given.entity, given.record),)
    if not records and not any((given.email, given.phone, given.iban, given.name)):
        text = {
            "en": "Name a record, an address, a phone number, an account or a name.",
            "de": "Einen Datensatz, eine Adresse, Telefonnummer, ein Konto oder einen Namen nennen.",
        }
        raise Refuse(text, field="entity")
    confirmed = frozenset((each.entity, each.record) for each in given.confirmed)
    seed = Seed(records, given.email, given.phone, given.iban, given.name, given.birth_date, confirmed)
    region, model = context.settings.region, context.model
    sources = Sources(context, model, privacy_of(model), gone=given.gone)
    for entity, id_ in (*records, *sorted(confirmed)):
        stored = sources.read((entity, id_))
        if stored is not None and is_company(sources.privacy[entity], stored):
            require_person(sources.privacy[entity], stored, "record")
    graph = discover_in(sources, seed, region)
    if lost := next((key for key in (*records, *sorted(confirmed)) if graph.hit(key) is None), None):
        text = {"en": f"There is no such record: {lost[0]}.", "de": f"Diesen Datensatz gibt es nicht: {lost[0]}."}
        raise Refuse(text, field="record")
    return _told(graph, list(_stores(context, sources, graph, region)))


def _stores(context: QueryContext, sources: Sources, graph: SubjectGraph, region: str) -> Iterator[SearchedStore]:
    if data_stores(context):
        about = of_graph(sources, graph, region)
        answers = ask_stores(context, "discover", about, seconds=context.settings.stores_seconds)
        yield from (SearchedStore(name, each.count, each.code) for name, each in answers.items())


def _told(graph: SubjectGraph, stores: list[SearchedStore]) -> SubjectGraphFound:
    candidates = [
        PossibleRecord(each.entity, each.id, each.deleted, list(each.fields), each.code) for each in graph.candidates
    ]
    searched = [SearchedEntity(name, found) for name, found in sorted(graph.searched.items())]
    return SubjectGraphFound([_record(each) for each in graph.hits], candidates, searched, stores)


def _record(hit: Hit) -> FoundRecord:
    why = [FoundBecause(each.kind, each.field, *(each.of or (None, None))) for each in hit.why]
    parts = sorted(hit.via), list(hit.mine), list(hit.others)
    return FoundRecord(hit.entity, hit.id, hit.own, hit.deleted, hit.restricted, *parts, why)


def query_fields() -> list[QueryField]:
    """``dsgvoSubjectGraph``."""
    about = {"en": "All records about a person.", "de": "Alle Datensätze über eine Person."}
    return [
        QueryField(
            "dsgvo.subject_graph",
            subject_graph,
            input=SubjectGraphInput,
            answers=SubjectGraphFound,
            cost=500,
            seconds=60,
            description=about,
        )
    ]
