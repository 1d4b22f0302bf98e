"""How much was looked at and done, by entity. No I/O in here, and no content."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from xrm_dsgvo.privacy import PrivacyModel
from xrm_dsgvo.registers import Registers

Counts = dict[str, dict[str, int]]


@dataclass
class Tally:
    """``done`` is what went, and stays counted if the job is begun anew; ``stays`` is what one look has found."""

    done: Counts = field(default_factory=dict)
    stays: Counts = field(default_factory=dict)

    def went(self, entity: str, how: str) -> None:
        """A record went."""
        _one_more(self.done, entity, how)

    def seen(self, entity: str, what: str, count: int = 1) -> None:
        """Records were looked at."""
        for _ in range(count):
            _one_more(self.stays, entity, what)

    def exported(self) -> dict[str, Any]:
        """As it is stored."""
        return {"done": self.done, "stays": self.stays}


def stored(report: Mapping[str, Any] | None) -> Tally:
    """What a run that was interrupted has done so far."""
    return Tally(done={name: dict(counts) for name, counts in (report or {}).get("done", {}).items()})


@dataclass
class RetentionLine:
    """An entity with its Löschklasse, and how many of its records would go now, or stay though their period is over.

    ``fields_due``: only some fields would go. ``needed``: something that belongs to them is kept longer.
    ``suspended``: an open tax assessment, or a dispute, keeps their periods from ending. ``overdue``: those of which
    somebody has to see why they are still there, a month after their end.
    ``purpose_ended``: what is only kept for its period, and is not archived yet.
    ``start_missing``: nobody has said when the period began, and the records are untouched for as long as it lasts.
    """

    entity: str
    datenart: str | None
    retention_class: str
    legal_ref: str
    then: str
    due: int = 0
    fields_due: int = 0
    held: int = 0
    restricted: int = 0
    suspended: int = 0
    needed: int = 0
    review: int = 0
    purpose_ended: int = 0
    start_missing: int = 0
    overdue: int = 0


@dataclass
class RetentionReport:
    """What would go on a day."""

    day: date
    lines: list[RetentionLine]


def lines(privacy: PrivacyModel, registers: Registers, tally: Tally) -> Iterator[RetentionLine]:
    """One for each entity that has a period."""
    for said in privacy:
        if said.retention is not None:
            class_ = registers.retention_classes[said.retention.class_]
            counts = tally.stays.get(said.name, {})
            yield RetentionLine(said.name, said.datenart, class_.key, class_.legal_ref, said.retention.then, **counts)


def _one_more(counts: Counts, entity: str, what: str) -> None:
    of_entity = counts.setdefault(entity, {})
    of_entity[what] = of_entity.get(what, 0) + 1
