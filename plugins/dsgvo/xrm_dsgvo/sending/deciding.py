"""Whether a message may go: a function of what is known, and of nothing else. The first rule that fits decides."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from xrm_dsgvo.sending.capping import enough
from xrm_dsgvo.sending.draft import Draft, Kind
from xrm_dsgvo.sending.facts import Facts
from xrm_dsgvo.sending.fitting import covers, fits, guarded, is_minor, is_stale, moment, proven, quiet_until

TRACKING = "tracking"
"""Key of the purpose under which opening and clicks may be watched."""
_MAIL = frozenset({"email", "sms"})
"""What § 7(3) UWG calls electronic mail."""


@dataclass(frozen=True)
class Circumstances:
    """When, in whose name, and after what: what the rules go by beside the facts.

    Args:
        now: the moment, in the time zone of quiet hours.
        controller: who writes.
        stale_before: a consent that was not used since is no basis.
        uses: advertising that was let go to this contact point within the last 30 days.
        barred: nothing leaves by its connector, for want of a contract or of a basis of the transfer.
        most_per_day: so much advertising goes to a contact point on a day; 0: as much as there is.
    """

    now: datetime
    controller: str
    stale_before: datetime
    uses: tuple[Mapping[str, Any], ...] = ()
    barred: bool = False
    most_per_day: int = 0


@dataclass(frozen=True)
class Verdict:
    """The code, and the consent or the exception for a customer that allows it; ``until``: it is only now that it may
    not go.
    """

    code: str
    consent: str | None = None
    until: datetime | None = None
    exception: str | None = None

    @property
    def allowed(self) -> bool:
        """Whether it may go."""
        return self.code[0] in "TC"


def decide(draft: Draft, facts: Facts, at: Circumstances) -> Verdict:
    """The verdict on a message whose contact point is what it should be."""
    states = {each["status"] for each in facts.holders}
    if states & {"erasing", "erased"}:
        return Verdict("E_ERASED")
    if facts.too_many or ((facts.restricted or "restricted" in states) and draft.kind is not Kind.legal):
        return Verdict("E_RESTRICTED")
    if at.barred:
        return Verdict("E_AVV")
    if draft.kind is not Kind.advertising and draft.advertising_free:
        return Verdict("T_CONTRACT")
    purpose = facts.purposes.id(draft.purpose) if draft.purpose else None
    if purpose is None:
        return Verdict("E_NO_BASIS")
    return next(_advertising(draft, facts, at, facts.purposes.chain(purpose)))


def tracks(draft: Draft, facts: Facts, at: Circumstances) -> bool:
    """Whether it may be watched if the message is opened: somebody has consented to just that (§ 25 TDDDG)."""
    purpose = facts.purposes.id(TRACKING)
    if purpose is None:
        return False
    about = replace(draft, kind=Kind.advertising, purpose=TRACKING, products=[], product_category=None)
    return next(_advertising(about, facts, at, facts.purposes.chain(purpose))).code in ("C_CONSENT", "C_PHONE")


def _advertising(draft: Draft, facts: Facts, at: Circumstances, chain: list[str]) -> Iterator[Verdict]:
    channel = draft.channel.value
    controller = draft.controller or at.controller
    fitting = [each for each in facts.consents if fits(each, draft, chain, controller)]
    mourned = any(each["deceased"] for each in facts.holders)
    if mourned:  # nothing but a consent of somebody who is named, and lives, is for them
        fitting = [each for each in fitting if each["dataSubject"] and not each["dataSubject"]["deceased"]]
    hits = [hit for hit in facts.suppressions if _hits(hit, channel, chain)]
    # A consent that the person has confirmed since is newer than what they have said before, and for just this.
    newer = [each for each in fitting if all(_is_newer(each, hit, facts) for hit in hits)]
    if hits and not newer:
        yield Verdict("E_OBJECTION")
    today = at.now.date().isoformat()
    minors = any(is_minor(each, today) for each in facts.holders)
    if minors and not any(guarded(each, today) for each in newer):
        yield Verdict("E_MINOR")
    is_enough, tomorrow = enough(facts, at, channel, chain)
    if _is_unwanted(facts, channel, chain) or (is_enough and tomorrow is None):
        yield Verdict("P_PREFERENCE")
    based = next(_based(draft, facts, at, chain, newer, blocked=bool(hits) or minors or mourned))
    if mourned and based.code == "E_NO_BASIS":
        yield Verdict("E_DECEASED")
    waits = [each for each in (tomorrow, _quiet(facts, at, channel, chain)) if each is not None]
    if waits:
        yield Verdict("P_PREFERENCE", until=max(waits) if based.allowed else None)
    yield based


def _based(
    draft: Draft, facts: Facts, at: Circumstances, chain: list[str], newer: list[dict[str, Any]], *, blocked: bool
) -> Iterator[Verdict]:
    """What allows it, of the consents that are newer than what stands against it; without one, if nothing does."""
    channel, today = draft.channel.value, at.now.date().isoformat()
    minors = any(is_minor(each, today) for each in facts.holders)
    usable = [each for each in newer if guarded(each, today) or not (minors or _has_grown_up(each, today))]
    fresh = [each for each in usable if not is_stale(each, at.stale_before, today)]
    business = bool(facts.holders) and all(each["party"] == "business" for each in facts.holders)
    if channel == "phone":
        if found := [each for each in fresh if business or proven(each)]:
            yield Verdict("C_PHONE", found[0]["id"])
    elif fresh:
        yield Verdict("C_CONSENT", fresh[0]["id"])
    if not blocked:
        yield from _without_consent(draft, facts, chain, today, business=business)
    yield Verdict("E_STALE" if usable else "E_NO_BASIS")


def _without_consent(draft: Draft, facts: Facts, chain: list[str], today: str, *, business: bool) -> Iterator[Verdict]:
    channel = draft.channel.value
    if channel in _MAIL and draft.opt_out_notice and draft.product_category:
        for each in facts.exceptions:
            if each["productCategory"] == draft.product_category and each["orderRef"] and each["noticeAtCollection"]:
                yield Verdict("C_CUSTOMER", exception=each["id"])
    if channel == "phone" and business and _lives(facts.presumed, chain, today):
        yield Verdict("C_PHONE")
    if channel == "post" and facts.told and _lives(facts.interests, chain, today):
        yield Verdict("C_POST")


def _hits(hit: Mapping[str, Any], channel: str, chain: list[str]) -> bool:
    return hit["channel"] in (None, channel) and (hit["purpose"] is None or hit["purpose"]["id"] in chain)


def _is_newer(consent: Mapping[str, Any], hit: Mapping[str, Any], facts: Facts) -> bool:
    """Whether a consent was confirmed after what blocks it, by the only person there, for no more than that."""
    if hit["reason"] not in ("objection", "withdrawal") or len(facts.holders) > 1 or not consent["confirmedAt"]:
        return False
    within = hit["purpose"] is None or hit["purpose"]["id"] in facts.purposes.chain(consent["purpose"]["id"])
    return within and moment(consent["confirmedAt"]) > moment(hit["at"])


def _is_unwanted(facts: Facts, channel: str, chain: list[str]) -> bool:
    """Whether a preference narrows it away. What is wanted is not looked at: it allows nothing."""
    return any(
        each["wish"] == "unwanted" and covers(each["topic"] and each["topic"]["id"], each["channel"], chain, channel)
        for each in facts.preferences
    )


def _quiet(facts: Facts, at: Circumstances, channel: str, chain: list[str]) -> datetime | None:
    """When somebody may be disturbed again; None: now."""
    ends = [
        end
        for each in facts.preferences
        if covers(each["topic"] and each["topic"]["id"], each["channel"], chain, channel)
        and (end := quiet_until(each, at.now)) is not None
    ]
    return max(ends, default=None)


def _has_grown_up(consent: Mapping[str, Any], today: str) -> bool:
    """Whether somebody else has consented for a minor who is none any more: now it is theirs to say."""
    subject = consent["dataSubject"]
    return consent["guardianConsent"] is not None and not (subject and is_minor(subject, today))


def _lives(assessments: list[dict[str, Any]], chain: list[str], today: str) -> bool:
    return any(each["purpose"]["id"] in chain and each["reviewOn"] > today for each in assessments)
