"""What is so of what entity files have no place for: fields of the platform, of ownership, ends of links.

An entity of links has none of its own either: what is said at the many-to-many relation is said of its far end, and
the rest is that of the entity whose file has the relation. Links are kept as long as what they join.
"""

from collections.abc import Mapping
from typing import Any

from xrm_core.api import Entity, Field, Model

WORD = "x-dsgvo"
NOT_PERSONAL: Mapping[str, Any] = {"personal": False}
BY_USER: Mapping[str, Any] = {"link": {"role": "author", "traverse": "none", "onErase": "keep"}}
"""Of ``created_by`` and ``updated_by``: ids alone, whose names go with the user's record."""

RESPONSIBLE: Mapping[str, Any] = {"link": {"role": "reference", "traverse": "none", "onErase": "keep"}}
END_AT_PERSON: Mapping[str, Any] = {"link": {"role": "participant", "traverse": "down", "onErase": "cascade"}}
END_ELSEWHERE: Mapping[str, Any] = {"link": {"role": "parent", "traverse": "none", "onErase": "cascade"}}
ENDS = ("source", "target")
PERIOD = ("valid_from", "valid_to")


def said(thing: Entity | Field) -> Mapping[str, Any]:
    """What files say of an entity or a field; empty if nothing."""
    found: Mapping[str, Any] = thing.annotations.get(WORD, {})
    return found


def role_of(model: Model, entity: str) -> str:
    """How records of an entity relate to persons."""
    found = model[entity]
    if found.between is not None:
        return "about_subject" if "link" in said(found) else "none"
    return str(said(found).get("subject", {}).get("role", "none"))


def of_entity(model: Model, entity: Entity) -> Mapping[str, Any]:
    """What is so of an entity: what its file says; of one of links, what follows from both ends."""
    if entity.between is None:
        return said(entity)
    if "link" not in said(entity):
        return {"v": 1, "subject": {"role": "none"}} if said(entity) else {}
    ends = [said(model[end]) for end in _ends(entity)]
    kinds = [kind for end in ends if end.get("subject", {}).get("role") == "is_subject" for kind in _kinds(end)]
    kept = {key: ends[0][key] for key in ("datenart", "activities", "audit", "outbox") if key in ends[0]}
    subject = {"role": "about_subject", "kinds": list(dict.fromkeys(kinds or _kinds(ends[0])))}
    return {"v": 1, "subject": subject, "onErase": "delete", **kept}


def of_field(model: Model, entity: Entity, field: Field) -> tuple[Mapping[str, Any], bool]:
    """What is so of a field, and whether files have no place for it."""
    if field.system:
        return (BY_USER if field.name in ("created_by", "updated_by") else NOT_PERSONAL), True
    if entity.ownership is not None and field.name in ("owner", "owner_team") and field.relation is not None:
        return (said(field) or RESPONSIBLE), True
    between = entity.between
    if between is not None and field.name == between.target:
        return (said(entity) if "link" in said(entity) else NOT_PERSONAL), True
    if between is not None and field.name == between.source:
        return (_end(model, field) if "link" in said(entity) else NOT_PERSONAL), True
    if entity.relationship is not None and field.name in ENDS:
        return (said(field) or _end(model, field)), True
    if entity.relationship is not None and field.name in PERIOD:
        return (said(field) or _period(model, entity)), True
    return said(field), False


def _ends(entity: Entity) -> tuple[str, str]:
    assert entity.between is not None  # noqa: S101 - asked of links alone
    source, target = (entity.fields[name].relation for name in (entity.between.source, entity.between.target))
    assert source is not None  # noqa: S101 - ends are relations
    assert target is not None  # noqa: S101
    return source.targets[0], target.targets[0]


def _kinds(annotation: Mapping[str, Any]) -> list[str]:
    return list(annotation.get("subject", {}).get("kinds", ()))


def is_person(model: Model, field: Field) -> bool:
    """Whether a relation may refer to a record that is a person."""
    return field.relation is not None and any(role_of(model, name) == "is_subject" for name in field.relation.targets)


def _end(model: Model, field: Field) -> Mapping[str, Any]:
    return END_AT_PERSON if is_person(model, field) else END_ELSEWHERE


def _period(model: Model, entity: Entity) -> Mapping[str, Any]:
    persons = [name for name in ENDS if is_person(model, entity.fields[name])]
    if not persons:
        return NOT_PERSONAL
    return {"category": "xrm.relationship", "of": persons, "origin": "observed", "erase": {"strategy": "null"}}
