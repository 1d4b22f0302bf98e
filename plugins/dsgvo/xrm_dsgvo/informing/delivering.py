"""That somebody was given a privacy notice: which text, when, by what way."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from xrm_core.api import Action, ActionContext, On, RecordChange, Refuse
from xrm_dsgvo.channels import PointKind
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.informing import duties
from xrm_dsgvo.informing.same_person import DELIVERY, all_of
from xrm_dsgvo.objection.persons import HOLDER
from xrm_dsgvo.own import Looking, Writing, check_past, create, kept
from xrm_dsgvo.points import held, normal
from xrm_dsgvo.subjects import SUBJECT, Person, holds, subject_of

NOTICE = "privacy_notice"
_LATER = ("It was given in the past.", "Er ging in der Vergangenheit zu.")


@dataclass
class DeliverInput:
    """Who was given which notice: a ``person``, or whoever is reached at ``to``."""

    notice: str
    person: Person | None = None
    to: str | None = None
    point_kind: PointKind = PointKind.email
    via: str = "agent"
    delivered_at: datetime | None = None


@dataclass
class Delivered:
    """The delivery, and how many duties to inform are done by it."""

    delivery: str
    duties: int


def deliver(context: ActionContext, given: DeliverInput) -> Delivered:
    """Keep that somebody was told.

    Raises:
        Refuse: there is no such notice, nobody is named, or it is said to be later than now.
    """
    at = given.delivered_at or datetime.now(UTC)
    check_past(at, "delivered_at", *_LATER)
    subject = subject_of(context, given.person)
    kind = given.point_kind.value
    point = held(context, kind, normal(kind, given.to, context.settings.region)) if given.to else None
    if subject is None and point is None:
        text = {"en": "Name an address or a person.", "de": "Eine Adresse oder eine Person nennen."}
        raise Refuse(text, field="to")
    done = len(duties.open_of(context, _persons(context, {"data_subject": subject, "contact_point": point})))
    return Delivered(delivered(context, given.notice, point, subject, given.via, at), done)


def delivered(context: Writing, notice: str, point: str | None, subject: str | None, via: str, at: datetime) -> str:
    """The same of a contact point, a data subject, or both. Raises Refuse: there is no such notice."""
    if point is not None:
        holds(context, point, subject)
    values = {
        "contact_point": point,
        "data_subject": subject,
        "notice": notice,
        "notice_version": edition(context, notice),
    }
    return create(context, DELIVERY, {**values, "via": via[:60], "delivered_at": at.isoformat()})


def edition(context: Looking | RecordChange, notice: str) -> str:
    """How a notice is called. Raises Refuse: there is none."""
    found = context.read(NOTICE, notice)
    if found is None:
        text = {"en": "There is no such privacy notice.", "de": "Diesen Datenschutzhinweis gibt es nicht."}
        raise Refuse(text, field="notice")
    return f"{found['key']} {found['language']} {found['edition']}"[:60]


def actions() -> list[Action]:
    """``dsgvoNoticeDeliver``."""
    about = {"en": "Somebody was given a privacy notice.", "de": "Jemand hat einen Datenschutzhinweis bekommen."}
    return [Action("dsgvo.notice_deliver", deliver, input=DeliverInput, answers=Delivered, description=about)]


def hooks() -> list[On]:
    """What was given stays as it was; and with it, by whatever way it is written, duties are done."""
    text = {
        "en": "That somebody was given a notice stays as it was kept: it is a proof.",
        "de": "Dass jemand einen Hinweis bekommen hat, bleibt, wie es vermerkt ist: Es ist ein Nachweis.",
    }
    return [
        On(NOTICE, ("update", "delete"), before=_as_given),
        On(DELIVERY, "create", before=_complete),
        kept(DELIVERY, text, "update", "delete", "restore"),
    ]


def _as_given(change_: RecordChange) -> None:
    if change_.find(DELIVERY, {"notice": {"id": {"eq": change_.before["id"]}}}, 1):
        text = {
            "en": "Somebody was given this text, so it stays: make a new edition.",
            "de": "Diesen Wortlaut hat schon jemand bekommen, er bleibt: Eine neue Fassung anlegen.",
        }
        raise Refuse(text)


def _complete(change_: RecordChange) -> Mapping[str, Any] | None:
    given = change_.changes
    if not given.get("contact_point") and not given.get("data_subject"):
        text = {"en": "Say who was given it.", "de": "Angeben, wer ihn bekommen hat."}
        raise Refuse(text, field="contact_point")
    check_past(given["delivered_at"], "delivered_at", *_LATER)
    who = dict(given)
    change_.then(lambda context, _: duties.told(context, _persons(context, who)) and None)
    return {"notice_version": edition(change_, given["notice"])} if given.get("notice") else None


def _persons(context: Writing, delivery: Mapping[str, Any]) -> set[Key]:
    """All records of those who were told: who is named, or else whoever is reached there. What one of a family gets at
    the address of all tells the others nothing.
    """
    subjects = {str(delivery["data_subject"])} if delivery.get("data_subject") else set()
    if delivery.get("contact_point") and not subjects:
        held_by = context.find(HOLDER, {"contact_point": {"id": {"eq": delivery["contact_point"]}}}, 100)
        subjects |= {str(each["data_subject"]) for each in held_by}
    return all_of(context, [(SUBJECT, each) for each in sorted(subjects)])
