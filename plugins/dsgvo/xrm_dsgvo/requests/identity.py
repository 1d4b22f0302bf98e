"""Who has asked: by grades, and only as far as there is a doubt (Articles 11, 12(2) and 12(6))."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from xrm_core.api import Action, ActionContext, Record, Refuse
from xrm_dsgvo.discovery import Hit, Seed, SubjectGraph
from xrm_dsgvo.discovery.finding import discover_in
from xrm_dsgvo.discovery.identity import one_form
from xrm_dsgvo.discovery.joining import called, called_of
from xrm_dsgvo.discovery.sources import Sources
from xrm_dsgvo.own import Making, now
from xrm_dsgvo.privacy import privacy_of
from xrm_dsgvo.requests.cases import RequestStanding, actor_of, held, moved, said
from xrm_dsgvo.requests.heirs import check_living
from xrm_dsgvo.subjects import SUBJECT, Person, natural


class Grade(Enum):
    """By what it is known who has asked, the mildest first."""

    session = "session"
    known_address = "known_address"
    known_facts = "known_facts"
    document = "document"


@dataclass
class RequestDoubtInput:
    """Why there is a doubt, and what was asked of the person. No copy of a passport belongs in here."""

    request: str
    reasons: str


@dataclass
class SameRecord:
    """A record of an entity."""

    entity: str
    record: str


@dataclass
class RequestIdentifyInput:
    """Who it is: a record that is the person; ``confirmed`` are candidates that are the same person's. Without a
    record nothing is known of them, which is an answer, too. ``authority``: of a request by a proxy, by what it is
    known that they may ask and get the answer. ``copy_destroyed``: of a document, no copy of it is left.
    """

    request: str
    grade: Grade
    entity: str | None = None
    record: str | None = None
    confirmed: list[SameRecord] = field(default_factory=list)
    authority: str | None = None
    copy_destroyed: bool = False


def doubt(context: ActionContext, given: RequestDoubtInput) -> RequestStanding:
    """Keep that somebody was asked who they are. The time runs on.

    Raises:
        Refuse: nothing is said of why, or it is known already.
    """
    request = held(context, given.request, "doubt")
    asked = {"status": "identity_check", "doubt": said(given.reasons, "reasons"), "doubted_at": now()}
    return moved(context, request, asked)


def identify(context: ActionContext, given: RequestIdentifyInput) -> RequestStanding:
    """From now on it can be worked on.

    Raises:
        Refuse: the record is no person's, or the answer would not go to an address that is known of them.
    """
    request = held(context, given.request, "identify")
    if given.grade is Grade.document and not request["doubt"]:
        text = {
            "en": "A passport is asked for only on a reasonable doubt: keep it by dsgvoRequestDoubt first.",
            "de": "Einen Ausweis verlangt man nur bei begründeten Zweifeln: erst dsgvoRequestDoubt.",
        }
        raise Refuse(text, field="grade")
    if given.grade is Grade.document and not given.copy_destroyed:
        text = {
            "en": "Destroy each copy of the passport, and say so by copyDestroyed: only that it was seen is kept.",
            "de": "Jede Ausweiskopie vernichten und das mit copyDestroyed sagen: Vermerkt wird nur, dass er vorlag.",
        }
        raise Refuse(text, field="copyDestroyed")
    if request["proxy"] and not (given.authority or "").strip():
        text = {
            "en": "Somebody asks for the person: say by what authority, such as a letter of attorney of which day.",
            "de": "Es fragt jemand für die Person: sagen, mit welcher Vollmacht und von welchem Tag.",
        }
        raise Refuse(text, field="authority")
    known = {
        "status": "in_work",
        "authority": (given.authority or "").strip()[:500] or None,
        "copy_gone_at": now() if given.grade is Grade.document else None,
        "identity": given.grade.value,
        "identified_at": now(),
        "identified_by": actor_of(context),
        "data_subject": None,
        "confirmed": {"records": [[each.entity, each.record] for each in given.confirmed]},
    }
    if given.entity is None or given.record is None:
        if given.confirmed:
            text = {"en": "Name the record of the person.", "de": "Den Datensatz der Person nennen."}
            raise Refuse(text, field="record")
        return moved(context, request, known)
    model = context.records.model
    if given.entity not in model or privacy_of(model)[given.entity].role != "is_subject":
        raise Refuse({"en": "That is no person.", "de": "Das ist keine Person."}, field="entity")
    if given.entity == SUBJECT:
        person = Person(data_subject=given.record)
    else:
        person = Person(entity=given.entity, record=given.record)
    subject = natural(context, person, "record", gone=True)
    known["data_subject"] = subject
    check_living(request, (context.read(SUBJECT, str(subject)) or {}).get("deceased"))
    graph = graph_of(context, {**request, **known})
    if lost := next((each for each in given.confirmed if graph.hit((each.entity, each.record)) is None), None):
        text = {
            "en": f"There is no such record: {lost.entity}.",
            "de": f"Diesen Datensatz gibt es nicht: {lost.entity}.",
        }
        raise Refuse(text, field="confirmed")
    if given.grade is Grade.known_address and not _is_known(context, graph, request["address"]):
        text = {
            "en": "The address of the request is none that is known of the person: check who it is in another way.",
            "de": "Die Anschrift der Anfrage ist von der Person nicht bekannt: Die Identität anders prüfen.",
        }
        raise Refuse(text, field="grade")
    if given.grade is Grade.known_address and _may_be_others(context, graph, request):
        text = {
            "en": "Others are reached at this address, or the first name is another: check who it is in another way.",
            "de": "Unter dieser Anschrift ist noch jemand erreichbar, oder der Vorname ist ein anderer: anders prüfen.",
        }
        raise Refuse(text, field="grade")
    return moved(context, request, known)


def graph_of(context: Making, request: Record) -> SubjectGraph:
    """All that is about who has asked; of somebody unknown, what their name and address lead to."""
    model = context.records.model
    sources = Sources(context, model, privacy_of(model), gone=True)
    return discover_in(sources, seed_of(context, request), context.settings.region)


def seed_of(context: Making, request: Record) -> Seed:
    """With what that begins."""
    region = context.settings.region
    confirmed = frozenset((str(entity), str(id_)) for entity, id_ in (request["confirmed"] or {}).get("records", ()))
    if request["data_subject"] is not None:
        return Seed(((SUBJECT, str(request["data_subject"])),), confirmed=confirmed)
    address = str(request["address"] or "")
    email, phone = (one_form(space, address, region) and address for space in ("email", "phone"))
    return Seed(email=email or None, phone=None if email else phone or None, name=request["name"])


def _is_known(context: ActionContext, graph: SubjectGraph, address: str | None) -> bool:
    """Whether an address stands in a record that is the person."""
    region = context.settings.region
    wanted = {form for space in ("email", "phone") if address and (form := one_form(space, address, region))}
    return bool(wanted & set(_addresses(context, graph)))


def _may_be_others(context: ActionContext, graph: SubjectGraph, request: Record) -> bool:
    """Whether a family has the address, or who asks has another first name than the person: it proves nothing then."""
    if any(each.code in ("BIRTH_DATE", "OTHER_NAME") for each in graph.candidates):
        return True
    asks, privacy = called(str(request["name"] or "")), privacy_of(context.records.model)
    names = []
    for hit, record in _own(context, graph):
        if name := called_of(privacy[hit.entity], record):
            names.append(name)
    return asks is not None and bool(names) and not any(asks.may_be(each) for each in names)


def _own(context: ActionContext, graph: SubjectGraph) -> Iterator[tuple[Hit, Record]]:
    """The records that are the person, in clear, wherever they lie: who is restricted has rights, too."""
    sources = Sources(context, context.records.model, privacy_of(context.records.model))
    for hit in graph.hits:
        if hit.own and not hit.deleted and (record := sources.read(hit.key)) is not None:
            yield hit, record


def _addresses(context: ActionContext, graph: SubjectGraph) -> Iterator[str]:
    for hit, record in _own(context, graph):
        model = context.records.model[hit.entity]
        for name in hit.mine:
            kind = str(model[name].type)
            space = str(record.get("kind")) if hit.entity == "contact_point" and name == "value" else kind
            value = record.get(name)
            if space in ("email", "phone") and value:
                form = one_form(space, str(value), context.settings.region)
                yield from [] if form is None else [form]


def actions() -> list[Action]:
    """``dsgvoRequestDoubt`` and ``dsgvoRequestIdentify``."""
    doubts = {"en": "Ask who somebody is.", "de": "Nachfragen, wer jemand ist."}
    knows = {"en": "It is known who has asked.", "de": "Es steht fest, wer gefragt hat."}
    return [
        Action("dsgvo.request_doubt", doubt, input=RequestDoubtInput, answers=RequestStanding, description=doubts),
        Action(
            "dsgvo.request_identify", identify, input=RequestIdentifyInput, answers=RequestStanding, description=knows
        ),
    ]
