"""``dsgvoDeathRecord`` and ``dsgvoDeathRevoke``: that a person has died, how that is known, and that it was a mistake.

The GDPR is not about the dead (Recital 27). Advertising ends at once, periods run from the day of death where nobody
has told another end of the relationship, and whoever has inherited has no right of the person's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from xrm_core.api import Action, ActionContext, Refuse, recheck_messages
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.discovery.own_records import own_records
from xrm_dsgvo.objection.persons import addresses_on
from xrm_dsgvo.own import Writing, change, create, delete
from xrm_dsgvo.points import held
from xrm_dsgvo.privacy import privacy_of
from xrm_dsgvo.requests.cases import said, today
from xrm_dsgvo.restored import keeping
from xrm_dsgvo.retention.candidates import EVENT
from xrm_dsgvo.retention.deciding import OURS
from xrm_dsgvo.subjects import SUBJECT, Person, holds, natural

NOTHING: dict[str, Any] = {"deceased": False, "died_on": None, "death_source": None}
"""Of who lives, as far as anybody knows."""

_MOST = 500


@dataclass
class DeathRecordInput:
    """Who has died; ``died_on`` as far as the day is known; ``source``: by what it is, such as a letter of whom."""

    person: Person
    source: str
    died_on: date | None = None


@dataclass
class DeathRevokeInput:
    """Who lives, after all, and how that is known."""

    person: Person
    because: str


@dataclass
class DeathStanding:
    """The data subject, and at how many addresses nobody writes to them any more."""

    data_subject: str
    deceased: bool
    addresses: int


def record(context: ActionContext, given: DeathRecordInput) -> DeathStanding:
    """Keep that somebody has died; said again, the newer is right.

    Raises:
        Refuse: nobody is named, it is no natural person or one who is erased, the day is still to come, or nothing is
            said of how it is known.
    """
    subject = _person(context, given.person)
    source = said(given.source, "source")[:_MOST]
    if given.died_on is not None and given.died_on > today(context.settings):
        raise Refuse({"en": "That day is still to come.", "de": "Dieser Tag kommt erst noch."}, field="diedOn")
    values = {"deceased": True, "died_on": given.died_on and given.died_on.isoformat(), "death_source": source}
    keeping.died(context, subject, values)
    return DeathStanding(subject, True, died(context, subject, values))


def died(context: Writing, subject: str, values: dict[str, Any]) -> int:
    """The same, whatever it is known by; answers how many addresses are those of the person."""
    change(context, SUBJECT, subject, values)
    own = own_records(context, subject)
    _forget_ends(context, own)
    _end_relations(context, own, values["died_on"])
    return reached(context, subject, addresses_on(context, own))


def revoke(context: ActionContext, given: DeathRevokeInput) -> DeathStanding:
    """It was a mistake: consents and objections stand as they did. What was refused meanwhile stays refused.

    Raises:
        Refuse: nobody is named, they live as far as is known, or nothing is said of why.
    """
    subject = _person(context, given.person)
    said(given.because, "because")
    if not (context.read(SUBJECT, subject) or {})["deceased"]:
        text = {"en": "As far as is known this person lives.", "de": "Soweit bekannt, lebt diese Person."}
        raise Refuse(text, field="person")
    keeping.lives(context, subject)
    lives(context, subject)
    return DeathStanding(subject, False, 0)


def lives(context: Writing, subject: str) -> None:
    """The same, whatever it is known by."""
    change(context, SUBJECT, subject, NOTHING)
    _forget_ends(context, own_records(context, subject))


def reached(context: Writing, subject: str, addresses: Iterable[tuple[str, str]]) -> int:
    """Who is asked about one of these addresses by the send gate knows from now on that it is the dead person's."""
    points = [held(context, *each) for each in sorted(addresses)]
    for point in points:
        holds(context, point, subject)
    recheck_messages(context)
    return len(points)


def followed(context: Writing, subjects: Iterable[str], addresses: Iterable[tuple[str, str]]) -> None:
    """A person who has died is known at one more address, or by one more record, whose period runs then, too."""
    stored = [context.read(SUBJECT, each) for each in subjects]
    if dead := [each for each in stored if each is not None and each["deceased"]]:
        subject = str(dead[0]["id"])
        _end_relations(context, own_records(context, subject), dead[0]["died_on"])
        reached(context, subject, addresses)


def joined(context: Writing, went: Any, stays: Any) -> None:
    """Two data subjects are one person: who has died as one of them has died."""
    if went["deceased"] and not stays["deceased"]:
        change(context, SUBJECT, stays["id"], {name: went[name] for name in NOTHING})


def _person(context: Writing, person: Person) -> str:
    subject = natural(context, person)
    stored = context.read(SUBJECT, subject) if subject is not None else None
    if subject is None or stored is None:
        raise Refuse({"en": "Name the person.", "de": "Die Person nennen."}, field="person")
    if stored["status"] in ("erasing", "erased"):
        raise Refuse({"en": "The person is erased.", "de": "Die Person ist gelöscht."}, field="person")
    return subject


def _end_relations(context: Writing, own: Iterable[Key], died_on: object) -> None:
    """Relationships end with death, unless somebody has told when they did."""
    day = str(died_on or today(context.settings).isoformat())[:10]
    for entity, id_ in own:
        retention = privacy_of(context.records.model)[entity].retention
        if (
            entity in OURS
            or retention is None
            or retention.start.type != "relationship_end"
            or retention.start.event is None
        ):
            continue
        this = {"event": retention.start.event, "entity_name": entity, "record_id": id_}
        if not context.find(EVENT, {name: {"eq": value} for name, value in this.items()}, 1):
            create(context, EVENT, {**this, "happened_on": day, "by_death": True})


def _forget_ends(context: Writing, own: Iterable[Key]) -> None:
    for entity, id_ in own:
        this = {"entity_name": {"eq": entity}, "record_id": {"eq": id_}, "by_death": {"eq": True}}
        for each in context.find(EVENT, this):
            delete(context, EVENT, str(each["id"]))


def actions() -> list[Action]:
    """The two."""
    dies = {"en": "Keep that a person has died.", "de": "Festhalten, dass eine Person verstorben ist."}
    lives_ = {"en": "A person has not died.", "de": "Eine Person ist nicht verstorben."}
    return [
        Action("dsgvo.death_record", record, input=DeathRecordInput, answers=DeathStanding, description=dies),
        Action("dsgvo.death_revoke", revoke, input=DeathRevokeInput, answers=DeathStanding, description=lives_),
    ]
