"""A restriction begins: data of a person, or some of them, are moved into the vault (Article 18)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Any

from xrm_core.api import (
    ActionContext,
    Refuse,
    SealingUnavailable,
    forget_answers,
    move_to_vault,
    recheck_messages,
)
from xrm_dsgvo.disclosure.owed import joined, open_notices
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.own import Making, change, create, now
from xrm_dsgvo.paging import every
from xrm_dsgvo.points import POINT
from xrm_dsgvo.requests.cases import review_day
from xrm_dsgvo.requests.states import REQUEST
from xrm_dsgvo.restored import keeping
from xrm_dsgvo.restriction.parts import reach_of_parts
from xrm_dsgvo.restriction.reach import Reach, reach_of
from xrm_dsgvo.restriction.terms import AllowedPurpose, RestrictedPart, Scope, exported, scope_of
from xrm_dsgvo.stores import restricting as in_stores
from xrm_dsgvo.subjects import SUBJECT, Person, holds, natural

RESTRICTION = "restriction"


class Ground(Enum):
    """Of Article 18(1): ``accuracy`` is contested (a), ``unlawful`` and not to be erased (b), needed by the person for
    ``claims`` (c), an ``objection`` is being assessed (d). Besides: what is to be erased is under a legal ``hold``;
    it has ``arrived`` while the person was being erased.
    """

    accuracy = "accuracy"
    unlawful = "unlawful"
    claims = "claims"
    objection = "objection"
    hold = "hold"
    arrived = "arrived"


@dataclass
class RestrictionOpenInput:
    """Whose data, on which ground, and why; ``review_on`` reminds of it.

    ``only`` are records or fields, where it is not about all of the person. ``purposes`` narrows for what it may be
    looked at.
    """

    person: Person
    ground: Ground
    because: str
    review_on: date | None = None
    only: list[RestrictedPart] = field(default_factory=list)
    purposes: list[AllowedPurpose] = field(default_factory=list)


@dataclass
class RestrictedCount:
    """How many records of an entity, wholly or with some values."""

    entity: str
    records: int


@dataclass
class RestrictedRecord:
    """A record."""

    entity: str
    record: str


@dataclass
class RestrictionStanding:
    """How it stands. ``moved`` is what was moved; ``left`` stays where it is: accounts, and what cannot be emptied."""

    restriction: str
    scope: str
    status: str
    moved: list[RestrictedCount]
    left: list[RestrictedRecord]


def open_restriction(context: ActionContext, given: RestrictionOpenInput) -> RestrictionStanding:
    """Move the person's data into the vault, or some of them.

    Raises:
        Refuse: there is no such person, they are erased, nothing is said of why, or a part is not theirs.
        SealingUnavailable: there is no key store.
    """
    subject = natural(context, given.person)
    if subject is None:
        raise Refuse({"en": "Name the person.", "de": "Die Person nennen."}, field="person")
    because = said(given.because, "because")
    return restrict(context, subject, given.ground, because, given.review_on, only=given.only, purposes=given.purposes)


def restrict(
    context: Making,
    subject: str,
    ground: Ground,
    because: str,
    review_on: date | None = None,
    *,
    since: str | None = None,
    needs_vault: bool = True,
    only: Sequence[RestrictedPart] = (),
    purposes: Iterable[AllowedPurpose] = (),
    again: bool = False,
) -> RestrictionStanding:
    """The same, for other parts of the plugin. What came since a former restriction is moved by another one.

    Not ``needs_vault``: without a key store messages are held back, and the data stay where they are. ``again``: parts
    that are not there any more are left out.
    """
    context.hold(SUBJECT, subject)
    stored = context.read(SUBJECT, subject)
    if stored is None or stored["status"] not in ("active", "restricted"):
        raise Refuse({"en": "The person is erased.", "de": "Die Person ist gelöscht."}, field="person")
    found, deposit = Reach(), None
    try:
        found = reach_of_parts(context, subject, only, there=again) if only else reach_of(context, subject)
        deposit = move_to_vault(context, subject, found.records, found.values, found.trashed) if found else None
    except SealingUnavailable:  # said before anything is moved
        if needs_vault:
            raise
    counts: Mapping[str, int] = {} if deposit is None else deposit.counts
    for entity, point in found.values:
        if entity == POINT:  # also where nobody had said whose it is: the gate asks whether they are restricted
            holds(context, point, subject)
    scope = scope_of(only)
    if stored["status"] == "active" and scope is Scope.SUBJECT:
        change(context, SUBJECT, subject, {"status": "restricted"})
    values: dict[str, Any] = {
        "data_subject": subject,
        "scope": scope.value,
        "parts": exported(only),
        "purposes": sorted({each.value for each in purposes}) or None,
        "ground": ground.value,
        "because": because,
        "since": since or now(),
        "review_on": (review_on or review_day(context.settings)).isoformat(),
        "status": "active",
        "deposit": None if deposit is None else deposit.id,
        "records": sum(counts.values()),
    }
    id_ = create(context, RESTRICTION, values)
    keeping.restricted(context, id_, values)
    owe_notices(context, subject, id_, found)
    recheck_messages(context)
    forget_answers(context)
    in_stores.tell(context, id_)
    left = [RestrictedRecord(*key) for key in sorted(set(found.left))]
    return RestrictionStanding(id_, scope.value, "active", counted(counts), left)


def owe_notices(context: Making, subject: str, restriction: str, found: Reach) -> None:
    """Whoever has got what is restricted is to be told; where somebody has asked for it, by their request as well."""
    mine = {"restriction": restriction}
    asked = {"data_subject": {"id": {"eq": subject}}, "kind": {"eq": "restriction"}, "status": {"eq": "decided"}}
    for each in every(context, REQUEST, asked):
        joined(context, {"request": str(each["id"])}, mine)
    fields: dict[Key, set[str] | None] = {key: set(values) for key, values in found.values.items()}
    fields |= dict.fromkeys([*found.records, *found.trashed])
    open_notices(context, "restriction", mine, fields)


def said(text: str, name: str) -> str:
    """A text that is needed. Raises Refuse: nothing is said."""
    if not text.strip():
        raise Refuse({"en": "Say why, or how.", "de": "Den Grund oder den Weg angeben."}, field=name)
    return text.strip()[:2000]


def counted(counts: Mapping[str, int]) -> list[RestrictedCount]:
    """By entity, in the order of their names."""
    return [RestrictedCount(entity, count) for entity, count in sorted(counts.items())]
