"""What is said of automated decisions, and what is answered."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum

from xrm_dsgvo.subjects import Person


class Allowed(Enum):
    """By what it may be made: ``contract`` (Article 22(2)(a)), ``law`` (b), ``consent`` (c)."""

    contract = "contract"
    law = "law"
    consent = "consent"


class Review(Enum):
    """What a human has come to: the decision stays, or it is another one."""

    upheld = "upheld"
    changed = "changed"


@dataclass
class DecisionRecordInput:
    """A decision: of whom, for which activity, by what, on what data, and what it was.

    ``model`` and ``version`` name what has decided. ``inputs`` are names of fields, no values: ``contact.city``.
    ``threshold`` is what the outcome hung on. ``effect``: what it means for the person.
    """

    person: Person
    activity: str
    allowed: Allowed
    model: str
    version: str
    outcome: str
    effect: str
    inputs: list[str] = field(default_factory=list)
    threshold: str | None = None
    decided_at: datetime | None = None


@dataclass
class DecisionContestInput:
    """The person contests it, gives their view, or wants a human. ``via``: the way on which they have said so."""

    decision: str
    received_at: datetime
    via: str
    statement: str | None = None


@dataclass
class DecisionReviewInput:
    """What a human has come to, why, and if it was changed, the outcome now."""

    decision: str
    result: Review
    reasons: str
    outcome: str | None = None


@dataclass
class DecisionStanding:
    """How it stands; ``due``: until when a contested one is reviewed and answered (Article 12(3))."""

    decision: str
    status: str
    due: date | None
