"""What is said of a consent when it is asked for or recorded, and the record that comes of it."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from xrm_core.api import Record, Refuse
from xrm_dsgvo.channels import CONFIRMED, KINDS, Channel, PointKind
from xrm_dsgvo.consent.events import CONSENT, happened
from xrm_dsgvo.consent.guardians import check_guardian
from xrm_dsgvo.own import Writing, create
from xrm_dsgvo.points import held, normal
from xrm_dsgvo.purposes import named
from xrm_dsgvo.subjects import SUBJECT, Person, holds, subject_of


class Method(Enum):
    """How a consent was collected."""

    web = "web"
    paper = "paper"
    phone = "phone"
    in_person = "in_person"


@dataclass
class ConsentInput:
    """Who consents to what, and how it is known."""

    channel: Channel
    to: str
    purpose: str
    declaration: str
    source: str
    collection_method: Method = Method.web
    point_kind: PointKind | None = None
    person: Person | None = None
    products: list[str] = field(default_factory=list)
    controllers: list[str] = field(default_factory=list)
    notice_version: str | None = None
    evidence: str | None = None
    explicit: bool = True
    guardian_consent: str | None = None


def kind_of(channel: Channel, given: PointKind | None) -> str:
    """The kind of contact point that a channel reaches.

    Raises:
        Refuse: another one is named.
    """
    kinds = KINDS[channel.value]
    kind = given.value if given is not None else sorted(kinds)[-1]
    if kind not in kinds:
        text = {
            "en": f"A message by {channel.value} goes to no contact point of this kind.",
            "de": f"Eine Nachricht über {channel.value} geht nicht an einen solchen Kontaktpunkt.",
        }
        raise Refuse(text, field="point_kind")
    return kind


def point_of(context: Writing, given: ConsentInput) -> str:
    """The contact point, held."""
    kind = kind_of(given.channel, given.point_kind)
    return held(context, kind, normal(kind, given.to, context.settings.region))


def values_of(context: Writing, given: ConsentInput, point: str) -> dict[str, Any]:
    """The values of the consent.

    Raises:
        Refuse: there is no such purpose, declaration, person or guardian's consent.
    """
    declaration = context.read("consent_declaration", given.declaration)
    if declaration is None:
        text = {"en": "There is no such declaration.", "de": "Diese Erklärung gibt es nicht."}
        raise Refuse(text, field="declaration")
    subject, purpose = subject_of(context, given.person), named(context, given.purpose)
    if subject is not None and (context.read(SUBJECT, subject) or {}).get("deceased"):
        text = {
            "en": "As far as is known this person has died, and consents to nothing any more (E_DECEASED).",
            "de": "Soweit bekannt, ist diese Person verstorben und willigt in nichts mehr ein (E_DECEASED).",
        }
        raise Refuse(text, field="person")
    holds(context, point, subject)
    if given.guardian_consent:
        check_guardian(context, given.guardian_consent, subject, purpose)
    return {
        "data_subject": subject,
        "contact_point": point,
        "channel": given.channel.value,
        "purpose": purpose,
        "products": {"names": given.products} if given.products else None,
        "controllers": {"names": given.controllers or [context.settings.controller]},
        "declaration": declaration["id"],
        "language": declaration["language"],
        "notice_version": given.notice_version,
        "collection_method": given.collection_method.value,
        "source": given.source,
        "explicit": given.explicit,
        "evidence_text": given.evidence,
        "guardian_consent": given.guardian_consent,
    }


def supersede(context: Writing, consent: Record) -> None:
    """What was consented to before at the same place for the same is replaced by this."""
    where = {
        "contact_point": {"id": {"eq": consent["contact_point"]}},
        "channel": {"eq": consent["channel"]},
        "purpose": {"id": {"eq": consent["purpose"]}},
        "status": {"in": ["given", "unproven"]},
    }
    for each in context.find(CONSENT, where, 1_000):
        same = all(each[name] == consent[name] for name in ("products", "controllers"))
        mine = each["id"] != consent["id"] and each["data_subject"] == consent["data_subject"]
        if mine and (same or each["status"] == "unproven"):
            happened(context, each["id"], "superseded")


def begin(context: Writing, values: dict[str, Any], event: str, state: str, via: str, **more: Any) -> str:
    """A new consent with its first event; its id."""
    at = more.get("granted_at") or more["requested_at"]
    id_ = create(context, CONSENT, {**values, **more, "proof_from": at, "status": state})
    first = {"consent": id_, "position": 1, "kind": event, "at": at}
    create(context, "consent_event", {**first, "via": via})
    return id_


def needs_confirmation(channel: Channel) -> bool:
    """Whether a consent for this channel counts only once it is confirmed."""
    return channel.value in CONFIRMED
