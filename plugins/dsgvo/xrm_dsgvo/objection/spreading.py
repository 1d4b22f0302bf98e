"""An objection holds for all that a person is reached at, also for what becomes known of them later."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from xrm_core.api import Record, Refuse
from xrm_dsgvo.channels import Channel, PointKind
from xrm_dsgvo.objection.recording import OBJECTION, ObjectionInput, Scope, object_
from xrm_dsgvo.objection.suppressing import SUPPRESSION
from xrm_dsgvo.own import Writing
from xrm_dsgvo.points import digest
from xrm_dsgvo.purposes import PURPOSE
from xrm_dsgvo.subjects import Person

_MOST = 1_000


def spread(context: Writing, subjects: Sequence[str], addresses: Iterable[tuple[str, str]], via: str) -> int:
    """Have what persons have objected to hold at these addresses, where it does not yet.

    Args:
        context: a transaction.
        subjects: data subjects that are one person; what is made is the first one's.
        addresses: kind and one form.
        via: why.

    Returns:
        How many objections were made.
    """
    if context.settings.suppression_key is None:
        return 0  # nothing that is advertising goes at all
    wanted = sorted(addresses)
    return sum(
        _everywhere(context, {**each, "data_subject": subjects[0]}, wanted, via)
        for each in objections_of(context, subjects)
    )


def objections_of(context: Writing, subjects: Collection[str]) -> list[Record]:
    """What persons have objected to, each thing once."""
    if not subjects:
        return []
    where: dict[str, Any] = {"data_subject": {"id": {"in": sorted(subjects)}}, "status": {"eq": "effective"}}
    found = context.find(OBJECTION, where, _MOST)
    return list({(each["scope"], each["channel"], each["purpose"]): each for each in found}.values())


def _everywhere(context: Writing, objection: Record, addresses: Iterable[tuple[str, str]], via: str) -> int:
    done = 0
    purpose = context.read(PURPOSE, objection["purpose"]) if objection["purpose"] else None
    for kind, value in addresses:
        if _is_suppressed(context, kind, value, objection):
            continue
        given = ObjectionInput(
            scope=Scope(objection["scope"]),
            to=value,
            point_kind=PointKind(kind),
            channel=Channel(objection["channel"]) if objection["channel"] else None,
            person=Person(data_subject=objection["data_subject"]),
            purpose=str(purpose["key"]) if purpose else None,
            via=via,
        )
        try:
            object_(context, given)
        except Refuse:  # it is about a channel that does not reach such an address
            continue
        done += 1
    return done


def _is_suppressed(context: Writing, kind: str, value: str, objection: Record) -> bool:
    where = {"digest": {"eq": digest(kind, value, context.settings)}, "status": {"eq": "active"}}
    found = context.find(SUPPRESSION, {**where, "reason": {"eq": "objection"}}, _MOST)
    return any((each["channel"], each["purpose"]) == (objection["channel"], objection["purpose"]) for each in found)
