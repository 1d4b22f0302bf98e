"""Rights on records that join others, derived from the rights on both ends.

1. Such a record exists for nobody who does not see both of its ends, whatever a policy says.
2. Links of a many-to-many relation, unless a policy of the roles names their entity for the action: they may be read
   by whoever may read the relation on its owner, and made, changed and removed by whoever may update it there.
3. If a policy names the entity of links, only the policies that name it count, with 1.
4. Relationships need policies like any entity, also to be read: who decides for whom is more than both records say.
   A policy for all entities (``*``) that has no rule and names no fields is about them, too.

A policy for all entities (``*``) on links works by what it gives on the ends. One that denies fields on all records
denies the attributes of that name on whatever joins records as well (but for 3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from xrm_core.metadata.model import Entity
from xrm_core.metadata.predicate import EVERYTHING, All, Any_, Predicate, Related
from xrm_core.metadata.relationships import SOURCE, TARGET
from xrm_core.permissions.access import Permission, compile_permission
from xrm_core.permissions.policy import Action, Effect, Policy

Permissions = Mapping[tuple[str, Action], Permission]


def link_permission(
    entity: Entity, action: Action, rows: Sequence[tuple[Policy, Predicate]], ends: Permissions
) -> Permission | None:
    """The right to an action on links. ``rows`` are the policies that apply, ``ends`` the rights on other entities."""
    between = entity.between
    if between is None:
        raise ValueError(f"{entity.name} does not join others")
    visible = ends_visible(entity, (between.source, between.target), ends)
    if visible is None:
        return None
    named = [(policy, rule) for policy, rule in rows if policy.entity == entity.name]
    if named:
        permission = compile_permission(entity, action, named)
        return None if permission is None else replace(permission, rule=both(visible, permission.rule))
    owner = entity.fields[between.source].reference.targets[0]
    granted = ends.get((owner, Action.READ if action is Action.READ else Action.UPDATE))
    if granted is None or between.name not in granted.field_rules:
        return None
    rule = both(granted.rule, granted.field_rules[between.name] or EVERYTHING)
    whole = rule if rule == EVERYTHING else Related(between.source, owner, "is", rule)
    denied = {name for policy, _ in rows if policy.effect is Effect.DENY for name in policy.fields or ()}
    denied -= {between.source, between.target}  # which go with the relation
    names = (name for name in entity.grantable() if name not in denied)
    return Permission(both(visible, whole), MappingProxyType(dict.fromkeys(names)))


def relationship_permission(
    entity: Entity, action: Action, rows: Sequence[tuple[Policy, Predicate]], ends: Permissions
) -> Permission | None:
    """The right to an action on relationships: that of its policies, where both ends can be seen."""
    visible = ends_visible(entity, (SOURCE, TARGET), ends)
    permission = None if visible is None else compile_permission(entity, action, rows)
    if visible is None or permission is None:
        return None
    return replace(permission, rule=both(visible, permission.rule))


def ends_visible(entity: Entity, relations: Sequence[str], ends: Permissions) -> Predicate | None:
    """The condition that the records to which these relations lead can be seen; None if none of one can."""
    parts: list[Predicate] = []
    for name in relations:
        targets = entity.fields[name].reference.targets
        rules = {target: granted.rule for target in targets if (granted := ends.get((target, Action.READ))) is not None}
        if not rules:
            return None
        if len(rules) == len(targets) and set(rules.values()) == {EVERYTHING}:
            continue  # the relation is required, so it leads to one of these
        branches = tuple(Related(name, target, "is", rule) for target, rule in rules.items())
        parts.append(branches[0] if len(branches) == 1 else Any_(branches))
    return EVERYTHING if not parts else parts[0] if len(parts) == 1 else All(tuple(parts))


def both(one: Predicate, other: Predicate) -> Predicate:
    """Both rules together."""
    parts = tuple(dict.fromkeys(rule for rule in (one, other) if rule != EVERYTHING))
    return EVERYTHING if not parts else parts[0] if len(parts) == 1 else All(parts)
