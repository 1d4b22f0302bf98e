"""Who has not confirmed is forgotten (LK-14T-DOI): nobody knows that it was them who asked."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from xrm_core.api import JobContext, JobHandler, Schedule, erase_values
from xrm_dsgvo.consent.events import CONSENT, EVENT, events_of
from xrm_dsgvo.own import Writing, change, delete, in_job
from xrm_dsgvo.points import POINT

FORGET = "dsgvo.forget_unconfirmed"
LATE = timedelta(days=2)
"""So long after its end who follows a link is told that it is too late."""

_LOT = 50
_KNOWN = (
    CONSENT,
    "contact_point_holder",
    "preference",
    "customer_exception",
    "assessment",
    "notice_delivery",
    "objection",
)
"""What a contact point is kept for."""


def forget(job: JobContext, _: Mapping[str, Any]) -> Mapping[str, Any]:
    """All that lapsed, with what the change log has of it; answers how many. What a legal hold is upon stays."""
    before = datetime.now(UTC) - timedelta(days=job.settings.confirm_days) - LATE
    done, after = 0, ""
    while True:

        def lot(context: Any, after: str = after) -> tuple[int, str]:
            where = {"status": {"eq": "lapsed"}, "requested_at": {"lt": before.isoformat()}}
            found = context.find(CONSENT, where, _LOT, after)
            gone = sum(context.attempt(lambda each=each: _forget(context, each)) is None for each in found)
            return gone, str(found[-1]["id"]) if len(found) == _LOT else ""

        gone, after = in_job(job, lot)
        done += gone
        if not after:
            return {"consents": done}


def jobs() -> list[JobHandler]:
    """The one that forgets them."""
    return [JobHandler(FORGET, forget)]


def schedules() -> list[Schedule]:
    """Each night."""
    return [Schedule(FORGET, FORGET, "25 0 * * *")]


def _forget(context: Writing, consent: Mapping[str, Any]) -> None:
    point = str(consent["contact_point"])
    context.hold(POINT, point)
    for each in events_of(context, str(consent["id"])):
        delete(context, EVENT, str(each["id"]))
        erase_values(context, EVENT, str(each["id"]))
    delete(context, CONSENT, str(consent["id"]))
    erase_values(context, CONSENT, str(consent["id"]))
    stored = context.read(POINT, point) or {}
    if stored.get("value") and not str(stored["value"]).startswith("restricted:") and not _is_known(context, point):
        change(context, POINT, point, {"value": None})
        erase_values(context, POINT, point, ["value"])


def _is_known(context: Writing, point: str) -> bool:
    here = {"contact_point": {"id": {"eq": point}}}
    if any(context.find(entity, here, 1) for entity in _KNOWN):
        return True
    return bool(context.find("consent_use", {**here, "kind": {"eq": "advertising"}}, 1))
