"""How many messages are enough: what somebody wants, and what the controller wants for everybody. No I/O in here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from xrm_dsgvo.sending.facts import Facts
from xrm_dsgvo.sending.fitting import covers, moment

if TYPE_CHECKING:
    from xrm_dsgvo.sending.deciding import Circumstances

_DAY = "mostPerDay"
_WITHIN = {"mostPerWeek": timedelta(days=7), "mostPerMonth": timedelta(days=30)}


@dataclass(frozen=True)
class _Cap:
    """So many since a moment; of a topic and a channel, or of all. ``until``: from then on they are counted anew."""

    most: int
    since: datetime
    topic: str | None = None
    channel: str | None = None
    until: datetime | None = None


def enough(facts: Facts, at: "Circumstances", channel: str, chain: list[str]) -> tuple[bool, datetime | None]:
    """Whether no further message may go; and if that is so for this day alone, when the next one begins.

    Args:
        facts: of the contact point.
        at: the moment, and what went there before.
        channel: of the message.
        chain: its purpose, and those above it.
    """
    full = [cap for cap in _caps(facts, at, channel, chain) if _count(cap, facts, at) >= cap.most]
    if not full:
        return False, None
    waits = [cap.until for cap in full if cap.until is not None]
    return True, max(waits) if len(waits) == len(full) else None


def _caps(facts: Facts, at: "Circumstances", channel: str, chain: list[str]) -> Iterator[_Cap]:
    midnight = datetime.combine(at.now.date(), time(), at.now.tzinfo)
    tomorrow = datetime.combine(at.now.date() + timedelta(days=1), time(), at.now.tzinfo)
    if at.most_per_day:
        yield _Cap(at.most_per_day, midnight, until=tomorrow)
    for each in facts.preferences:
        topic = each["topic"] and each["topic"]["id"]
        if not covers(topic, each["channel"], chain, channel):
            continue
        if each[_DAY] is not None:  # of none a day there is none tomorrow either
            yield _Cap(each[_DAY], midnight, topic, each["channel"], tomorrow if each[_DAY] else None)
        for name, span in _WITHIN.items():
            if each[name] is not None:
                yield _Cap(each[name], at.now - span, topic, each["channel"])


def _count(cap: _Cap, facts: Facts, at: "Circumstances") -> int:
    return sum(moment(use["at"]) >= cap.since and _is_of(use, cap, facts) for use in at.uses)


def _is_of(use: Mapping[str, Any], cap: _Cap, facts: Facts) -> bool:
    chain = facts.purposes.chain(use["purpose"]["id"]) if use["purpose"] else []
    return covers(cap.topic, cap.channel, chain, use["channel"])
