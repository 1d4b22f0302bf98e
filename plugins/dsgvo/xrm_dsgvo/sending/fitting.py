"""What consents, preferences and persons mean for one message."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from xrm_dsgvo.channels import CONFIRMED
from xrm_dsgvo.sending.draft import Draft


def fits(consent: Mapping[str, Any], draft: Draft, chain: list[str], controller: str) -> bool:
    """Whether a consent that is given, for this contact point and channel, is about such a message."""
    if consent["purpose"]["id"] not in chain:
        return False
    products, controllers = _names(consent["products"]), _names(consent["controllers"])
    about = set(draft.products)
    if not (about <= products and (about or not products)) or controller not in controllers:
        return False
    return bool(consent["confirmedAt"]) if draft.channel.value in CONFIRMED else bool(consent["evidenceText"])


def guarded(consent: Mapping[str, Any], today: str) -> bool:
    """Whether it is that of a minor, and a guardian's consent to it holds."""
    subject = consent["dataSubject"]
    held = consent["guardianConsent"] is not None and consent["guardianConsent"]["status"] == "given"
    return held and subject is not None and is_minor(subject, today)


def is_minor(subject: Mapping[str, Any], today: str) -> bool:
    """Whether a person is too young to consent alone."""
    return subject["minorUntil"] is not None and today < subject["minorUntil"]


def proven(consent: Mapping[str, Any]) -> bool:
    """Whether all is there that § 7a UWG has one keep of a consent to calls."""
    return bool(
        consent["explicit"]
        and consent["declaration"]
        and consent["evidenceText"]
        and consent["grantedAt"]
        and consent["collectionMethod"] != "import"
    )


def is_stale(consent: Mapping[str, Any], before: datetime, today: str) -> bool:
    """Whether it was neither given nor used since a moment. One that an officer has kept counts until the day of that,
    and not longer, however it was used meanwhile.
    """
    if consent["keptUntil"]:
        return bool(consent["keptUntil"] < today)
    latest = [moment(consent[name]) for name in ("lastUsedAt", "confirmedAt", "grantedAt") if consent[name]]
    return not latest or max(latest) < before


def covers(topic: str | None, of: str | None, chain: list[str], channel: str) -> bool:
    """Whether something about a topic and a channel, or about all of them, is about a message."""
    return (topic is None or topic in chain) and of in (None, channel)


def quiet_until(preference: Mapping[str, Any], now: datetime) -> datetime | None:
    """When the time ends in which somebody wants no messages; None: it is none. Both ends have to be set."""
    if not (preference["quietFrom"] and preference["quietUntil"]):
        return None
    begins, ends = time.fromisoformat(preference["quietFrom"]), time.fromisoformat(preference["quietUntil"])
    at = now.time()
    if not (begins <= at < ends if begins <= ends else at >= begins or at < ends):
        return None
    end = now.replace(hour=ends.hour, minute=ends.minute, second=ends.second, microsecond=0)
    return end if at < ends else end + timedelta(days=1)


def moment(text: str) -> datetime:
    """A date-time as the API answers it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def months_before(moment: datetime, months: int) -> datetime:
    """The same day of an earlier month, or its last day."""
    year, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    for day in range(moment.day, 27, -1):
        try:
            return moment.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return moment.replace(year=year, month=month + 1, day=min(moment.day, 28))


def _names(value: Mapping[str, Any] | None) -> set[str]:
    return set((value or {}).get("names", ()))
