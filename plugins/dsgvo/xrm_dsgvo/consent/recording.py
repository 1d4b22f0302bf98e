"""Consents with evidence of another kind: on paper, by phone; and those that come from elsewhere without any."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from xrm_core.api import ActionContext, On, RecordChange, Refuse
from xrm_dsgvo.channels import KINDS
from xrm_dsgvo.consent.asking import ask
from xrm_dsgvo.consent.events import CONSENT, EVENT
from xrm_dsgvo.consent.given import ConsentInput, begin, needs_confirmation, point_of, supersede, values_of
from xrm_dsgvo.objection.persons import HOLDER
from xrm_dsgvo.own import check_past, create, is_own, kept, now
from xrm_dsgvo.subjects import SUBJECT

_MACHINE = (
    *("granted_at", "requested_at", "message_id", "token_hash", "token_until", "confirmed_at", "withdrawn_at"),
    *("withdrawal_method", "last_used_at", "kept_until", "proof_from"),
)
"""What only events write."""


@dataclass
class RecordInput:
    """A consent that somebody has given, when, and what shows it."""

    consent: ConsentInput
    granted_at: datetime


@dataclass
class Recorded:
    """The consent. ``link``: as of a request, where the channel needs a confirmation all the same."""

    consent: str
    status: str
    link: str | None = None


def record(context: ActionContext, given: RecordInput) -> Recorded:
    """Keep it; for channels that need a confirmation it is asked for now.

    Raises:
        Refuse: nothing shows that it was given, or it is said to be given in the future.
    """
    if not (given.consent.evidence or "").strip():
        text = {
            "en": "Say what shows that the consent was given: without evidence it is none.",
            "de": "Angeben, was die Einwilligung nachweist: Ohne Nachweis ist sie keine.",
        }
        raise Refuse(text, field="evidence")
    told = "A consent is given in the past.", "Eine Einwilligung liegt in der Vergangenheit."
    check_past(given.granted_at, "granted_at", *told)
    point = point_of(context, given.consent)
    _check_lives(context, given.consent, point)
    if needs_confirmation(given.consent.channel):
        asked = ask(context, given.consent)
        return Recorded(asked.consent, asked.status, asked.link)
    values = values_of(context, given.consent, point)
    at = given.granted_at.isoformat()
    id_ = begin(context, values, "recorded", "given", given.consent.collection_method.value, granted_at=at)
    supersede(context, {**values, "id": id_})
    return Recorded(id_, "given")


def _check_lives(context: ActionContext, given: ConsentInput, point: str) -> None:
    """Raise Refuse: who is reached there has died, and nobody else is named."""
    holders = context.find(HOLDER, {"contact_point": {"id": {"eq": point}}}, 100) if given.person is None else ()
    subjects = [context.read(SUBJECT, str(each["data_subject"])) or {} for each in holders]
    if subjects and all(each.get("deceased") for each in subjects):
        text = {
            "en": "As far as is known, whoever is reached there has died (E_DECEASED): name the person who consents.",
            "de": "Soweit bekannt, ist verstorben, wer dort erreichbar ist (E_DECEASED): angeben, wer einwilligt.",
        }
        raise Refuse(text, field="person")


def hooks() -> list[On]:
    """Who writes a consent by himself has one that is unproven; nobody but the plugin changes it, or its events."""
    events = {
        "en": "Events of consents are written by the actions on consents, and stay.",
        "de": "Ereignisse von Einwilligungen schreiben die Aktionen, und sie bleiben.",
    }
    consents = {
        "en": "A consent is changed by dsgvoConsentConfirm, dsgvoConsentWithdraw and the like, and stays.",
        "de": "Eine Einwilligung ändern dsgvoConsentConfirm, dsgvoConsentWithdraw und dergleichen, und sie bleibt.",
    }
    uses = {
        "en": "What was sent is noted by the send gate, and stays.",
        "de": "Was gesendet wurde, vermerkt die Sendeprüfung, und es bleibt.",
    }
    return [
        On(CONSENT, "create", before=_unproven),
        kept(CONSENT, consents, "update", "delete", "restore"),
        kept(EVENT, events),
        kept("consent_use", uses),
    ]


def _check_names(value: Any, field: str) -> None:
    """Raise Refuse: it is no list of names, and nothing that shows a consent could be made of it."""
    if value is None:
        return
    names = value.get("names")
    wanted = isinstance(names, list) and all(isinstance(each, str) and each.strip() for each in names)
    if not wanted or len(value) > 1:
        text = {"en": 'It has the form {"names": ["…"]}.', "de": 'Es hat die Form {"names": ["…"]}.'}
        raise Refuse(text, field=field)


def _unproven(change: RecordChange) -> Mapping[str, Any] | None:
    """«opt-in = true» from elsewhere: a consent that nothing shows."""
    if is_own(change):
        return None
    given = change.changes
    for name in ("status", *_MACHINE):
        if given.get(name) not in (None, "unproven" if name == "status" else None):
            text = {
                "en": f"{name} is not written like this: ask for a consent by dsgvoConsentRequest, or record it with "
                "its evidence by dsgvoConsentRecord. What comes from elsewhere is unproven.",
                "de": f"{name} wird so nicht geschrieben: um eine Einwilligung bitten (dsgvoConsentRequest) oder sie "
                "mit Nachweis erfassen (dsgvoConsentRecord). Was von anderswo kommt, ist nicht nachgewiesen.",
            }
            raise Refuse(text, field=name)
    for name in ("products", "controllers"):
        _check_names(given.get(name), name)
    point = change.read("contact_point", given["contact_point"])
    if point is not None and point["kind"] not in KINDS[given["channel"]]:
        text = {"en": "The channel does not reach it.", "de": "Der Kanal erreicht ihn nicht."}
        raise Refuse(text, field="channel")
    at = now()
    first = {"position": 1, "kind": "imported", "at": at, "via": "import"}
    change.then(lambda context, id_: create(context, EVENT, {"consent": id_, **first}) and None)
    return {"status": "unproven", "explicit": False, "proof_from": at}
