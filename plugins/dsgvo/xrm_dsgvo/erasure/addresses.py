"""Contact points of a person that nothing links to them: those with an address that one of their records has or had."""

from collections.abc import Collection, Iterator

from xrm_core.api import Refuse, former_values
from xrm_dsgvo.own import Writing
from xrm_dsgvo.points import POINT, known, normal
from xrm_dsgvo.privacy import PrivacyModel

_KINDS = frozenset({"email", "phone"})
"""Types of fields, and kinds of contact points."""


def points_of(
    context: Writing, privacy: PrivacyModel, entity: str, id_: str, mine: Collection[tuple[str, str]] = ()
) -> Iterator[str]:
    """The ids of contact points that are this record's alone, or else only those of other records of the person."""
    record = context.read(entity, id_) or {}
    for each in privacy[entity].personal():
        kind = str(context.records.model[entity][each.name].type)
        if kind not in _KINDS:
            continue
        for value in {record.get(each.name), *map(str, former_values(context, id_, [each.name]))} - {None}:
            same = {each.name: {"eq": value}, "id": {"ne": id_}}
            point = _point(context, kind, str(value))
            others = (each for each in context.find(entity, same, 100) if (entity, each["id"]) not in mine)
            if point is not None and next(others, None) is None:
                yield point


def of_others(context: Writing, point: str, subject: str | None) -> bool:
    """Whether a contact point reaches somebody else than a data subject: a family's address stays theirs."""
    holders = context.find("contact_point_holder", {"contact_point": {"id": {"eq": point}}})
    return any(each["data_subject"] != subject for each in holders)


def _point(context: Writing, kind: str, value: str) -> str | None:
    try:
        return known(context, kind, normal(kind, value, context.settings.region))
    except Refuse:
        return None


__all__ = ["POINT", "of_others", "points_of"]
