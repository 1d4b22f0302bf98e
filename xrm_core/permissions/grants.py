"""Nobody gives more than they hold: what a change of policies would give, held against what its author may do.

Who gives a role to a user is held to the same: to what the policies of the role give.

A change gives something to a role by an allowing or masking policy that it did not have, and by a denying one that it
has no longer, its own or inherited; on links, which follow from their ends where no policy names them, by any that is
gone. Each of these must be covered by the author's own rights: the action, all of the fields, and all of the records.
Whether a rule holds for no more records than another is decided by how they are put together only, so that in doubt a
change is refused that would have given nothing.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

from xrm_core.metadata.model import Entity, Model
from xrm_core.metadata.predicate import EVERYTHING, SHARED, All, Any_, Predicate, parse, whole
from xrm_core.permissions.access import Access, Permission, covers, grantable
from xrm_core.permissions.between import link_permission
from xrm_core.permissions.policy import (
    ALL,
    ANY_ACTION,
    NAMED_ONLY,
    OBJECTS,
    Action,
    Effect,
    Policy,
    PolicySet,
    is_action,
    with_inherited,
)
from xrm_core.permissions.role_limits import NAMES, Decided, allowance


def beyond(
    author: Access, model: Model, before: PolicySet | None, after: PolicySet, usual: Decided | None = None
) -> list[str]:
    """What a change would give that its author does not hold, in words; empty: nothing.

    Args:
        author: the rights of who changes the policies.
        model: the model of the database.
        before: the set in force; None: there is none.
        after: the set that shall be.
        usual: limits of roles that leave them open; None: limits do not matter.
    """
    old = before or PolicySet({}, {}, (), "")
    found: dict[str, None] = {}
    for role in sorted({*old.roles, *after.roles}):
        had, has = _held(old, role), _held(after, role)
        given = [each for each in has if each.effect is not Effect.DENY and each not in had]
        lifted = [each for each in had if each.effect is Effect.DENY and each not in has]
        lifted += [_widened(each) for each in had if each not in has and _narrows(each, model, has)]
        for policy in (*given, *lifted):
            for text in _missing(author, model, policy):
                found[f"{role}: {text}"] = None
        if usual is not None and role in after.roles:
            for name in _raised(author, old, after, role, usual):
                found[f"{role}: a higher limit of {name}"] = None
    return list(found)


def beyond_roles(
    author: Access, model: Model, policies: PolicySet, roles: Iterable[str], usual: Decided | None = None
) -> list[str]:
    """What roles give that somebody does not hold, in words; empty: nothing.

    A role that the policies do not know counts as more: who has it when one of that name comes has what that gives. So
    do records that are shared with a role, for who does not have it: a policy of any of the roles shows them that asks
    whether a record is shared, so a role without policies can give them, too.

    Args:
        author: the rights of who gives the roles, or changes whoever has them.
        model: the model of the database.
        policies: the set in force.
        roles: their names.
        usual: limits of roles that leave them open; None: limits do not matter.
    """
    found: dict[str, None] = {}
    asked = sorted(roles)
    strange = with_inherited(policies.roles, asked) - author.roles
    narrowed = list(_narrowed(author, model, [policy for role in asked for policy in _held(policies, role)]))
    for role in asked:
        if role not in policies.roles:
            found[f"{role}: it is no role"] = None
            continue
        for policy in _held(policies, role):
            if policy.effect is Effect.DENY:
                continue
            shared = SHARED in (policy.rule or "")
            for text in _missing(author, model, replace(policy, rule=None) if shared and strange else policy):
                found[f"{role}: {text}"] = None
            for link, action, owner in narrowed:
                if _gives_links(policy, link, action, owner):
                    found[f"{role}: {action} on {link.name}"] = None
        if usual is not None:
            theirs, own = _limits(policies, role, usual), author.limits.within(usual)
            for name in NAMES:
                if getattr(theirs, name) > getattr(own, name):
                    found[f"{role}: a higher limit of {name}"] = None
    return list(found)


def told(author: Access, model: Model, missing: Iterable[str]) -> list[str]:
    """What :func:`beyond_roles` answers, as its author may know it: without names of entities that they cannot see."""
    hidden = {entity.name for entity in model if not any(author.may(entity.name, action) for action in Action)}
    found: dict[str, None] = {}
    for text in missing:
        role = text.partition(":")[0]
        found[f"{role}: what you cannot see" if text.rpartition(" on ")[2] in hidden else text] = None
    return list(found)


def _held(policies: PolicySet, role: str) -> dict[Policy, None]:
    """The policies that a role has, its own and inherited, as if they were its own; rules stand for themselves."""
    if role not in policies.roles:
        return {}
    roles = with_inherited(policies.roles, [role])
    return {
        replace(each, role=role, rule=None if each.rule is None else policies.rule_text(each.rule)): None
        for each in policies.policies
        if each.role in roles
    }


def _missing(author: Access, model: Model, policy: Policy) -> Iterator[str]:
    for action in Action if policy.action is None else (policy.action,):
        if action is Action.RUN:
            yield from _not_run(author, policy)
            continue
        if is_action(policy.entity):
            continue
        if policy.entity in (None, *OBJECTS) and policy.fields is None and policy.rule is None:
            names = OBJECTS.keys() - NAMED_ONLY if policy.entity is None else (policy.entity,)
            lacking = (name for name in names if action in OBJECTS[name] and not author.may(name, action))
            yield from (f"{action} on {name}" for name in lacking)
        if policy.entity is None and not author.has_whole(ALL, action, policy.rule):
            yield f"{action} on entities that are to come"
        for entity in model:
            if policy.applies(entity, action) and not _holds(author, model, entity, action, policy):
                yield f"{action} on {entity.name}"


def _not_run(author: Access, policy: Policy) -> Iterator[str]:
    """Actions of plugins that a policy is about and its author may not run."""
    if policy.fields is not None or policy.rule is not None:
        return
    if policy.entity is None:
        if not author.may_run(ANY_ACTION):
            yield f"{Action.RUN} on actions of plugins"
        else:
            yield from (f"{Action.RUN} on {name}" for name in sorted(author.runs))
    elif is_action(policy.entity) and not author.may_run(policy.entity):
        yield f"{Action.RUN} on {policy.entity}"


def _narrows(policy: Policy, model: Model, others: Iterable[Policy]) -> bool:
    """Whether rights on links would follow from their ends but for this policy: none of the others names them."""
    if policy.entity is None or policy.entity not in model or policy.effect is Effect.DENY:
        return False
    if model[policy.entity].kind != "link":
        return False
    return not any(each.entity == policy.entity and each.action in (None, policy.action) for each in others)


def _widened(policy: Policy) -> Policy:
    return replace(policy, fields=None, rule=None, effect=Effect.ALLOW)


def _narrowed(author: Access, model: Model, every: Iterable[Policy]) -> Iterator[tuple[Entity, Action, Entity]]:
    """Links, an action on them, and their owner, where a policy on links holds the author to less than follows from
    both ends. Left out are those of which other policies of the roles say themselves what they give: ``every``.
    """
    held = {
        (entity.name, action): found
        for entity in model
        for action in Action
        if (found := author.get(entity.name, action)) is not None
    }
    for entity in model:
        if entity.between is None or entity.kind != "link":
            continue
        for action in (Action.READ, Action.CREATE, Action.UPDATE, Action.DELETE):
            follows = link_permission(entity, action, (), held)
            named = any(policy.entity == entity.name and policy.applies(entity, action) for policy in every)
            if follows is not None and not named and not _as_wide(held.get((entity.name, action)), follows, entity):
                yield entity, action, model[entity.fields[entity.between.source].reference.targets[0]]


def _as_wide(held: Permission | None, other: Permission, entity: Entity) -> bool:
    """Whether what is held is what follows from the ends, without anything that narrows it."""
    stored = {name for name in other.field_rules if (field := entity.field(name)) is None or not field.virtual}
    return (
        held is not None and held.rule == other.rule and all(held.field_rules.get(name, 0) is None for name in stored)
    )


def _gives_links(policy: Policy, link: Entity, action: Action, owner: Entity) -> bool:
    """Whether rights on links follow from a policy on their owner."""
    of_owner = Action.READ if action is Action.READ else Action.UPDATE
    return link.between is not None and policy.applies(owner, of_owner) and covers(policy, link.between.name, of_owner)


def _holds(author: Access, model: Model, entity: Entity, action: Action, policy: Policy) -> bool:
    held = author.get(entity.name, action)
    if held is None:
        return False
    rule = EVERYTHING if policy.rule is None else whole(parse(model, entity, json.loads(policy.rule), "rule"))
    if not _within(rule, held.rule):
        return False
    if policy.fields is None and not author.has_whole(entity.name, action, policy.rule):
        return False  # a field that is to come
    names = [name for name in grantable(entity, action) if covers(policy, name, action)]
    return all(name in held.field_rules and _within(rule, held.field_rules[name] or EVERYTHING) for name in names)


def _within(rule: Predicate, other: Predicate) -> bool:
    """Whether the first holds for no records but those of the second, as far as that can be seen."""
    if other in (EVERYTHING, rule):
        return True
    if isinstance(rule, Any_):
        return all(_within(part, other) for part in rule.parts)
    if isinstance(other, All):
        return all(_within(rule, part) for part in other.parts)
    if isinstance(rule, All) and any(_within(part, other) for part in rule.parts):
        return True
    return isinstance(other, Any_) and any(_within(rule, part) for part in other.parts)


def _raised(author: Access, old: PolicySet, new: PolicySet, role: str, usual: Decided) -> Iterator[str]:
    before = _limits(old, role, usual) if role in old.roles else usual
    after, own = _limits(new, role, usual), author.limits.within(usual)
    for name in NAMES:
        if getattr(after, name) > max(getattr(before, name), getattr(own, name)):
            yield name


def _limits(policies: PolicySet, role: str, usual: Decided) -> Decided:
    every = policies.roles.values()
    limits, parents = {each.name: each.limits for each in every}, {each.name: each.inherits for each in every}
    return allowance(limits, parents, [role]).within(usual)
