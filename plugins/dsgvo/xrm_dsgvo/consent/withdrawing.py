"""The end of a consent: withdrawn, declared invalid, or never confirmed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from xrm_core.api import Action, ActionContext, JobContext, JobHandler, Record, Refuse, Schedule, recheck_messages
from xrm_dsgvo.consent import asking, recording
from xrm_dsgvo.consent.events import CONSENT, happened
from xrm_dsgvo.consent.given import ConsentInput
from xrm_dsgvo.consent.states import may_follow
from xrm_dsgvo.objection.suppressing import suppress
from xrm_dsgvo.own import Writing, now
from xrm_dsgvo.points import POINT
from xrm_dsgvo.purposes import all_of

LAPSE = "dsgvo.lapse"
_LOT = 100


@dataclass
class WithdrawInput:
    """Which consent, and how the person has said so."""

    consent: str
    via: str = "agent"


@dataclass
class InvalidateInput:
    """Why a consent never counted."""

    because: str


@dataclass
class Withdrawn:
    """How many consents have ended: this one, and those for its topics."""

    consents: int


def withdraw(context: Writing, given: WithdrawInput) -> Withdrawn:
    """Somebody takes a consent back: at once, for all topics below its purpose.

    Raises:
        Refuse: there is no such consent.
    """
    consent = context.read(CONSENT, given.consent)
    if consent is None:
        raise Refuse({"en": "There is no such consent.", "de": "Diese Einwilligung gibt es nicht."}, field="consent")
    context.hold(POINT, consent["contact_point"])
    at, below = now(), all_of(context).below(consent["purpose"])
    ended = end(context, consent["contact_point"], given.via, at, consent["channel"], below)
    point = context.read(POINT, consent["contact_point"])
    if point is not None:
        suppress(context, point, "withdrawal", at, consent["channel"], consent["purpose"])
    recheck_messages(context)
    return Withdrawn(ended)


def end(
    context: Writing, point: str, via: str, at: str, channel: str | None = None, purposes: set[str] | None = None
) -> int:
    """Withdraw all consents of a contact point that is held; of a channel and purposes, if they are named. How many."""
    done = 0
    for each in context.find(CONSENT, {"contact_point": {"id": {"eq": point}}}, 1_000):
        concerned = channel in (None, each["channel"]) and (purposes is None or each["purpose"] in purposes)
        if concerned and may_follow(each["status"], "withdrawn"):
            gone = {"withdrawn_at": at, "withdrawal_method": via[:60], "token_hash": None}
            happened(context, each["id"], "withdrawn", via=via[:60], **gone)
            done += 1
    return done


def invalidate(context: ActionContext, consent: Record, given: InvalidateInput) -> None:
    """It never counted: it was given by somebody else, say, or by a text that was wrong."""
    if not given.because.strip():
        raise Refuse({"en": "Say why.", "de": "Den Grund angeben."}, field="because")
    context.hold(POINT, consent["contact_point"])
    happened(context, consent["id"], "invalidated", note=given.because.strip()[:500], token_hash=None)


def expire(context: ActionContext, consent: Record) -> None:
    """It was given long ago and does not count any more, as whoever answers for data protection sees it."""
    context.hold(POINT, consent["contact_point"])
    happened(context, consent["id"], "expired")


def lapse(job: JobContext, _: Mapping[str, Any]) -> Mapping[str, Any]:
    """Consents that nobody has confirmed in time; answers how many."""
    done = 0
    while True:
        with job.transaction() as connection:
            context: Any = job.within(connection)
            asked = (datetime.now(UTC) - timedelta(days=job.settings.confirm_days)).isoformat()
            never_sent = {"status": {"eq": "requested"}, "requested_at": {"lt": asked}}
            too_late = {"status": {"eq": "pending_confirmation"}, "token_until": {"lt": now()}}
            where: dict[str, Any] = {"or": [never_sent, too_late]}
            found = context.find(CONSENT, where, _LOT)
            for each in found:
                context.hold(POINT, each["contact_point"])
                fresh = context.read(CONSENT, each["id"])
                if fresh is not None and may_follow(fresh["status"], "lapsed"):
                    happened(context, each["id"], "lapsed", token_hash=None)
        done += len(found)
        if len(found) < _LOT:
            return {"consents": done}


def jobs() -> list[JobHandler]:
    """The one that ends what was not confirmed."""
    return [JobHandler(LAPSE, lapse)]


def schedules() -> list[Schedule]:
    """Each night."""
    return [Schedule(LAPSE, LAPSE, "20 0 * * *")]


def actions() -> list[Action]:
    """``dsgvoConsentRequest``, ``…Confirm``, ``…Record``, ``…Withdraw`` and ``invalidateConsent``."""

    def action(name: str, run: Any, given: type, answers: type, en: str, de: str) -> Action:
        return Action(f"dsgvo.consent_{name}", run, input=given, answers=answers, description={"en": en, "de": de})

    return [
        action(
            "request", asking.request, ConsentInput, asking.Requested, "Ask for a consent.", "Um Einwilligung bitten."
        ),
        action("confirm", asking.confirm, asking.ConfirmInput, asking.Confirmed, "Confirm it.", "Bestätigen."),
        action(
            "record",
            recording.record,
            recording.RecordInput,
            recording.Recorded,
            "Keep a consent with its evidence.",
            "Eine Einwilligung mit Nachweis erfassen.",
        ),
        action("withdraw", withdraw, WithdrawInput, Withdrawn, "Withdraw a consent.", "Eine Einwilligung widerrufen."),
        Action(
            "dsgvo.invalidate",
            invalidate,
            CONSENT,
            needs="read",
            input=InvalidateInput,
            description={"en": "Declare a consent invalid.", "de": "Eine Einwilligung für ungültig erklären."},
        ),
        Action(
            "dsgvo.end",
            expire,
            CONSENT,
            needs="read",
            description={"en": "A consent is too old.", "de": "Eine Einwilligung ist zu alt."},
        ),
    ]
