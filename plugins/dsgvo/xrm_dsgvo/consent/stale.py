"""Consents that were not used for too long: an officer may keep some until a day. Nothing renews them silently."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from xrm_core.api import Action, ActionContext, QueryContext, QueryField, Record, Refuse
from xrm_dsgvo.channels import Channel
from xrm_dsgvo.consent.events import CONSENT, happened
from xrm_dsgvo.consent.unused import is_unused, unused_where
from xrm_dsgvo.points import POINT
from xrm_dsgvo.purposes import named
from xrm_dsgvo.sending.fitting import months_before

_LOT = 200
_COUNTS = """
query ($where: ConsentFilter!) {
  consentsAggregate(where: $where, groupBy: [{purpose: {key: VALUE}}, {channel: VALUE}]) {
    key { purpose { key } channel } count
  }
}"""


@dataclass
class ConsentKeepInput:
    """Which are kept, why, and until which day: one ``consent``, or those for just this ``purpose``, if one is named of
    a ``channel``. The reason without names of persons.
    """

    because: str
    until: date
    consent: str | None = None
    purpose: str | None = None
    channel: Channel | None = None


@dataclass
class ConsentsKept:
    """How many; ``more``: there are more of this purpose, which the same once more keeps."""

    consents: int
    more: bool


@dataclass
class StaleConsents:
    """So many of a purpose and channel are too old, and nobody has kept them."""

    purpose: str
    channel: str
    consents: int


def keep(context: ActionContext, given: ConsentKeepInput) -> ConsentsKept:
    """Let stale consents count until a day; after it they are stale again, however they were used meanwhile.

    Raises:
        Refuse: it is not one that is named, nothing is said of why, the day is over or too far ahead, there is no such
            consent or purpose, or it is not stale.
    """
    now = datetime.now(ZoneInfo(context.settings.time_zone))
    because = given.because.strip()[:500]
    if not because:
        raise Refuse({"en": "Say why.", "de": "Den Grund angeben."}, field="because")
    if (given.consent is None) == (given.purpose is None):
        text = {"en": "Name a consent or a purpose.", "de": "Eine Einwilligung oder einen Zweck nennen."}
        raise Refuse(text, field="consent")
    last = months_before(now, -context.settings.stale_months).date()
    if not now.date() < given.until <= last:
        text = {
            "en": f"They are kept until a day to come, {last.isoformat()} at the latest.",
            "de": f"Sie gelten weiter bis zu einem künftigen Tag, spätestens dem {last.isoformat()}.",
        }
        raise Refuse(text, field="until")
    found = _named(context, given, now)
    kept = sum(_keep(context, each, because, given.until, now) for each in found[:_LOT])
    if given.consent is not None and not kept:
        text = {"en": "It is not too old.", "de": "Sie ist nicht zu alt."}
        raise Refuse(text, field="consent")
    return ConsentsKept(kept, len(found) > _LOT)


def stale(context: QueryContext) -> list[StaleConsents]:
    """``dsgvoStaleConsents``: with the rights of the caller."""
    now = datetime.now(ZoneInfo(context.settings.time_zone))
    where = unused_where(now, context.settings.stale_months, graphql=True)
    found = context.query(_COUNTS, {"where": where})["consentsAggregate"]
    return [StaleConsents(each["key"]["purpose"]["key"], each["key"]["channel"], each["count"]) for each in found]


def actions() -> list[Action]:
    """``dsgvoConsentKeep``."""
    about = {"en": "Keep consents that are too old.", "de": "Zu alte Einwilligungen weiter gelten lassen."}
    return [Action("dsgvo.consent_keep", keep, input=ConsentKeepInput, answers=ConsentsKept, description=about)]


def query_fields() -> list[QueryField]:
    """``dsgvoStaleConsents``."""
    about = {"en": "How many consents are too old.", "de": "Wie viele Einwilligungen zu alt sind."}
    return [QueryField("dsgvo.stale_consents", stale, answers=list[StaleConsents], cost=100, description=about)]


def _named(context: ActionContext, given: ConsentKeepInput, now: datetime) -> list[Record]:
    if given.consent is not None:
        found = context.read(CONSENT, given.consent)
        if found is None:
            text = {"en": "There is no such consent.", "de": "Diese Einwilligung gibt es nicht."}
            raise Refuse(text, field="consent")
        return [found]
    where = unused_where(now, context.settings.stale_months)
    where["purpose"] = {"id": {"eq": named(context, str(given.purpose))}}
    if given.channel is not None:
        where["channel"] = {"eq": given.channel.value}
    return context.find(CONSENT, where, _LOT + 1)


def _keep(context: ActionContext, consent: Record, because: str, until: date, now: datetime) -> bool:
    """Whether it was stale, and is kept."""
    context.hold(POINT, str(consent["contact_point"]))
    fresh = context.read(CONSENT, str(consent["id"]))
    if fresh is None or fresh["status"] != "given" or not is_unused(fresh, now, context.settings.stale_months):
        return False
    day = until.isoformat()
    happened(context, str(consent["id"]), "kept", via="officer", note=because, kept_until=day)
    return True
