"""How long a record is kept, for whoever asks (Article 15(1)(d))."""

from datetime import date
from typing import Any

from xrm_core.api import Record
from xrm_dsgvo.access.values import labelled
from xrm_dsgvo.own import Making
from xrm_dsgvo.privacy import EntityPrivacy, Start
from xrm_dsgvo.registers import Registers
from xrm_dsgvo.retention.deadline import end_of


def retained(context: Making, said: EntityPrivacy, registers: Registers, stored: Record) -> dict[str, Any] | None:
    """The Löschklasse, and the last day, as far as its period has begun; None: the record has none."""
    if said.retention is None:
        return None
    class_ = registers.retention_classes[said.retention.class_]
    began = _began(context, said.retention.start, said.name, stored)
    until = None if began is None else end_of(class_, began)
    event = registers.events.get(said.retention.start.event or "")
    return {
        "class": class_.key,
        "label": labelled(class_.labels, class_.key),
        "months": class_.period.months,
        "days": class_.period.days,
        "endOfYear": class_.end_of_year,
        "legalRef": class_.legal_ref,
        "startsWith": None if event is None else labelled(event.labels, event.key),
        "until": None if until is None else until.isoformat(),
    }


def _began(context: Making, start: Start, entity: str, stored: Record) -> date | None:
    if start.field:
        value = stored.get(start.field)
        return None if value is None else date.fromisoformat(str(value)[:10])
    where = {"event": {"eq": start.event}, "entity_name": {"eq": entity}, "record_id": {"eq": stored["id"]}}
    days = [str(each["happened_on"])[:10] for each in context.find("retention_event", where, 1_000)]
    return date.fromisoformat(max(days)) if days else None
