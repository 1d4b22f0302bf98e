"""Since when proofs of consents and of exceptions for customers are kept: the last of what has happened to them.

A consent to calls is kept for five years from when it was given and from each use (§ 7a UWG), one that has ended also
from its end, and one that an officer has kept from the last day of that. One that nobody has confirmed is forgotten
before.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time
from functools import partial
from typing import Any

from xrm_core.api import JobContext, JobHandler, Record, Schedule
from xrm_dsgvo.consent.tokens import moment
from xrm_dsgvo.own import Writing, change, in_job
from xrm_dsgvo.points import POINT

FILL = "dsgvo.proof_periods"
_CONSENT, _EXCEPTION, _EVENT = "consent", "customer_exception", "consent_event"
_LOT = 200


def later(*moments: object) -> str | None:
    """The last of some moments, as records have them; None: there is none."""
    found = [str(each) for each in moments if each]
    return max(found, key=moment, default=None)


def end_of_day(day: object) -> str | None:
    """The last moment of a day, as a record has it; None: it has none."""
    if not day:
        return None
    return datetime.combine(datetime.fromisoformat(str(day)[:10]), time.max, UTC).isoformat()


def fill(job: JobContext, _: Mapping[str, Any]) -> Mapping[str, Any]:
    """Say it of those of which nobody has; answers of how many. They are from before it was kept."""
    done = 0
    for entity, since in ((_CONSENT, _of_consent), (_EXCEPTION, _of_exception)):
        while (found := in_job(job, partial(_lot, entity=entity, since=since))) == _LOT:
            done += found
        done += found
    return {"records": done}


def jobs() -> list[JobHandler]:
    """The one that fills in what is missing."""
    return [JobHandler(FILL, fill)]


def schedules() -> list[Schedule]:
    """Each night, before retention looks."""
    return [Schedule(FILL, FILL, "15 0 * * *")]


def _lot(context: Writing, entity: str, since: Callable[[Writing, Record], str]) -> int:
    found = context.find(entity, {"proof_from": {"isNull": True}}, _LOT)
    for each in found:
        context.hold(POINT, str(each["contact_point"]))
        fresh = context.read(entity, str(each["id"]))
        if fresh is not None and fresh["proof_from"] is None:
            change(context, entity, str(each["id"]), {"proof_from": since(context, fresh)})
    return len(found)


def _of_consent(context: Writing, consent: Record) -> str:
    events = context.find(_EVENT, {"consent": {"id": {"eq": consent["id"]}}}, 1_000)
    known = (*(each["at"] for each in events), consent["granted_at"], consent["last_used_at"])
    return later(*known) or str(consent["created_at"])


def _of_exception(_: Writing, exception: Record) -> str:
    ended = exception["updated_at"] if exception["status"] != "eligible" else None
    return later(exception["collected_at"], exception["last_used_at"], ended) or str(exception["created_at"])
