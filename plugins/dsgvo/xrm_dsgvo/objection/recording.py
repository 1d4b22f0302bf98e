"""Objections: from the moment they are recorded nothing goes out that they are about."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from xrm_core.api import Action, ActionContext, On, Record, Refuse, recheck_messages
from xrm_dsgvo.channels import KINDS, Channel, PointKind
from xrm_dsgvo.consent.given import kind_of
from xrm_dsgvo.consent.withdrawing import end
from xrm_dsgvo.objection.exceptions import end_exceptions
from xrm_dsgvo.objection.persons import HOLDER, addresses_on, one_person
from xrm_dsgvo.objection.suppressing import suppress
from xrm_dsgvo.own import Writing, change, create, kept, now
from xrm_dsgvo.points import POINT, held, normal
from xrm_dsgvo.purposes import all_of, named
from xrm_dsgvo.requests.cases import today
from xrm_dsgvo.requests.deadline import months_after
from xrm_dsgvo.restored import keeping
from xrm_dsgvo.restriction.restricting import Ground, restrict
from xrm_dsgvo.restriction.standing import RESTRICTION, STANDING
from xrm_dsgvo.subjects import SUBJECT, Person, holds, natural, subject_of

if TYPE_CHECKING:
    from xrm_dsgvo.own import Making

OBJECTION = "objection"


class Scope(Enum):
    """What somebody objects to."""

    direct_marketing = "direct_marketing"
    profiling = "profiling"
    specific = "specific"


class Decision(Enum):
    """What came of an objection to a certain processing."""

    upheld = "upheld"
    rejected = "rejected"


@dataclass
class ObjectionInput:
    """Who objects to what; by any channel that it came."""

    scope: Scope = Scope.direct_marketing
    to: str | None = None
    point_kind: PointKind | None = None
    channel: Channel | None = None
    person: Person | None = None
    purpose: str | None = None
    received_at: datetime | None = None
    via: str = "agent"
    grounds: str | None = None


@dataclass
class Objected:
    """The objection, and how many consents have ended by it."""

    objection: str
    status: str
    withdrawn: int


@dataclass
class DecisionInput:
    """The decision on an objection to a certain processing, with the assessment."""

    decision: Decision
    assessment: str


def record(context: ActionContext, given: ObjectionInput) -> Objected:
    """Keep it, and have it work: in this transaction.

    Raises:
        Refuse: nobody is named, or no purpose where one is needed.
    """
    return object_(context, given)


def object_(context: Writing, given: ObjectionInput) -> Objected:
    """The same, whatever it comes from."""
    received = given.received_at or datetime.now(UTC)
    if received.tzinfo is None or received > datetime.now(UTC):
        raise Refuse({"en": "It came in the past.", "de": "Er kam in der Vergangenheit."}, field="received_at")
    whose = natural if given.scope is Scope.specific else subject_of
    subject = whose(context, given.person)
    purpose = named(context, given.purpose) if given.purpose else None
    values = {
        "scope": given.scope.value,
        "data_subject": subject,
        "channel": given.channel.value if given.channel else None,
        "purpose": purpose,
        "received_at": received.isoformat(),
        "via": given.via[:60],
        "grounds": given.grounds,
        "status": "received",
    }
    if given.scope is Scope.specific:
        return _to_be_assessed(context, values)
    if given.scope is Scope.profiling and purpose is None:
        text = {"en": "Name the purpose that profiles are for.", "de": "Den Zweck nennen, zu dem Profile dienen."}
        raise Refuse(text, field="purpose")
    points = _points(context, given, subject)
    at = now()  # only now that they are held: what was let through before is older, and nothing is let through after it
    objection = create(context, OBJECTION, {**values, "contact_point": points[0]["id"] if len(points) == 1 else None})
    below = None if purpose is None else all_of(context).below(purpose)
    ended = 0
    for point in points:
        suppress(context, point, "objection", at, values["channel"], purpose)
        ended += end(context, point["id"], given.via, at, values["channel"], below)
        end_exceptions(context, point["id"])
    effective = {"status": "effective", "effective_at": at}
    change(context, OBJECTION, objection, effective)
    ids = [str(point["id"]) for point in points]
    keeping.objected(context, objection, values | effective, ids)
    _hold_back(context, ids, subject)
    return Objected(objection, "effective", ended)


def decide(context: ActionContext, objection: Record, given: DecisionInput) -> None:
    """Whether there are compelling grounds: until then the person's data was restricted.

    Raises:
        Refuse: it is not to be assessed, or nothing is said of why.
    """
    if objection["status"] != "restricted":
        text = {"en": "There is nothing to be decided.", "de": "Hier ist nichts zu entscheiden."}
        raise Refuse(text, field="status")
    if not given.assessment.strip():
        raise Refuse({"en": "Say why.", "de": "Den Grund angeben."}, field="assessment")
    decided = {"status": given.decision.value, "assessment": given.assessment}
    change(context, OBJECTION, objection["id"], decided)
    keeping.decided(context, objection, given.decision.value, given.assessment)
    ended = {"ground": {"eq": Ground.objection.value}, "status": {"in": list(STANDING)}}
    for each in context.find(RESTRICTION, {"data_subject": {"id": {"eq": objection["data_subject"]}}, **ended}, 1_000):
        if each["continues"] is None:  # what it was restricted for is over: lift it, or let the data go
            change(context, RESTRICTION, each["id"], {"review_on": today(context.settings).isoformat()})


def close(context: ActionContext, objection: Record) -> None:
    """What was decided is done. Raises Refuse: nothing was decided."""
    if objection["status"] not in ("upheld", "rejected"):
        text = {"en": "It is not decided.", "de": "Darüber ist nicht entschieden."}
        raise Refuse(text, field="status")
    change(context, OBJECTION, objection["id"], {"status": "closed"})
    keeping.decided(context, objection, "closed")


def actions() -> list[Action]:
    """``dsgvoObjectionRecord``, ``decideObjection`` and ``closeObjection``."""
    about = {"en": "Somebody objects; it works at once.", "de": "Jemand widerspricht; das wirkt sofort."}
    decided = {"en": "Decide on an objection.", "de": "Über einen Widerspruch entscheiden."}
    closed = {"en": "Close an objection.", "de": "Einen Widerspruch abschließen."}
    return [
        Action("dsgvo.objection_record", record, input=ObjectionInput, answers=Objected, description=about),
        Action("dsgvo.decide", decide, OBJECTION, needs="read", input=DecisionInput, description=decided),
        Action("dsgvo.close", close, OBJECTION, needs="read", description=closed),
    ]


def hooks() -> list[On]:
    """Nobody but the plugin writes them."""
    text = {
        "en": "Objections are recorded by dsgvoObjectionRecord, and stay.",
        "de": "Widersprüche erfasst dsgvoObjectionRecord, und sie bleiben.",
    }
    return [kept(OBJECTION, text)]


def _to_be_assessed(context: Writing, values: dict[str, Any]) -> Objected:
    if values["data_subject"] is None:
        text = {"en": "Name the person: it is about their situation.", "de": "Die Person nennen: Es geht um ihre Lage."}
        raise Refuse(text, field="person")
    objection = create(context, OBJECTION, values)
    _restricted(context, values["data_subject"], months_after(date.fromisoformat(values["received_at"][:10]), 1))
    restricted = {"status": "restricted", "effective_at": now()}
    change(context, OBJECTION, objection, restricted)
    keeping.objected(context, objection, values | restricted)
    return Objected(objection, "restricted", 0)


def _restricted(context: Writing, id_: str, review: date) -> None:
    """Until it is decided nothing is done with the data (Article 18(1)(d)). It counts without a vault, too. The person
    is to hear of it within a month (Article 12(3)).
    """
    subject = context.read(SUBJECT, id_)
    if subject is not None and subject["status"] in ("active", "restricted"):
        because = "An objection under Article 21(1) is being assessed."
        restrict(cast("Making", context), id_, Ground.objection, because, review, needs_vault=False)


def _points(context: Writing, given: ObjectionInput, subject: str | None) -> list[Record]:
    """The contact points that it is about, held in the order of their ids."""
    if given.to:
        kind = (
            kind_of(given.channel, given.point_kind) if given.channel else (given.point_kind or PointKind.email).value
        )
        ids = [held(context, kind, normal(kind, given.to, context.settings.region))]
    elif subject is not None:
        ids = _all_points(context, subject)
    else:
        text = {"en": "Name an address or a person.", "de": "Eine Adresse oder eine Person nennen."}
        raise Refuse(text, field="to")
    for id_ in ids:
        context.hold(POINT, id_)
    found = [point for id_ in ids if (point := context.read(POINT, id_)) is not None]
    return [each for each in found if given.channel is None or each["kind"] in KINDS[given.channel.value]]


def _all_points(context: Writing, subject: str) -> list[str]:
    """Those at which a person is reached, and those that come of the addresses and numbers on all their records."""
    person = one_person(context, [(SUBJECT, subject)])
    subjects = sorted(id_ for entity, id_ in person if entity == SUBJECT)
    found = context.find(HOLDER, {"data_subject": {"id": {"in": subjects}}}, 1_000)
    ids = {str(each["contact_point"]) for each in found}
    for kind, value in sorted(addresses_on(context, [key for key in sorted(person) if key[0] != SUBJECT])):
        point = held(context, kind, value)
        holds(context, point, subject)
        ids.add(point)
    return sorted(ids)


def _hold_back(context: Writing, points: list[str], subject: str | None) -> None:
    """What waits in the outbox for who is reached there ends now, as far as it may not go; the gate would stop it when
    it leaves. What names nobody is found by a job, since its address is not kept.
    """
    holders = context.find(HOLDER, {"contact_point": {"id": {"in": points}}}, 1_000)
    subjects = {each["data_subject"] for each in holders} | ({subject} if subject else set())
    for each in context.find("data_subject_link", {"data_subject": {"id": {"in": sorted(subjects)}}}, 1_000):
        recheck_messages(context, (each["entity_name"], each["record_id"]))
    recheck_messages(context)
