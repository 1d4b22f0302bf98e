"""What is said of a breach, and what is answered."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum


class Risk(Enum):
    """For the rights and freedoms of persons."""

    none = "none"
    risk = "risk"
    high = "high"


class Exempt(Enum):
    """Why persons need not be told (Article 34(3)(a) to (c))."""

    protected = "protected"
    averted = "averted"
    public = "public"


@dataclass
class BreachOpenInput:
    """What has happened. ``noticed_at``: when somebody knew it; the clock runs from then, unless ``suspected``.

    ``processor_noticed_at``: when the processor knew it, that has told us. ``on_behalf_of``: the controller for whom we
    process the data, and whom we tell (Article 33(2)).
    """

    summary: str
    noticed_at: datetime
    suspected: bool = False
    confidentiality: bool = True
    integrity: bool = False
    availability: bool = False
    processor: str | None = None
    processor_noticed_at: datetime | None = None
    on_behalf_of: str | None = None


@dataclass
class BreachCloseInput:
    """Which; of a suspicion that has not come true the reasons are needed."""

    breach: str
    because: str | None = None


@dataclass
class BreachConfirmInput:
    """A suspicion has come true, at this moment."""

    breach: str
    noticed_at: datetime


@dataclass
class BreachAssessInput:
    """What is known by now."""

    breach: str
    risk: Risk
    reasons: str
    categories: list[str] = field(default_factory=list)
    persons: int | None = None
    records: int | None = None
    consequences: str | None = None
    measures: str | None = None


@dataclass
class BreachNotifyInput:
    """The authority was told, or the controller on whose behalf the data are processed; ``partial``: more will follow.
    After the last moment the reasons are needed. ``content``: what was told.
    """

    breach: str
    authority: str
    notified_at: datetime
    reference: str | None = None
    partial: bool = False
    delay_reasons: str | None = None
    content: str | None = None


@dataclass
class BreachInformInput:
    """The persons were told, or need not be. ``content``: what was told."""

    breach: str
    informed_at: datetime | None = None
    exception: Exempt | None = None
    reasons: str | None = None
    content: str | None = None


@dataclass
class BreachPersonsInput:
    """Whose data it is about: ids of data subjects."""

    breach: str
    data_subjects: list[str]


@dataclass
class BreachStanding:
    """How far it is; ``due_at``: until when the authority is to be told."""

    breach: str
    status: str
    due_at: datetime | None
