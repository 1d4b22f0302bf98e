"""How long a record is kept, for whoever asks (Article 15(1)(d))."""

from typing import Any

from xrm_core.api import Record
from xrm_dsgvo.access.values import labelled
from xrm_dsgvo.own import Making
from xrm_dsgvo.privacy import EntityPrivacy, PrivacyModel
from xrm_dsgvo.registers import Registers
from xrm_dsgvo.retention.beginning import began
from xrm_dsgvo.retention.deadline import end_of


def retained(
    context: Making, privacy: PrivacyModel, said: EntityPrivacy, registers: Registers, stored: Record
) -> dict[str, Any] | None:
    """The Löschklasse, and the last day, as far as its period has begun; None: the record has none."""
    if said.retention is None:
        return None
    class_ = registers.retention_classes[said.retention.class_]
    day = began(context, privacy, said, stored, lambda key: context.read(*key))
    until = None if day is None else end_of(class_, day)
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
