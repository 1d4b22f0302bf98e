"""Persons who come out of a file, or from another system by its key: they are to be told (Article 14).

Nobody has to say so. Whoever imports says if it is otherwise, and why (Article 14(5)): that is kept with each of them.
Of a system that writes day by day the register of sources says it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from xrm_core.api import Coming, Entity, On, Record, RecordChange, Refuse, Write
from xrm_dsgvo.informing.duties import DUTY, Exemption, of_records, owed
from xrm_dsgvo.own import Writing, change, create_many, now
from xrm_dsgvo.privacy import is_person, privacy_of
from xrm_dsgvo.privacy.implied import said
from xrm_dsgvo.processors.connectors import today
from xrm_dsgvo.restriction.reach import ACCOUNTS, OURS

SOURCE = "data_source"
_PREFIX = "dsgvo."
_NAMES = ("source", "collected_on", "exempt", "because")
_THEMSELVES: Mapping[str, tuple[str, frozenset[str]]] = {"lead": ("source", frozenset({"web_form", "website"}))}
"""Entities with a field that may say that the person has given the data themselves."""

_AT_ONCE = 500


@dataclass(frozen=True)
class _Arrival:
    """Whence persons come, when their data were obtained, and why they need not be told, if so."""

    source: str
    collected: date
    exemption: str | None = None
    because: str | None = None


def hooks() -> list[On]:
    """Of all entities of persons. Sources stay: by them it is known why persons were not told."""
    return [On(_are_persons, "create", before=_came), On(SOURCE, ("delete", "restore"), before=_stays)]


def _are_persons(entity: Entity) -> bool:
    return said(entity).get("subject", {}).get("role") == "is_subject" and entity.name not in OURS | ACCOUNTS


def _came(change_: RecordChange) -> None:
    """What comes by an import, or by an upsert of a service, is looked at once it is stored: all that came together."""
    write, entity = change_.write, change_.entity
    coming = write.coming
    if coming is None or (coming.way == "upsert" and not coming.service):
        return
    arrival = _said(coming, write.settings) if coming.way == "import" else _known(write)
    if coming.way in write.settings.notice_imports or arrival.exemption is not None:
        write.then(partial(_arrived, entity=entity, arrival=arrival), key=("arrived", entity, arrival))


def _arrived(context: Any, _: str, entity: str, arrival: _Arrival) -> None:
    ids = [str(each) for each in context.ids]
    for start in range(0, len(ids), _AT_ONCE):
        _owe(context, entity, ids[start : start + _AT_ONCE], arrival)


def _owe(context: Writing, entity: str, ids: list[str], arrival: _Arrival) -> None:
    persons = {str(each["id"]) for each in _persons(context, entity, ids)}
    known = of_records(context, [(entity, id_) for id_ in sorted(persons)])
    ended: dict[str, Any] = {}
    if arrival.exemption is not None:
        why = {"exemption": arrival.exemption, "because": arrival.because}
        ended = {"status": "exempt", "ended_at": now(), **why}
    for each in known:  # what the record itself has said of its source
        if ended and each["status"] == "open":
            change(context, DUTY, str(each["id"]), ended)
    new = sorted(persons - {str(each["record_id"]) for each in known})
    create_many(context, DUTY, [{**owed((entity, id_), arrival.source, arrival.collected), **ended} for id_ in new])


def _persons(context: Writing, entity: str, ids: list[str]) -> Iterator[Record]:
    privacy = privacy_of(context.records.model)[entity]
    field, themselves = _THEMSELVES.get(entity, ("", frozenset[str]()))
    for each in context.find(entity, {"id": {"in": ids}}, len(ids)):
        if is_person(privacy, each) and each.get(field) not in themselves:
            yield each


def _said(coming: Coming, settings: Any) -> _Arrival:
    """What whoever imports has said. Raises Refuse: it is not understood, or nothing is said of why."""
    given = {name.removeprefix(_PREFIX): value for name, value in coming.said.items() if name.startswith(_PREFIX)}
    if unknown := sorted(given.keys() - set(_NAMES)):
        known = ", ".join(_PREFIX + each for each in _NAMES)
        wrong = _PREFIX + unknown[0]
        text = {"en": f"{wrong} is none of {known}.", "de": f"{wrong} ist keines von {known}."}
        raise Refuse(text)
    exemption, because = given.get("exempt"), given.get("because", "")[:500]
    codes = [each.value for each in Exemption]
    if exemption not in (None, *codes):
        text = {
            "en": f"dsgvo.exempt is one of {', '.join(codes)} (Article 14(5)).",
            "de": f"dsgvo.exempt ist eines von {', '.join(codes)} (Art. 14 Abs. 5).",
        }
        raise Refuse(text)
    if (exemption is None) != (not because):
        text = {
            "en": "Who need not be told, is so for a reason: say both dsgvo.exempt and dsgvo.because.",
            "de": "Wer nicht zu informieren ist, ist es aus einem Grund: dsgvo.exempt und dsgvo.because angeben.",
        }
        raise Refuse(text)
    return _Arrival(given.get("source", "import")[:200], _day(given.get("collected_on"), settings), exemption, because)


def _day(text: str | None, settings: Any) -> date:
    day = date.fromisoformat(today(settings))
    try:
        collected = day if text is None else date.fromisoformat(text)
    except ValueError:
        collected = None
    if collected is None or collected > day:
        text_ = {
            "en": "dsgvo.collected_on is a day of the past: 2026-01-31.",
            "de": "dsgvo.collected_on ist ein vergangener Tag: 2026-01-31.",
        }
        raise Refuse(text_)
    return collected


def _known(write: Write) -> _Arrival:
    """What the register says of a service."""
    day = date.fromisoformat(today(write.settings))
    where = {"actor": {"eq": write.actor}, "or": [{"until": {"isNull": True}}, {"until": {"gte": day.isoformat()}}]}
    found = write.find(SOURCE, where, 1)
    if not found:
        return _Arrival("upsert", day)
    return _Arrival(str(found[0]["name"]), day, found[0]["exemption"], found[0]["because"])


def _stays(_: RecordChange) -> None:
    text = {
        "en": "A source stays: say until when it was so.",
        "de": "Eine Datenquelle bleibt: angeben, bis wann es so war.",
    }
    raise Refuse(text)
