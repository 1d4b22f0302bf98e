"""Casbin, asked once per set of roles: which policies apply? The answer is compiled into an :class:`Access`."""

import hashlib
from pathlib import Path
from threading import Lock

import casbin

from xrm_core.metadata.model import Model
from xrm_core.metadata.predicate import EVERYTHING
from xrm_core.permissions.access import Access, Permission, compile_permission
from xrm_core.permissions.between import link_permission, relationship_permission
from xrm_core.permissions.derived import with_derived_rights
from xrm_core.permissions.policy import SCHEMA, Action, Effect, Policy, PolicySet
from xrm_core.permissions.role_limits import Allowance, allowance

_MODEL_FILE = Path(__file__).with_name("casbin_model.conf")


class Authority:
    """Who may do what in one model under one set of policies. Immutable: a changed policy makes a new Authority."""

    def __init__(self, model: Model, policies: PolicySet) -> None:
        self.model = model
        self.policies = policies
        self._enforcer = casbin.Enforcer(str(_MODEL_FILE))
        self._enforcer.enable_auto_save(False)
        for number, policy in enumerate(policies.policies):
            self._enforcer.add_policy(
                f"r:{policy.role}", policy.entity or "*", policy.action or "*", str(number), policy.effect.value
            )
        for role in policies.roles.values():
            for parent in role.inherits:
                self._enforcer.add_grouping_policy(f"r:{role.name}", f"r:{parent}")
        self._cache: dict[frozenset[str], Access] = {}
        self._lock = Lock()

    def access(self, roles: frozenset[str]) -> Access:
        """What these roles may do together. No roles, or only unknown ones: nothing."""
        found = self._cache.get(roles)
        if found is None:
            with self._lock:  # Casbin's role manager is not made for several threads
                found = self._cache.setdefault(roles, self._compile(roles))
        return found

    def known(self) -> list[frozenset[str]]:
        """The sets of roles that were asked about so far."""
        with self._lock:
            return list(self._cache)

    def policies_of(self, roles: frozenset[str]) -> list[Policy]:
        """The policies of these roles and of those that they inherit, in the order of the files."""
        with self._lock:
            return self._applying(self._known(roles))

    def _known(self, roles: frozenset[str]) -> list[str]:
        return sorted(role for role in roles if role in self.policies.roles)

    def _compile(self, roles: frozenset[str]) -> Access:
        known = self._known(roles)
        applying = self._applying(known)
        permissions: dict[tuple[str, Action], Permission] = {}
        # Rights on what joins others follow from those on its ends.
        for entity in sorted(self.model, key=lambda entity: entity.kind != "entity"):
            for action in Action:
                rows = [
                    (policy, self.policies.rule(self.model, entity, policy.rule))
                    for policy in applying
                    if policy.applies(entity, action)
                ]
                match entity.kind:
                    case "entity":
                        permission = compile_permission(entity, action, rows)
                    case "link":
                        permission = link_permission(entity, action, rows, permissions)
                    case "relationship":
                        permission = relationship_permission(entity, action, rows, permissions)
                if permission is not None:
                    permissions[entity.name, action] = permission
        for action in (Action.READ, Action.UPDATE):
            if _may_schema(applying, action):
                permissions[SCHEMA, action] = Permission(EVERYTHING)
        text = f"{self.model.fingerprint}:{self.policies.version}:{','.join(known)}"
        shape = hashlib.sha256(text.encode()).hexdigest()[:16]
        return Access(shape, with_derived_rights(self.model, permissions), self._limits(known))

    def _limits(self, roles: list[str]) -> Allowance:
        every = self.policies.roles.values()
        return allowance(
            {role.name: role.limits for role in every}, {role.name: role.inherits for role in every}, roles
        )

    def _applying(self, roles: list[str]) -> list[Policy]:
        numbers = {
            int(row[3]) for role in roles for row in self._enforcer.get_implicit_permissions_for_user(f"r:{role}")
        }
        return [self.policies.policies[number] for number in sorted(numbers)]


def _may_schema(policies: list[Policy], action: Action) -> bool:
    """Whether the model may be seen or changed: it has no rows and fields, so only policies for all of them give it."""
    found = [each for each in policies if each.entity in (None, SCHEMA) and each.action in (None, action)]
    allowed = any(each.effect is Effect.ALLOW and each.rule is None and each.fields is None for each in found)
    return allowed and not any(each.effect is Effect.DENY and each.fields is None for each in found)
