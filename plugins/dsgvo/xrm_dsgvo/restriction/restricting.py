"""A restriction begins, is announced to be lifted, and is lifted: in that order (Article 18(3))."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Any

from xrm_core.api import (
    ActionContext,
    Record,
    Refuse,
    SealingUnavailable,
    bring_back,
    move_to_vault,
    recheck_messages,
)
from xrm_dsgvo.own import Making, change, create, now
from xrm_dsgvo.points import POINT
from xrm_dsgvo.requests.cases import review_day
from xrm_dsgvo.restored import keeping
from xrm_dsgvo.restriction.parts import reach_of_parts
from xrm_dsgvo.restriction.reach import Reach, reach_of
from xrm_dsgvo.restriction.standing import STANDING
from xrm_dsgvo.restriction.terms import AllowedPurpose, RestrictedPart, Scope, exported, scope_kept, scope_of
from xrm_dsgvo.stores import restricting as in_stores
from xrm_dsgvo.subjects import SUBJECT, Person, holds, subject_of

RESTRICTION = "restriction"


class Ground(Enum):
    """Of Article 18(1): ``accuracy`` is contested (a), ``unlawful`` and not to be erased (b), needed by the person for
    ``claims`` (c), an ``objection`` is being assessed (d).
    """

    accuracy = "accuracy"
    unlawful = "unlawful"
    claims = "claims"
    objection = "objection"


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
class RestrictionAnnounceInput:
    """The person was told that it will be lifted, in this way."""

    restriction: str
    via: str


@dataclass
class RestrictionLiftInput:
    """Which, and why."""

    restriction: str
    because: str


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
    subject = subject_of(context, given.person)
    if subject is None:
        raise Refuse({"en": "Name the person.", "de": "Die Person nennen."}, field="person")
    because = _said(given.because, "because")
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
    recheck_messages(context)
    if scope is Scope.SUBJECT:
        in_stores.tell(context, id_)
    left = [RestrictedRecord(*key) for key in sorted(set(found.left))]
    return RestrictionStanding(id_, scope.value, "active", _counted(counts), left)


def announce(context: ActionContext, given: RestrictionAnnounceInput) -> RestrictionStanding:
    """Keep that the person was told that it will be lifted.

    Raises:
        Refuse: there is no such restriction that is active.
    """
    restriction = _held(context, given.restriction, "active")
    at = now()
    values = {"status": "lift_announced", "announced_at": at, "announced_via": _said(given.via, "via")[:60]}
    change(context, RESTRICTION, restriction["id"], values)
    keeping.lifting(context, keeping.ANNOUNCED, restriction, at, values["announced_via"])
    return RestrictionStanding(given.restriction, scope_kept(restriction), "lift_announced", [], [])


def lift(context: ActionContext, given: RestrictionLiftInput) -> RestrictionStanding:
    """Bring all back.

    Raises:
        Refuse: the person was not told before, their objection is not decided, there is no such restriction, or the
            caller may not open the vault.
        ValidationFailed: something does not fit any more, such as an address that another record has by now.
    """
    restriction = _held(context, given.restriction, "lift_announced")
    caller: Any = context.caller
    if restriction["deposit"] is not None and not caller.access.may("xrm_sealed", "read"):
        text = {
            "en": "Who brings data out of the vault may open it: the right to xrm_sealed.",
            "de": "Wer Daten aus dem Tresor holt, darf ihn öffnen: das Recht auf xrm_sealed.",
        }
        raise Refuse(text, field="restriction")
    because = _said(given.because, "because")[:2000]
    subject = str(restriction["data_subject"])
    context.hold(SUBJECT, subject)
    undecided = {"data_subject": {"id": {"eq": subject}}, "status": {"eq": "restricted"}}
    if restriction["ground"] == Ground.objection.value and context.find("objection", undecided, 1):
        text = {
            "en": "The objection of this person is not decided yet: decideObjection.",
            "de": "Über den Widerspruch der Person ist noch nicht entschieden: decideObjection.",
        }
        raise Refuse(text, field="restriction")
    return lifted(context, restriction, because, now())


def lifted(context: Making, restriction: Record, because: str, at: str) -> RestrictionStanding:
    """The same, of one that may be lifted.

    Raises:
        ValidationFailed: something does not fit any more.
    """
    subject = str(restriction["data_subject"])
    mine = {"continues": {"id": {"eq": restriction["id"]}}, "status": {"in": list(STANDING)}}
    counts: Counter[str] = Counter()
    for each in [*reversed(context.find(RESTRICTION, mine, 1_000)), restriction]:  # what has come last comes back first
        if each["deposit"] is not None:
            counts.update(bring_back(context, str(each["deposit"])).counts)
        ended = {"status": "lifted", "lifted_at": at, "lifted_because": because, "deposit": None}
        change(context, RESTRICTION, each["id"], ended)
    keeping.lifting(context, keeping.LIFTED, restriction, at, because)
    of = {"data_subject": {"id": {"eq": subject}}, "status": {"in": list(STANDING)}}
    whole = any(scope_kept(each) == Scope.SUBJECT for each in context.find(RESTRICTION, of, 1_000))
    stored = context.read(SUBJECT, subject)
    if not whole and stored is not None and stored["status"] == "restricted":
        change(context, SUBJECT, subject, {"status": "active"})
        in_stores.tell(context, str(restriction["id"]))
    return RestrictionStanding(str(restriction["id"]), scope_kept(restriction), "lifted", _counted(counts), [])


def _held(context: ActionContext, id_: str, status: str) -> Record:
    context.hold(RESTRICTION, id_)
    found = context.read(RESTRICTION, id_)
    if found is None or found["status"] not in ("active", "lift_announced"):
        text = {"en": "There is no such restriction.", "de": "Diese Einschränkung gibt es nicht."}
        raise Refuse(text, field="restriction")
    if found["continues"] is not None:
        text = {
            "en": f"It belongs to the restriction {found['continues']}, and ends with it.",
            "de": f"Sie gehört zur Einschränkung {found['continues']} und endet mit ihr.",
        }
        raise Refuse(text, field="restriction")
    if found["status"] != status:
        text = (
            {
                "en": "First tell the person that it will be lifted (Article 18(3)): dsgvoRestrictionAnnounce.",
                "de": "Erst die Person von der Aufhebung unterrichten (Art. 18 Abs. 3): dsgvoRestrictionAnnounce.",
            }
            if status == "lift_announced"
            else {"en": "That was announced already.", "de": "Das ist schon angekündigt."}
        )
        raise Refuse(text, field="restriction")
    return found


def _said(text: str, name: str) -> str:
    if not text.strip():
        raise Refuse({"en": "Say why, or how.", "de": "Den Grund oder den Weg angeben."}, field=name)
    return text.strip()[:2000]


def _counted(counts: Mapping[str, int]) -> list[RestrictedCount]:
    return [RestrictedCount(entity, count) for entity, count in sorted(counts.items())]
