"""Why roles have the rights that they have: which policies apply, and which of them decide about a field.

What may be done is never worked out here a second time: it is read off the compiled permission; policies only say why.
"""

from dataclasses import dataclass
from enum import StrEnum

from xrm_core.metadata.model import Entity, Model
from xrm_core.metadata.predicate import EVERYTHING
from xrm_core.metadata.uses import uses
from xrm_core.permissions.access import Access, Permission, covers, grantable
from xrm_core.permissions.authority import Authority
from xrm_core.permissions.policy import MASKS, Action, Effect, Policy, is_action


class Extent(StrEnum):
    """On which of the records that are accessible at all a field is."""

    ALL = "all"
    SOME = "some"
    MASKED = "masked"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class FieldReason:
    """A field: ``given``, ``masked`` and ``withheld`` are the policies that decide, ``hidden_parts`` what a virtual one
    lacks.
    """

    name: str
    extent: Extent
    given: tuple[Policy, ...]
    withheld: tuple[Policy, ...]
    masked: tuple[Policy, ...] = ()
    hidden_parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reasons:
    """An action on an entity. ``permission`` is what is decided (None: nothing is allowed), ``policies`` say why.

    ``follows`` is the owner and the relation on whose rights those on links follow, where no policy names them.
    """

    entity: Entity
    action: Action
    policies: tuple[Policy, ...]
    permission: Permission | None
    fields: tuple[FieldReason, ...]
    follows: tuple[str, str, Action] | None = None

    @property
    def joins(self) -> bool:
        """Whether its records join others, and so are there only for who can see both ends."""
        return self.entity.kind != "entity"

    def rows(self, effect: Effect) -> list[Policy]:
        """The policies that decide about whole records."""
        whole = [each for each in self.policies if each.effect is effect]
        return whole if effect is Effect.ALLOW else [each for each in whole if each.fields is None]


def reasons(authority: Authority, roles: frozenset[str], entity: Entity, action: Action) -> Reasons:
    """Why these roles together may, or may not, do something with an entity."""
    access = authority.access(roles)
    permission = access.get(entity.name, action)
    policies = [each for each in authority.policies_of(roles) if each.applies(entity, action)]
    follows = None
    if entity.between is not None:
        named = [each for each in policies if each.entity == entity.name]
        if named:
            policies = named
        else:
            owner = entity.fields[entity.between.source].reference.targets[0]
            follows = (owner, entity.between.name, Action.READ if action is Action.READ else Action.UPDATE)
    fields = () if follows else tuple(_fields(authority.model, access, entity, action, policies))
    return Reasons(entity, action, tuple(policies), permission, fields, follows)


def may_object(access: Access, name: str, action: Action) -> bool:
    """Whether an action on something without fields and rows is allowed."""
    if is_action(name):
        return action is Action.RUN and access.may_run(name)
    permission = access.get(name, action)
    return permission is not None and permission.rule == EVERYTHING


def _fields(model: Model, access: Access, entity: Entity, action: Action, policies: list[Policy]) -> list[FieldReason]:
    permission = access.get(entity.name, action)
    found = []
    for name in grantable(entity, action):
        given = tuple(each for each in policies if each.effect is Effect.ALLOW and covers(each, name, action))
        withheld = tuple(
            each for each in policies if each.effect is Effect.DENY and (each.fields is None or name in each.fields)
        )
        field = entity.field(name)
        if field is not None and not field.writable and action is not Action.READ:
            continue  # the platform sets it, whatever a policy says
        masked = tuple(each for each in policies if each.effect in MASKS and covers(each, name, action))
        extent = Extent.NONE if permission is None else _extent(permission, name)
        parts = uses(model, entity, field) if field is not None and field.virtual and extent is Extent.NONE else set()
        hidden = tuple(sorted(f"{owner}.{part}" for owner, part in parts if not access.readable_in_full(owner, part)))
        found.append(FieldReason(name, extent, given, withheld, masked, hidden))
    return found


def _extent(permission: Permission, name: str) -> Extent:
    if name not in permission.field_rules:
        return Extent.NONE
    if not permission.in_full(name):
        return Extent.MASKED
    return Extent.ALL if permission.field_rules[name] is None else Extent.SOME
