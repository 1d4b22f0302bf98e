"""«Do not contact» in the address book: an objection by all addresses of the contact, also if it was there before."""

from collections.abc import Mapping
from typing import Any

from xrm_core.api import JobContext, JobHandler, On, RecordChange, Refuse, Schedule
from xrm_dsgvo.channels import PointKind
from xrm_dsgvo.objection.following import followed
from xrm_dsgvo.objection.recording import ObjectionInput, object_
from xrm_dsgvo.objection.suppressing import SUPPRESSION
from xrm_dsgvo.own import Writing
from xrm_dsgvo.points import digest, normal
from xrm_dsgvo.subjects import Person

CONTACT, FLAG = "contact", "do_not_contact"
TAKE_OVER = "dsgvo.take_over_flags"
_FIELDS = (("email", "email"), ("phone", "phone"), ("mobile", "phone"))
_FLAGGED = """
query ($after: String) {
  contacts(first: 100, after: $after, where: {doNotContact: {eq: true}}, orderBy: [{id: ASC}]) {
    nodes { id email phone mobile }
    pageInfo { endCursor hasNextPage }
  }
}"""


def hooks() -> list[On]:
    """Who is flagged has objected. Taking the flag away gives no permission."""
    return [On(CONTACT, ("create", "update"), fields=(FLAG, "email", "phone", "mobile"), before=_flagged)]


def jobs() -> list[JobHandler]:
    """The one that finds those who were flagged before the plugin was there."""
    return [JobHandler(TAKE_OVER, take_over)]


def schedules() -> list[Schedule]:
    """Each night."""
    return [Schedule(TAKE_OVER, TAKE_OVER, "40 0 * * *")]


def take_over(job: JobContext, _: Mapping[str, Any]) -> Mapping[str, Any]:
    """Objections of who is flagged and not suppressed yet; answers how many."""
    done, after = 0, None
    if CONTACT not in job.records.model or job.settings.suppression_key is None:
        return {"objections": 0}
    while True:
        with job.transaction() as connection:
            context: Any = job.within(connection)
            context.settings = job.settings
            found = job.query_as_system(connection, _FLAGGED, {"after": after})["contacts"]
            done += sum(_object(context, contact) for contact in found["nodes"])
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            return {"objections": done}


def _flagged(change: RecordChange) -> None:
    if change.after.get(FLAG) and change.settings.suppression_key is not None:
        contact = change.after
        change.then(lambda context, id_: _follow(context, {**contact, "id": id_}))


def _follow(context: Any, contact: Mapping[str, Any]) -> None:
    _object(context, contact)


def _object(context: Writing, contact: Mapping[str, Any]) -> int:
    """An objection by each address of a contact that has none yet; how many."""
    done = 0
    for field, kind in _FIELDS:
        value = _one(kind, contact.get(field), context.settings.region)
        if value is None or _is_suppressed(context, kind, value):
            continue
        person = Person(entity=CONTACT, record=contact["id"])
        object_(context, ObjectionInput(to=value, point_kind=PointKind(kind), person=person, via=FLAG))
        done += 1
    if done:
        followed(context, (CONTACT, str(contact["id"])))
    return done


def _is_suppressed(context: Writing, kind: str, value: str) -> bool:
    where = {"digest": {"eq": digest(kind, value, context.settings)}, "reason": {"eq": "objection"}}
    found = context.find(SUPPRESSION, {**where, "status": {"eq": "active"}}, 1_000)
    return any(each["channel"] is None and each["purpose"] is None for each in found)


def _one(kind: str, value: str | None, region: str) -> str | None:
    """Its one form; None: it is no address at all, and to one that is none nothing is sent anyway."""
    try:
        return normal(kind, value or "", region)
    except Refuse:
        return None
