"""What a plan is made of, beside the annotations: records with what is known of them. No values of theirs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from xrm_dsgvo.privacy import Start
from xrm_dsgvo.retention.deadline import Suspension


class Trigger(StrEnum):
    """Why something is erased."""

    REQUEST = "request"
    RETENTION = "retention"
    WITHDRAWAL = "withdrawal"
    OBJECTION = "objection"
    UNLAWFUL = "unlawful"


@dataclass(frozen=True, slots=True)
class Found:
    """A record that is looked at.

    Args:
        via: its links by which it was found.
        starts: the days of start events that are known, by :func:`start_key`.
        holds: the matters of legal holds upon it.
        suspensions: what keeps its periods from ending.
        others: whether it belongs to other persons, too.
        reviewed: what somebody has decided of fields that need it: True: it goes, False: it stays.
        own: it is the person.
        files: its fields with files that name the person, if the record itself is about somebody else.
        texts: its texts that do.
        stays: why all of it stays as it is, whatever its annotation says: ``OTHERS``, ``IN_VAULT``, ``REQUIRED``.
    """

    entity: str
    id: str
    via: frozenset[str] = frozenset()
    starts: Mapping[str, date] = field(default_factory=dict)
    holds: tuple[str, ...] = ()
    suspensions: tuple[Suspension, ...] = ()
    others: bool = False
    reviewed: Mapping[str, bool] = field(default_factory=dict)
    own: bool = False
    files: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    stays: str | None = None


def start_key(start: Start) -> str:
    """A start event as a key: ``field:closed_on``, ``event:contact.relationship_ended``, ``of:consent``."""
    if start.of:
        return f"of:{start.of}"
    return f"event:{start.event}" if start.event else f"field:{start.field}"
