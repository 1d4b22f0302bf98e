"""Suppressions: contact points that are not written to, known by a keyed hash alone."""

from dataclasses import dataclass

from xrm_core.api import Action, ActionContext, On, Record, Refuse
from xrm_dsgvo.own import Writing, change, create, kept, now
from xrm_dsgvo.points import POINT, digest_of
from xrm_dsgvo.restored import keeping

SUPPRESSION = "suppression"


@dataclass
class SuppressInput:
    """A contact point at which messages cannot be delivered, or of which somebody has complained."""

    contact_point: str
    complaint: bool = False


@dataclass
class ReleaseInput:
    """Why it may be written to again."""

    because: str


def suppress(
    context: Writing, point: Record, reason: str, at: str, channel: str | None = None, purpose: str | None = None
) -> None:
    """Keep that a contact point is not written to. One that is there already counts from now on.

    Raises:
        Refuse: there is no key to hash it by.
    """
    if point["value"] is None:  # erased: what was to be kept of it is kept
        return
    kept_as = {"digest": digest_of(point, context.settings), "kind": point["kind"]}
    entry = {**kept_as, "reason": reason, "at": at, "channel": channel, "purpose": purpose}
    keeping.suppressed(context, entry)
    where = {"digest": {"eq": kept_as["digest"]}, "reason": {"eq": reason}, "status": {"eq": "active"}}
    for each in context.find(SUPPRESSION, where, 1_000):
        if (each["channel"], each["purpose"]) == (channel, purpose):
            change(context, SUPPRESSION, each["id"], {"at": at})
            return
    create(context, SUPPRESSION, entry)


def undeliverable(context: ActionContext, given: SuppressInput) -> None:
    """A message came back, or somebody has complained of it.

    Raises:
        Refuse: there is no such contact point.
    """
    context.hold(POINT, given.contact_point)
    point = context.read(POINT, given.contact_point)
    if point is None:
        raise Refuse({"en": "There is no such contact point.", "de": "Diesen Kontaktpunkt gibt es nicht."})
    suppress(context, point, "complaint" if given.complaint else "bounce", now())


def release(context: ActionContext, suppression: Record, given: ReleaseInput) -> None:
    """It may be written to again: the address works now, or the complaint was settled.

    Raises:
        Refuse: the person has objected or withdrawn; only a new consent of theirs changes that.
    """
    if suppression["reason"] in ("objection", "withdrawal"):
        text = {
            "en": "Who has objected is written to again only after a new consent of their own.",
            "de": "Wer widersprochen hat, wird erst nach einer neuen eigenen Einwilligung wieder angeschrieben.",
        }
        raise Refuse(text, field="reason")
    if not given.because.strip():
        raise Refuse({"en": "Say why.", "de": "Den Grund angeben."}, field="because")
    if suppression["status"] == "active":
        at = now()
        released = {"status": "released", "released_at": at, "released_because": given.because.strip()[:500]}
        change(context, SUPPRESSION, suppression["id"], released)
        keeping.released(context, suppression, at)


def actions() -> list[Action]:
    """``dsgvoUndeliverable`` and ``releaseSuppression``."""
    came_back = {"en": "A message came back, or was complained of.", "de": "Unzustellbar, oder es gab eine Beschwerde."}
    again = {"en": "Write to it again.", "de": "Wieder anschreiben."}
    return [
        Action("dsgvo.undeliverable", undeliverable, input=SuppressInput, description=came_back),
        Action("dsgvo.release", release, SUPPRESSION, needs="read", input=ReleaseInput, description=again),
    ]


def hooks() -> list[On]:
    """Nobody but the plugin writes them."""
    text = {
        "en": "Suppressions follow from objections, withdrawals and what comes back, and stay.",
        "de": "Werbesperren folgen aus Widersprüchen, Widerrufen und Rückläufern, und sie bleiben.",
    }
    return [kept(SUPPRESSION, text)]
