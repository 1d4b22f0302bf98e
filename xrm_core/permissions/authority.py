"""Casbin, asked once per set of roles: which policies apply? The answer is compiled into an :class:`Access`."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Lock

import casbin

from xrm_core.metadata.model import Entity, Model
from xrm_core.metadata.predicate import EVERYTHING, SHARED, shared_entities
from xrm_core.permissions.access import Access, Permission, compile_permission
from xrm_core.permissions.between import link_permission, relationship_permission
from xrm_core.permissions.derived import with_derived_rights
from xrm_core.permissions.policy import (
    ALL,
    ANY_ACTION,
    MASKS,
    NAMED_ONLY,
    OBJECTS,
    OF_ENTITIES,
    OF_RECORDS,
    Action,
    Effect,
    Policy,
    PolicySet,
    is_action,
    is_object,
    named_actions,
    with_inherited,
)
from xrm_core.permissions.role_limits import Allowance, allowance
from xrm_core.permissions.token_scope import UNSCOPED, TokenScope

MAX_KEPT = 500
"""Sets of roles, with scopes of tokens, whose rights are kept: anybody may make tokens of ever other scopes."""

_MODEL_FILE = Path(__file__).with_name("casbin_model.conf")


class Authority:
    """Who may do what in one model under one set of policies. Immutable: a changed policy makes a new Authority."""

    def __init__(self, model: Model, policies: PolicySet) -> None:
        self.model = model
        self.policies = policies
        self._enforcer = casbin.Enforcer(str(_MODEL_FILE))
        self._enforcer.enable_auto_save(False)
        for number, policy in enumerate(policies.policies):
            masks = (
                policy.effect in MASKS
            )  # an act of its own for Casbin, which knows allow and deny: it reads no record
            action = policy.effect.value if masks else policy.action or "*"
            effect = Effect.ALLOW if masks else policy.effect
            self._enforcer.add_policy(f"r:{policy.role}", policy.entity or "*", action, str(number), effect.value)
        for role in policies.roles.values():
            for parent in role.inherits:
                self._enforcer.add_grouping_policy(f"r:{role.name}", f"r:{parent}")
        self._kept: OrderedDict[tuple[frozenset[str], TokenScope], Access] = OrderedDict()
        self._lock = Lock()
        self._shared = frozenset(_shared(model, policies))

    def access(self, roles: frozenset[str], scope: TokenScope = UNSCOPED) -> Access:
        """What these roles may do together within a scope. No roles, or only unknown ones: nothing."""
        key = (frozenset(self._known(roles)), scope)
        with self._lock:  # Casbin's role manager is not made for several threads
            found = self._kept.get(key)
            if found is None:
                found = self._kept[key] = self._compile(*key)
                if len(self._kept) > MAX_KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
        return found

    def roles_within(self, roles: frozenset[str]) -> frozenset[str]:
        """These roles, as far as they are known, and all that they inherit."""
        return with_inherited(self.policies.roles, roles)

    def known(self) -> list[frozenset[str]]:
        """The sets of roles that were asked about so far."""
        with self._lock:
            return [roles for roles, scope in self._kept if scope == UNSCOPED]

    def gives(self, roles: frozenset[str], name: str, action: Action) -> bool:
        """Whether roles give an action on an object that is no entity: as :meth:`access`, without all else."""
        return _may(self.policies_of(roles), name, action)

    def policies_of(self, roles: frozenset[str]) -> list[Policy]:
        """The policies of these roles and of those that they inherit, in the order of the files."""
        with self._lock:
            return self._numbered(self._applying(self._known(roles)))

    def _known(self, roles: frozenset[str]) -> list[str]:
        return sorted(role for role in roles if role in self.policies.roles)

    def _compile(self, roles: frozenset[str], scope: TokenScope) -> Access:
        known = self._known(roles)
        giving = known if scope.roles is None else sorted(scope.roles & self.roles_within(roles))
        every, given = self._applying(known), self._applying(giving)
        whole = self._numbered(every)
        # What a role denies is denied also to tokens that leave the role out.
        policies = self._numbered({number for number in every if number in given or self._denies(number)})
        permissions: dict[tuple[str, Action], Permission] = {}
        # Rights on what joins others follow from those on its ends.
        for entity in sorted(self.model, key=lambda entity: entity.kind != "entity"):
            for action in OF_RECORDS:
                rows = [
                    (policy, self.policies.rule(self.model, entity, policy.rule))
                    for policy in policies
                    if policy.applies(entity, action)
                ]
                if not _in_scope(scope, entity, action) or (action in OF_ENTITIES and entity.kind != "entity"):
                    continue
                if entity.kind == "link" and _names(whole, entity, action) and not _names(policies, entity, action):
                    continue  # without that policy, links would follow their ends, which may be more
                match entity.kind:
                    case "entity":
                        permission = compile_permission(entity, action, rows)
                    case "link":
                        permission = link_permission(entity, action, rows, permissions)
                    case "relationship":
                        permission = relationship_permission(entity, action, rows, permissions)
                if permission is not None:
                    permissions[entity.name, action] = permission
        for name, actions in OBJECTS.items():
            for action in actions:
                if _may(policies, name, action) and scope.allows(name, action):
                    permissions[name, action] = Permission(EVERYTHING)
        runs = self._runs(policies, scope, permissions)
        derived, limits = with_derived_rights(self.model, permissions), self._limits(giving)
        # By what is allowed, not by who allows it: a change of policies leaves the shapes of whom it does not concern.
        rights = [(key, derived[key]) for key in sorted(derived)]
        shared = frozenset(name for name in self._shared if (name, Action.SHARE) in derived)
        content = self.model.fingerprint, rights, limits, scope.personal, sorted(shared), sorted(runs)
        shape = hashlib.sha256(repr(content).encode()).hexdigest()[:32]
        fully = self._whole(policies, scope)
        return Access(
            shape,
            derived,
            limits,
            personal=scope.personal,
            whole=fully,
            roles=self.roles_within(frozenset(giving)),
            shared=shared,
            runs=runs,
        )

    def _runs(
        self, policies: list[Policy], scope: TokenScope, permissions: dict[tuple[str, Action], Permission]
    ) -> frozenset[str]:
        """Adds who may run actions of plugins; answers for which actions it is other than for all others."""
        every = _may(policies, ANY_ACTION, Action.RUN) and scope.allows(ANY_ACTION, Action.RUN)
        if every:
            permissions[ANY_ACTION, Action.RUN] = Permission(EVERYTHING)
        named = {*named_actions(self.policies.policies), *(name for name, _ in scope.grants or () if is_action(name))}
        allowed = {name for name in named if _may(policies, name, Action.RUN) and scope.allows(name, Action.RUN)}
        return frozenset(named - allowed if every else allowed) - {ANY_ACTION}

    def _whole(self, policies: list[Policy], scope: TokenScope) -> Iterator[tuple[str, Action, str | None]]:
        """What the policies give of all fields, as :meth:`Access.has_whole` tells it."""
        for policy in policies:
            if policy.effect is Effect.ALLOW and policy.fields is None and not is_object(policy.entity):
                rule = None if policy.rule is None else self.policies.rule_text(policy.rule)
                for action in Action if policy.action is None else (policy.action,):
                    entity = policy.entity or ALL
                    if scope.allows(entity, action):
                        yield entity, action, rule

    def _limits(self, roles: list[str]) -> Allowance:
        every = self.policies.roles.values()
        return allowance(
            {role.name: role.limits for role in every}, {role.name: role.inherits for role in every}, roles
        )

    def _applying(self, roles: list[str]) -> set[int]:
        """Numbers of the policies of these roles and of those that they inherit."""
        return {int(row[3]) for role in roles for row in self._enforcer.get_implicit_permissions_for_user(f"r:{role}")}

    def _numbered(self, numbers: Iterable[int]) -> list[Policy]:
        return [self.policies.policies[number] for number in sorted(numbers)]

    def _denies(self, number: int) -> bool:
        return self.policies.policies[number].effect is Effect.DENY


def _shared(model: Model, policies: PolicySet) -> Iterator[str]:
    """Entities that can be shared: a policy has a rule that asks whether a record of them is."""
    asked = {name for name, rule in policies.rules.items() if SHARED in repr(rule)}
    for policy in policies.policies if asked else ():
        for entity in model if policy.rule in asked else ():
            if policy.applies(entity, policy.action or Action.READ):
                yield from shared_entities(entity.name, policies.rule(model, entity, policy.rule))


def _names(policies: list[Policy], entity: Entity, action: Action) -> bool:
    return any(policy.entity == entity.name and policy.applies(entity, action) for policy in policies)


def _in_scope(scope: TokenScope, entity: Entity, action: Action) -> bool:
    """Links go with the relation of their owner, which is read or changed with it."""
    if scope.allows(entity.name, action):
        return True
    if entity.between is None:
        return False
    owner = entity.fields[entity.between.source].reference.targets[0]
    return scope.allows(owner, Action.READ if action is Action.READ else Action.UPDATE)


def _may(policies: list[Policy], name: str, action: Action) -> bool:
    """Whether an object is allowed that has no rows and fields, so that only policies for all of them give it."""
    found = [each for each in policies if each.entity in (None, name) and each.action in (None, action)]
    giving = [each for each in found if each.entity is not None or name not in NAMED_ONLY]
    allowed = any(each.effect is Effect.ALLOW and each.rule is None and each.fields is None for each in giving)
    return allowed and not any(each.effect is Effect.DENY and each.fields is None for each in found)
