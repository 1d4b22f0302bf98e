"""Records of one person that are merged: what one of them has objected to holds for all their addresses.

A merge never widens anything: objections and restrictions of both hold, and consents stay with the contact points for
which they were given.
"""

from collections.abc import Iterator
from typing import Any

from xrm_core.api import HookContext, On, Record, RecordChange, Refuse
from xrm_dsgvo.channels import Channel, PointKind
from xrm_dsgvo.objection.recording import HOLDER, OBJECTION, ObjectionInput, Scope, object_
from xrm_dsgvo.objection.suppressing import SUPPRESSION
from xrm_dsgvo.own import Writing, change
from xrm_dsgvo.points import POINT, digest, normal
from xrm_dsgvo.privacy import privacy_of
from xrm_dsgvo.purposes import PURPOSE
from xrm_dsgvo.subjects import SUBJECT, Person, holds, subject_of

ENTITIES = ("contact", "customer", "lead")
"""Records that are persons and may be there twice."""

MERGED_INTO = "merged_into"
"""Kind of the cause of a record's going when it has become part of another one (``docs/merge.md``)."""

_KINDS = {"email": "email", "phone_e164": "phone"}
_MOST = 1_000


def hooks() -> list[On]:
    """What becomes of persons when their records are merged."""
    return [On(entity, "delete", before=_looked_at) for entity in ENTITIES]


def merged(context: Writing, entity: str, gone: Record, into: str) -> None:
    """One of two records of a person has become part of the other."""
    link = context.find("data_subject_link", {"entity_name": {"eq": entity}, "record_id": {"eq": gone["id"]}}, 1)
    kept = context.find("data_subject_link", {"entity_name": {"eq": entity}, "record_id": {"eq": into}}, 1)
    if not link and not kept:
        return  # nobody has said anything of either
    stays = subject_of(context, Person(entity=entity, record=into))
    assert stays is not None  # noqa: S101 - the record is there: it was merged into
    went = str(link[0]["data_subject"]) if link else None
    if went is not None and went != stays:
        _joined(context, went, stays)
    if context.settings.suppression_key is None:
        return  # nothing that is advertising goes at all
    record = context.read(entity, into)
    addresses = set(_addresses(context, entity, gone)) | set(_addresses(context, entity, record or {}))
    addresses |= _points_of(context, [each for each in (went, stays) if each])
    for objection in _objections(context, [each for each in (went, stays) if each]):
        _everywhere(context, objection, stays, addresses)


def _looked_at(change_: RecordChange) -> None:
    before = dict(change_.before)

    def follow(context: HookContext, _id: str) -> None:
        into = next((name for kind, name in reversed(context.caller.causes) if kind == MERGED_INTO), None)
        if into is not None:
            merged(context, change_.entity, before, into)

    change_.then(follow)


def _joined(context: Writing, went: str, stays: str) -> None:
    """One person: the stricter status, and all that they are reached at."""
    old, new = context.read(SUBJECT, went), context.read(SUBJECT, stays)
    if old is None or new is None:
        return
    change(context, SUBJECT, went, {"merged_into": stays})
    if old["status"] == "restricted" and new["status"] == "active":
        change(context, SUBJECT, stays, {"status": "restricted"})
    for each in context.find(HOLDER, {"data_subject": {"id": {"eq": went}}}, _MOST):
        holds(context, str(each["contact_point"]), stays)


def _objections(context: Writing, subjects: list[str]) -> list[Record]:
    """What they have objected to, each thing once."""
    where: dict[str, Any] = {"data_subject": {"id": {"in": subjects}}, "status": {"eq": "effective"}}
    found = context.find(OBJECTION, where, _MOST)
    return list({(each["scope"], each["channel"], each["purpose"]): each for each in found}.values())


def _everywhere(context: Writing, objection: Record, subject: str, addresses: set[tuple[str, str]]) -> None:
    purpose = context.read(PURPOSE, objection["purpose"]) if objection["purpose"] else None
    for kind, value in sorted(addresses):
        if _is_suppressed(context, kind, value, objection):
            continue
        given = ObjectionInput(
            scope=Scope(objection["scope"]),
            to=value,
            point_kind=PointKind(kind),
            channel=Channel(objection["channel"]) if objection["channel"] else None,
            person=Person(data_subject=subject),
            purpose=str(purpose["key"]) if purpose else None,
            via="merge",
        )
        try:
            object_(context, given)
        except Refuse:  # it is about a channel that does not reach such an address
            continue


def _is_suppressed(context: Writing, kind: str, value: str, objection: Record) -> bool:
    where = {"digest": {"eq": digest(kind, value, context.settings)}, "status": {"eq": "active"}}
    found = context.find(SUPPRESSION, {**where, "reason": {"eq": "objection"}}, _MOST)
    return any((each["channel"], each["purpose"]) == (objection["channel"], objection["purpose"]) for each in found)


def _addresses(context: Writing, entity: str, record: Record) -> Iterator[tuple[str, str]]:
    """Kind and one form of each address that a record has, as annotations tell them."""
    for field in privacy_of(context.records.model)[entity].fields.values():
        kind = _KINDS.get(field.match.normalizer) if field.match else None
        value = record.get(field.name)
        if kind is None or not value:
            continue
        try:
            yield kind, normal(kind, str(value), context.settings.region)
        except Refuse:  # it is no address at all, and to one that is none nothing is sent anyway
            continue


def _points_of(context: Writing, subjects: list[str]) -> set[tuple[str, str]]:
    held = context.find(HOLDER, {"data_subject": {"id": {"in": subjects}}}, _MOST)
    points = [context.read(POINT, str(each["contact_point"])) for each in held]
    return {(str(each["kind"]), str(each["value"])) for each in points if each is not None and each["value"]}
