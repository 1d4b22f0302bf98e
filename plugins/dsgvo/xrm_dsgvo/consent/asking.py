"""Double opt-in: somebody asks for messages, and confirms it by a link that only they have."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from xrm_core.api import ActionContext, Record, Refuse
from xrm_dsgvo.channels import Channel
from xrm_dsgvo.consent.confirmation import PATH, send, token_for
from xrm_dsgvo.consent.events import CONSENT, happened
from xrm_dsgvo.consent.given import ConsentInput, begin, needs_confirmation, point_of, supersede, values_of
from xrm_dsgvo.consent.tokens import hashed, moment
from xrm_dsgvo.consent.unused import is_unused
from xrm_dsgvo.own import Looking, Writing, now

_AGAIN = timedelta(days=1)
_MOST_A_DAY, _MOST_UNANSWERED = 3, 5
"""So many requests that nobody has answered may go to one contact point within a day, and within 30 days: whoever asks,
about whatever. More would be a way to flood somebody with mails.
"""


@dataclass
class Requested:
    """The consent. ``link`` is the path of the page on which it is confirmed, for the mail to that contact point and
    for nobody else; nothing if one went out within the last day, or nothing is to be confirmed.
    """

    consent: str
    status: str
    link: str | None = None


@dataclass
class ConfirmInput:
    """What stands at the end of the link."""

    token: str


@dataclass
class Confirmed:
    """The consent as it is now."""

    consent: str
    status: str


def request(context: ActionContext, given: ConsentInput) -> Requested:
    """Somebody wants to consent. Whoever asks again within a day is not written to again.

    Raises:
        Refuse: the channel knows no confirmation, or something does not exist.
    """
    if not needs_confirmation(given.channel):
        text = {
            "en": f"A consent for {given.channel.value} is recorded with its evidence: dsgvoConsentRecord.",
            "de": f"Eine Einwilligung für {given.channel.value} wird mit Nachweis erfasst: dsgvoConsentRecord.",
        }
        raise Refuse(text, field="channel")
    return ask(context, given)


def ask(context: Writing, given: ConsentInput) -> Requested:
    """The same, whatever it comes from."""
    point = point_of(context, given)
    values = values_of(context, given, point)
    for consent in _alive(context, values):
        if consent["status"] == "given" and _same(consent, values) and not _unused(context, consent):
            return Requested(consent["id"], "given")
        if consent["status"] in ("requested", "pending_confirmation"):
            if _asked_just_now(consent):
                return Requested(consent["id"], consent["status"])
            happened(context, consent["id"], "lapsed", note="asked for again", token_hash=None)
    _check_not_flooded(context, point)
    id_ = begin(context, values, "requested", "requested", given.collection_method.value, requested_at=now())
    if given.channel is Channel.email and context.settings.public_url:
        send(context, id_)
        return Requested(id_, "requested")
    token = token_for(context, id_, given.channel.value)
    return Requested(id_, "pending_confirmation", f"{PATH}/{token}")


def confirm(context: ActionContext, given: ConfirmInput) -> Confirmed:
    """The person has confirmed it. A second time changes nothing.

    Raises:
        Refuse: there is no such link, or it is too old, or the consent has ended since.
    """
    consent = of_token(context, given.token)
    if consent is None:
        raise Refuse({"en": "There is no such link.", "de": "Diesen Link gibt es nicht."}, field="token")
    context.hold("contact_point", consent["contact_point"])
    consent = context.read(CONSENT, consent["id"]) or consent
    if consent["status"] == "given":
        return Confirmed(consent["id"], "given")
    if not is_open(consent):
        text = {
            "en": "The link is not valid any more. Ask for a new one.",
            "de": "Der Link gilt nicht mehr. Bitte einen neuen anfordern.",
        }
        raise Refuse(text, field="token")
    at = now()
    status = happened(context, consent["id"], "confirmed", via="link", confirmed_at=at, granted_at=at)
    supersede(context, consent)
    return Confirmed(consent["id"], status)


def of_token(context: Looking, token: str) -> Record | None:
    """The consent that a link confirms; None: there is none."""
    found = context.find(CONSENT, {"token_hash": {"eq": hashed(token)}}, 1)
    return found[0] if found else None


def is_open(consent: Record) -> bool:
    """Whether it can still be confirmed."""
    waits = consent["status"] == "pending_confirmation"
    return waits and moment(consent["token_until"]) >= datetime.now(UTC)


def _alive(context: Writing, values: Mapping[str, Any]) -> list[Record]:
    """What the same person has consented to, or was asked for, at the same place."""
    where = {
        "contact_point": {"id": {"eq": values["contact_point"]}},
        "channel": {"eq": values["channel"]},
        "purpose": {"id": {"eq": values["purpose"]}},
        "status": {"in": ["given", "requested", "pending_confirmation"]},
    }
    found = context.find(CONSENT, where, 1_000)
    return [each for each in found if each["data_subject"] == values["data_subject"]]


def _check_not_flooded(context: Writing, point: str) -> None:
    """Raises Refuse: too much was asked for there that nobody has answered."""
    since = datetime.now(UTC) - timedelta(days=30)
    where = {
        "contact_point": {"id": {"eq": point}},
        "requested_at": {"gte": since.isoformat()},
        "confirmed_at": {"isNull": True},
    }
    asked = [moment(each["requested_at"]) for each in context.find(CONSENT, where, 100)]
    today = [each for each in asked if datetime.now(UTC) - each < _AGAIN]
    if len(today) >= _MOST_A_DAY or len(asked) >= _MOST_UNANSWERED:
        text = {
            "en": "So much was asked for there already that nobody has confirmed: ask again later.",
            "de": "Dort ist schon um so vieles gebeten worden, was niemand bestätigt hat: später noch einmal bitten.",
        }
        raise Refuse(text, field="to")


def _same(consent: Record, values: Mapping[str, Any]) -> bool:
    """Whether nothing else is asked for than is given already."""
    return all(consent[name] == values[name] for name in ("products", "controllers", "guardian_consent"))


def _unused(context: Writing, consent: Record) -> bool:
    """Whether it is no basis any more: what is confirmed now takes its place."""
    return is_unused(consent, datetime.now(ZoneInfo(context.settings.time_zone)), context.settings.stale_months)


def _asked_just_now(consent: Record) -> bool:
    return datetime.now(UTC) - moment(consent["requested_at"]) < _AGAIN
