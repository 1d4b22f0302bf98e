"""What comes in of somebody whose data are restricted goes into the vault, too: imports, forms, upserts, merges.

It may be stored, and no more (Article 18(2)); so it is let in, and found here by a job. That costs no write anything,
and finds by the same graph as all else, whatever way it came. What comes into a field that is restricted is treated
alike: once that is lifted, the newest stands there.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from xrm_core.api import JobContext, JobHandler, Record, Schedule, SealingUnavailable, move_to_vault
from xrm_dsgvo import own
from xrm_dsgvo.own import Writing, create
from xrm_dsgvo.paging import every
from xrm_dsgvo.points import POINT
from xrm_dsgvo.restriction.parts import reach_of_parts
from xrm_dsgvo.restriction.reach import reach_of
from xrm_dsgvo.restriction.restricting import owe_notices
from xrm_dsgvo.restriction.standing import RESTRICTION, STANDING
from xrm_dsgvo.restriction.terms import Scope, parts_of, scope_kept
from xrm_dsgvo.stores import restricting as in_stores
from xrm_dsgvo.subjects import SUBJECT, holds

TAKE_IN = "dsgvo.restrict_incoming"
_SECONDS = 120.0


def take_in(job: JobContext, _: Mapping[str, Any]) -> Mapping[str, Any]:
    """Look for each restriction what has come since; each person is a transaction of their own."""
    counts = {"records": 0, "refused": 0}
    with job.read() as connection:
        standing = _standing(own.within(job, connection))
    for id_ in standing:
        found = own.in_job(job, partial(_attempt, id_=id_), _SECONDS)
        counts["refused" if found is None else "records"] += 1 if found is None else found
    return counts


def jobs() -> list[JobHandler]:
    """The one."""
    return [JobHandler(TAKE_IN, take_in)]


def schedules() -> list[Schedule]:
    """Every ten minutes: until then the gate alone knows it."""
    return [Schedule(TAKE_IN, TAKE_IN, "*/10 * * * *")]


def _standing(context: Writing) -> list[str]:
    """The restrictions that are looked at: of those about all of a person the oldest."""
    found: list[str] = []
    persons: set[str] = set()
    for each in every(context, RESTRICTION, {"status": {"in": list(STANDING)}}):
        subject = str(each["data_subject"])
        if each["continues"] is not None or (scope_kept(each) == Scope.SUBJECT and subject in persons):
            continue
        found.append(str(each["id"]))
        if scope_kept(each) == Scope.SUBJECT:
            persons.add(subject)
    return found


def _attempt(context: Writing, id_: str) -> int | None:
    """How many records went; None: something refuses it, which the next run tries again."""
    done: list[int] = []
    refused = context.attempt(lambda: done.append(_taken(context, id_)))
    return None if refused is not None else done[0]


def _taken(context: Any, id_: str) -> int:
    context.hold(RESTRICTION, id_)
    stored: Record | None = context.read(RESTRICTION, id_)
    if stored is None or stored["status"] not in STANDING or scope_kept(stored) == Scope.RECORD:
        return 0
    subject = str(stored["data_subject"])
    context.hold(SUBJECT, subject)
    parts = parts_of(stored["parts"])
    found = reach_of_parts(context, subject, parts, there=True) if parts else reach_of(context, subject)
    if not found:
        return 0
    try:
        deposit = move_to_vault(context, subject, found.records, found.values, found.trashed)
    except SealingUnavailable:  # said before anything is moved: the gate alone knows of this one
        return 0
    for entity, point in found.values:
        if entity == POINT:
            holds(context, point, subject)
    same = {
        name: stored[name] for name in ("data_subject", "scope", "parts", "purposes", "ground", "because", "status")
    }
    count = sum(deposit.counts.values())
    values = {"continues": id_, "since": own.now(), "deposit": deposit.id, "records": count}
    create(context, RESTRICTION, same | values)
    owe_notices(context, subject, id_, found)
    in_stores.tell(context, id_)  # by what has come, stores may know them, too
    return count
