"""Who is to be told that their data came from elsewhere, and until when (Article 14(3)).

A month after the data was obtained at the latest; with the first message to the person, or before the data goes to
somebody else, if that is sooner.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

from xrm_core.api import Action, ActionContext, On, Record, RecordChange, Refuse
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.own import Writing, change, create, kept, now
from xrm_dsgvo.privacy import privacy_of, require_person
from xrm_dsgvo.processors.connectors import today
from xrm_dsgvo.requests.deadline import months_after
from xrm_dsgvo.subjects import Person

DUTY = "notice_duty"
_SOURCES = {"lead": "source"}
"""Entities with a field that says where a record comes from; which of its values mean «from somebody else» is set."""


class Exemption(Enum):
    """Why a person need not be told (Article 14(5))."""

    known = "known"
    disproportionate = "disproportionate"
    law = "law"
    secrecy = "secrecy"


@dataclass
class OweInput:
    """Whose data came from where, and when; ``source`` without names of persons."""

    person: Person
    source: str
    collected_on: date


@dataclass
class Owed:
    """The duty, and the last day on which the person is told."""

    duty: str
    due_on: date


@dataclass
class ExemptInput:
    """Why the person need not be told; without names of persons."""

    exemption: Exemption
    because: str


def owe(context: ActionContext, given: OweInput) -> Owed:
    """Somebody's data came from elsewhere: bought, from a business card, from a partner.

    Raises:
        Refuse: no record is named, there is none, or it is no natural person; or the day is still to come.
    """
    entity, record = given.person.entity, given.person.record
    known = entity and record and entity in context.records.model
    stored = context.read(str(entity), str(record)) if known else None
    if not entity or not record or stored is None:
        raise Refuse({"en": "There is no such record.", "de": "Diesen Datensatz gibt es nicht."}, field="person")
    require_person(privacy_of(context.records.model)[entity], stored, "person")
    if given.collected_on.isoformat() > today(context.settings):
        raise Refuse({"en": "It came in the past.", "de": "Das war in der Vergangenheit."}, field="collected_on")
    id_ = begin(context, (entity, record), given.source, given.collected_on)
    stored = context.read(DUTY, id_) or {}
    return Owed(id_, date.fromisoformat(str(stored["due_on"])))


def begin(context: Writing, key: Key, source: str, collected: date) -> str:
    """A duty to tell the person of a record, if there is none yet; its id."""
    known = of_records(context, [key])
    return str(known[0]["id"]) if known else create(context, DUTY, owed(key, source, collected))


def owed(key: Key, source: str, collected: date) -> dict[str, Any]:
    """The values of a duty that begins."""
    return {
        "entity_name": key[0],
        "record_id": key[1],
        "source": source.strip()[:200] or None,
        "collected_on": collected.isoformat(),
        "due_on": months_after(collected, 1).isoformat(),
        "ground": "one_month",
        "status": "open",
    }


def due_now(context: Writing, keys: Iterable[Key], ground: str) -> None:
    """Persons are written to, or their data goes to somebody else: who is to be told has to be told by now."""
    day = today(context.settings)
    for each in open_of(context, keys):
        if str(each["due_on"]) > day:
            change(context, DUTY, each["id"], {"due_on": day, "ground": ground})


def told(context: Writing, keys: Iterable[Key]) -> int:
    """Persons were given the notice; how many duties are done by that."""
    return _end(context, keys, "told")


def exempt(context: ActionContext, duty: Record, given: ExemptInput) -> None:
    """The person need not be told. Raises Refuse: it is done already, or nothing is said of why."""
    if duty["status"] != "open":
        raise Refuse({"en": "It is done already.", "de": "Sie ist schon erledigt."}, field="status")
    if not given.because.strip():
        raise Refuse({"en": "Say why.", "de": "Den Grund angeben."}, field="because")
    why = {"exemption": given.exemption.value, "because": given.because.strip()[:500]}
    change(context, DUTY, duty["id"], {"status": "exempt", "ended_at": now(), **why})


def actions() -> list[Action]:
    """``dsgvoNoticeOwe`` and ``exemptNoticeDuty``."""
    owing = {"en": "Somebody's data came from elsewhere.", "de": "Daten von jemandem kamen von anderswo."}
    exempting = {"en": "The person need not be told.", "de": "Die Person ist nicht zu informieren."}
    return [
        Action("dsgvo.notice_owe", owe, input=OweInput, answers=Owed, description=owing),
        Action("dsgvo.exempt", exempt, DUTY, needs="read", input=ExemptInput, description=exempting),
    ]


def hooks() -> list[On]:
    """Duties begin with what records say of their source, and end with the person's data."""
    text = {
        "en": "Duties to inform are written by dsgvoNoticeOwe, dsgvoNoticeDeliver and exemptNoticeDuty, and stay.",
        "de": "Informationspflichten schreiben dsgvoNoticeOwe, dsgvoNoticeDeliver und exemptNoticeDuty; sie bleiben.",
    }
    sources = [On(each, ("create", "update"), fields=(field,), before=_came) for each, field in _SOURCES.items()]
    return [kept(DUTY, text), *sources, On("privacy_event", "create", before=_erased)]


def _came(change_: RecordChange) -> None:
    entity = change_.entity
    source = change_.after.get(_SOURCES[entity])
    if source not in change_.settings.notice_sources:
        return

    def follow(context: Any, id_: str) -> None:
        begin(context, (entity, id_), str(source), date.fromisoformat(today(context.settings)))

    change_.then(follow)


def _erased(change_: RecordChange) -> None:
    said: Mapping[str, Any] = change_.after
    if said.get("kind") == "subject_erased" and said.get("record_id"):
        key = (str(said["entity_name"]), str(said["record_id"]))
        change_.then(lambda context, _: _end(context, [key], "gone") and None)


def _end(context: Writing, keys: Iterable[Key], status: str) -> int:
    found = open_of(context, keys)
    for each in found:
        change(context, DUTY, each["id"], {"status": status, "ended_at": now()})
    return len(found)


def open_of(context: Writing, keys: Iterable[Key]) -> list[Record]:
    """Those of records that are not done."""
    return [each for each in of_records(context, keys) if each["status"] == "open"]


def of_records(context: Writing, keys: Iterable[Key]) -> list[Record]:
    """The duties of records, whatever their status."""
    wanted = set(keys)
    if not wanted:
        return []
    found = context.find(DUTY, {"record_id": {"in": sorted(id_ for _, id_ in wanted)}}, 1_000)
    return [each for each in found if (each["entity_name"], str(each["record_id"])) in wanted]
