"""Sharing: ``shareCustomer``, ``unshareCustomer``, and the field ``shares`` of a record that may be shared."""

from collections.abc import Mapping
from typing import Any

import strawberry

from xrm_core.errors import BadQuery
from xrm_core.graphql import builder, names
from xrm_core.graphql.builder import Argument, InputType, ObjectType
from xrm_core.graphql.dry_runs import DRY_RUN
from xrm_core.graphql.meanings import Root, ShareField, SharesField
from xrm_core.graphql.scalars import DateTime
from xrm_core.graphql.types import Types, label
from xrm_core.metadata.model import Entity
from xrm_core.metadata.predicate import LEVELS
from xrm_core.permissions.policy import Action
from xrm_core.records.shares import MOST, Grantee
from xrm_core.translation import say

_PARTS: Mapping[str, tuple[Any, str, str]] = {
    "user": (strawberry.ID | None, "user", "Id of the user with whom it is shared."),
    "team": (strawberry.ID | None, "team", "Id of the team with whose people it is shared."),
    "role": (str | None, "role", "Name of the role with whose people it is shared."),
    "until": (DateTime | None, "until", "When it ends; null: never."),
    "reason": (str | None, "reason", "Why."),
    "sharedAt": (DateTime, "shared_at", "Since when."),
    "sharedBy": (strawberry.ID | None, "shared_by", "Id of the user who has shared it."),
}


def shareable(types: Types, entity: Entity) -> bool:
    """Whether the role may share records of the entity, and that gives anybody anything."""
    return entity.name in types.access.shared and types.access.may(entity.name, Action.SHARE)


def add_shares(types: Types, entity: Entity, owner: ObjectType) -> None:
    """The field ``shares`` of a record type."""
    if shareable(types, entity):
        about = f"With whom the record is shared, if you may share it; {MOST} at most."
        builder.add(owner, "shares", builder.list_of(_share(types)), about)
        types.meanings.add(owner.name, "shares", SharesField())


def add_sharing(types: Types) -> None:
    """The mutations, for entities whose records the role may share."""
    for entity in types.readable:
        if not shareable(types, entity):
            continue
        noun, result = label(entity.labels) or names.type_name(entity), types.objects[entity.name]
        id_, grantee = Argument("id", strawberry.ID), Argument("with", _grantee(types), "With whom.")
        more = [
            Argument("level", _level(types), "What for."),
            Argument("until", DateTime | None, "When it shall end."),
            Argument("reason", str | None, "Why."),
        ]
        share, unshare = names.mutation("share", entity), names.mutation("unshare", entity)
        about = f"Share a {noun} with a user, a team or a role; in place of what it is shared with them."
        builder.add(types.mutation, share, result, about, [id_, grantee, *more, DRY_RUN])
        types.meanings.add("Mutation", share, Root("share", entity.name))
        about = f"Share a {noun} with somebody no longer."
        builder.add(types.mutation, unshare, result, about, [id_, grantee, DRY_RUN])
        types.meanings.add("Mutation", unshare, Root("unshare", entity.name))


def grantee_of(given: Mapping[str, Any]) -> Grantee:
    """The grantee of an input. Raises :class:`~xrm_core.errors.BadQuery` unless it is exactly one."""
    chosen = [(kind, str(value)) for kind, value in given.items() if value is not None]
    if len(chosen) != 1:
        raise BadQuery(
            say("A record is shared with one at a time."), hint=say("Give exactly one of user, team and role.")
        )
    return Grantee(*chosen[0])


def _share(types: Types) -> ObjectType:
    found: ObjectType | None = types.shared.get("RecordShare")
    if found is None:
        found = types.shared["RecordShare"] = builder.object_type(
            "RecordShare", "That a record is shared with somebody."
        )
        for name, (type_, column, about) in {**_PARTS, "level": (_level(types), "level", "What for.")}.items():
            builder.add(found, name, type_, about)
            types.meanings.add("RecordShare", name, ShareField(column))
        types.know(found)
    return found


def _level(types: Types) -> Any:
    found = types.shared.get("ShareLevel")
    if found is None:
        words = {"READ": "To be seen.", "UPDATE": "To be seen and changed."}
        made = builder.enum_type("ShareLevel", (level.upper() for level in LEVELS), words)
        found = types.shared["ShareLevel"] = made
        types.know(found)
    return found


def _grantee(types: Types) -> InputType:
    found: InputType | None = types.shared.get("ShareWith")
    if found is None:
        found = types.shared["ShareWith"] = builder.input_type("ShareWith", "Exactly one of these.")
        builder.add(found, "user", strawberry.ID | None, "Id of a user.")
        builder.add(found, "team", strawberry.ID | None, "Id of a team: of all people who are in it.")
        builder.add(found, "role", str | None, "Name of a role: of all people who have it, or one that inherits it.")
        types.know(found)
    return found
