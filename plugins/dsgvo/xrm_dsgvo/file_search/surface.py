"""``dsgvoFilesSearch``: have the files of others searched for a person. What is over is deleted each night."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from xrm_core.api import Action, ActionContext, JobContext, JobHandler, On, Refuse, Schedule, erase_values
from xrm_dsgvo import own
from xrm_dsgvo.discovery.finding import discover
from xrm_dsgvo.discovery.graph import Seed
from xrm_dsgvo.file_search.searching import SEARCH, begin
from xrm_dsgvo.file_search.searching import jobs as searches
from xrm_dsgvo.requests.cases import held, today
from xrm_dsgvo.subjects import SUBJECT, Person, subject_of

EXPIRE = "dsgvo.expire_file_searches"
_DAYS, _AT_ONCE = 30, 50


@dataclass
class FilesSearchRecord:
    """A record."""

    entity: str
    record: str


@dataclass
class FilesSearchInput:
    """For whom: for a request of which it is known who has asked, or a record that is a person. ``confirmed`` are
    candidates of which somebody has said that they are the same one; those that were named for a request count anyway.
    """

    request: str | None = None
    entity: str | None = None
    record: str | None = None
    confirmed: list[FilesSearchRecord] = field(default_factory=list)


@dataclass
class FilesSearched:
    """The search, which a job does."""

    search: str
    status: str


def search(context: ActionContext, given: FilesSearchInput) -> FilesSearched:
    """Begin one; one that is under way goes on, unless more is confirmed than it knows.

    Raises:
        Refuse: there is no such request that is worked on, nobody has said who has asked, there is no such person, or
            no such record as was confirmed, or another search is under way that does not know it.
    """
    subject = _subject(context, given)
    context.hold("data_subject", subject)
    running = context.find(SEARCH, {"data_subject": {"id": {"eq": subject}}, "status": {"eq": "running"}}, 1)
    confirmed = [[each.entity, each.record] for each in given.confirmed]
    _require(context, subject, given.confirmed)
    if running:
        id_ = str(running[0]["id"])
        if any(each not in (running[0]["confirmed"] or {}).get("records", ()) for each in confirmed):
            text = {
                "en": "A search is under way that does not know what is confirmed: begin one once it is done.",
                "de": "Es läuft eine Suche, die das Bestätigte nicht kennt: neu beginnen, sobald sie fertig ist.",
            }
            raise Refuse(text, field="confirmed")
    else:
        until = today(context.settings) + timedelta(days=_DAYS)
        said = {"confirmed": {"records": confirmed}, "expires_on": until.isoformat()}
        id_ = own.create(context, SEARCH, {"data_subject": subject, **said})
    begin(context, id_, context.caller.actor)
    return FilesSearched(id_, "running")


def expire(job: JobContext, _: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is older than 30 days goes, from the change log, too."""

    def some(context: Any) -> int:
        found = context.find(SEARCH, {"expires_on": {"lt": today(context.settings).isoformat()}}, _AT_ONCE)
        for each in found:
            own.delete(context, SEARCH, str(each["id"]))
            erase_values(context, SEARCH, str(each["id"]))
        return len(found)

    count = 0
    while (done := own.in_job(job, some)) > 0:
        count += done
    return {"expired": count}


def actions() -> list[Action]:
    """``dsgvoFilesSearch``."""
    about = {"en": "Search the files of others for a person.", "de": "Dateien anderer nach einer Person durchsuchen."}
    return [Action("dsgvo.files_search", search, input=FilesSearchInput, answers=FilesSearched, description=about)]


def jobs() -> list[JobHandler]:
    """What searches, and what ends searches."""
    return [*searches(), JobHandler(EXPIRE, expire)]


def schedules() -> list[Schedule]:
    """Each night."""
    return [Schedule(EXPIRE, EXPIRE, "31 2 * * *")]


def hooks() -> list[On]:
    """Nobody but the plugin writes them."""
    text = {"en": "dsgvoFilesSearch keeps searches.", "de": "Suchen führt dsgvoFilesSearch."}
    return [own.kept(SEARCH, text)]


def _require(context: ActionContext, subject: str, confirmed: Iterable[FilesSearchRecord]) -> None:
    """Raise Refuse: one of these is no record that is, or may be, the person."""
    keys = frozenset((each.entity, each.record) for each in confirmed)
    if not keys:
        return
    seed = Seed(((SUBJECT, subject),), confirmed=keys)
    graph = discover(context, context.records.model, seed, context.settings.region)
    if any(graph.hit(key) is None for key in keys):
        text = {"en": "There is no such record.", "de": "Diesen Datensatz gibt es nicht."}
        raise Refuse(text, field="confirmed")


def _subject(context: ActionContext, given: FilesSearchInput) -> str:
    if given.request is not None:
        subject = held(context, given.request, "make")["data_subject"]
        if subject is None:
            text = {
                "en": "Say first who has asked, by dsgvoRequestIdentify with a record.",
                "de": "Erst mit dsgvoRequestIdentify und einem Datensatz sagen, wer gefragt hat.",
            }
            raise Refuse(text, field="request")
        return str(subject)
    found = subject_of(context, Person(entity=given.entity, record=given.record))
    if found is None:
        raise Refuse({"en": "Name a request or a record.", "de": "Eine Anfrage oder einen Datensatz nennen."})
    return found
