"""What happens to a consent: an event more, and the status that follows."""

from typing import Any

from xrm_core.api import Record, Refuse
from xrm_dsgvo.consent.period import end_of_day, later
from xrm_dsgvo.consent.states import NotPossible, after, fold
from xrm_dsgvo.own import Writing, change, create, now
from xrm_dsgvo.restored import keeping

CONSENT = "consent"
EVENT = "consent_event"
_MOST = 1_000


def happened(
    context: Writing,
    consent: str,
    kind: str,
    *,
    via: str | None = None,
    note: str | None = None,
    at: str | None = None,
    **values: Any,
) -> str:
    """Add an event to a consent, and have its status follow; its contact point is held by whoever calls.

    Args:
        context: a transaction.
        consent: its id.
        kind: of the event.
        via: how it came.
        note: what else is to be said of it.
        at: when; None: now.
        values: of the consent that change with it.

    Returns:
        The status.

    Raises:
        Refuse: it cannot follow what has happened so far.
    """
    before = events_of(context, consent)
    try:
        state = after(fold(each["kind"] for each in before), kind)
    except NotPossible:
        raise Refuse(
            {
                "en": "That cannot happen to this consent any more.",
                "de": "Das kann mit dieser Einwilligung nicht mehr geschehen.",
            },
            field="status",
        ) from None
    at = at or now()
    event = {"consent": consent, "position": len(before) + 1, "kind": kind, "at": at, "via": via, "note": note}
    create(context, EVENT, event)
    stored = context.read(CONSENT, consent) or {}
    begun = later(stored.get("proof_from"), at, end_of_day(values.get("kept_until")))
    change(context, CONSENT, consent, {"status": state, "proof_from": begun, **values})
    if kind in keeping.ENDING:
        keeping.ended(context, consent, kind, at)
    return state


def events_of(context: Writing, consent: str) -> list[Record]:
    """The events of a consent in their order."""
    found = context.find(EVENT, {"consent": {"id": {"eq": consent}}}, _MOST)
    return sorted(found, key=lambda each: int(each["position"]))
