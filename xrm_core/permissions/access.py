"""What a set of roles may do, compiled once from Casbin and then only looked up.

Order of resolution, for an entity and an action:

1. Nothing is allowed that no policy of the roles (or of a role they inherit) allows.
2. A record is accessible if the row rule of at least one allowing policy holds for it, and of no policy that
   denies the whole entity.
3. A field of it is accessible if the row rule of at least one policy that allows this field holds, and of none that
   denies this field. So two policies never lend each other their rows.
4. Where a field is not accessible, and the row rule of a policy that masks it holds, and of none that denies it, a read
   shows what the mask leaves of the value. A mask gives no record, and in all else the value is absent there.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from xrm_core.metadata.model import Entity, Model
from xrm_core.metadata.predicate import EVERYTHING, NOTHING, All, Any_, Not, Predicate, Whole
from xrm_core.permissions.policy import ALL, ANY_ACTION, MASKS, OF_RECORDS, Action, Effect, Policy, maskable
from xrm_core.permissions.role_limits import Allowance

Masks = tuple[tuple[Effect, Predicate], ...]
"""Ways to mask a field, the first that counts first, each with the records on which it does."""


@dataclass(frozen=True, slots=True)
class Permission:
    """One action on one entity: for which records (``rule``) and which fields.

    ``field_rules`` has, for each accessible field, the rule that it needs beyond ``rule``; None: none. Where that does
    not hold, the first of the ``masks`` of the field whose rule does shows what it leaves of the value. A field that
    is masked wherever it is shown has the rule :data:`~xrm_core.metadata.predicate.NOTHING`, and stands in
    ``only_masked`` (a rule that somebody wrote may hold for nothing, too). ``openable`` are sealed fields that could be
    read wherever the record is, were they not sealed: who may open sealed values opens these.
    """

    rule: Predicate
    field_rules: Mapping[str, Predicate | None] = field(default_factory=lambda: MappingProxyType({}))
    masks: Mapping[str, Masks] = field(default_factory=lambda: MappingProxyType({}))
    only_masked: tuple[str, ...] = ()
    openable: tuple[str, ...] = ()

    @property
    def fields(self) -> Collection[str]:
        """Names of the fields that are accessible on some records, if only behind a mask."""
        return self.field_rules.keys()

    def in_full(self, name: str) -> bool:
        """Whether a field is accessible on some records without a mask."""
        return name in self.field_rules and name not in self.only_masked


class Access:
    """All permissions of a set of roles. Immutable; ``shape`` is equal for equal rights and keys every cache.

    ``limits`` are those of the roles together, ``roles`` these roles with all that they inherit. ``personal``: whoever
    has it may manage their own account; a token that is held to less than its user, or belongs to nobody, may not.
    ``shared`` are the entities whose records they may share, if some policy of whatever role asks for that.
    ``runs`` are the actions of plugins for which policies say other than for those that no policy names.
    """

    __slots__ = ("_permissions", "_whole", "limits", "personal", "roles", "runs", "shape", "shared")

    def __init__(
        self,
        shape: str,
        permissions: Mapping[tuple[str, Action], Permission],
        limits: Allowance | None = None,
        *,
        personal: bool = False,
        whole: Iterable[tuple[str, Action, str | None]] = (),
        roles: frozenset[str] = frozenset(),
        shared: frozenset[str] = frozenset(),
        runs: frozenset[str] = frozenset(),
    ) -> None:
        """See the class; ``whole`` is what :meth:`has_whole` tells."""
        self.shape = shape
        self._whole = frozenset(whole)
        self.roles = roles
        self.runs = runs
        self.shared = shared
        self.personal = personal
        self.limits = limits or Allowance()
        self._permissions = MappingProxyType(dict(permissions))

    def get(self, entity: str, action: Action) -> Permission | None:
        """The permission for an action on an entity, or None: not allowed at all."""
        return self._permissions.get((entity, action))

    def may(self, entity: str, action: Action) -> bool:
        """Whether the action is allowed on some records of the entity."""
        return (entity, action) in self._permissions

    def may_run(self, name: str) -> bool:
        """Whether an action of a plugin is allowed: ``plugin.action``."""
        return ((ANY_ACTION, Action.RUN) in self._permissions) != (name in self.runs)

    def has_whole(self, entity: str, action: Action, rule: str | None) -> bool:
        """Whether all fields of an entity are allowed where a rule holds, also fields that are to come.

        ``entity`` may be ``*``: entities that are to come as well. ``rule`` is its text, None: all records.
        """
        return any((name, action, text) in self._whole for name in {entity, ALL} for text in {rule, None})

    def readable(self, entity: str, name: str) -> bool:
        """Whether a field (or relation) of an entity can be read on some records, if only behind a mask."""
        permission = self.get(entity, Action.READ)
        return permission is not None and name in permission.field_rules

    def readable_in_full(self, entity: str, name: str) -> bool:
        """Whether a field (or relation) of an entity can be read on some records without a mask."""
        permission = self.get(entity, Action.READ)
        return permission is not None and permission.in_full(name)


def full_access(model: Model) -> Access:
    """Everything: what the system itself may do."""
    everything = {
        (entity.name, action): Permission(EVERYTHING, MappingProxyType(dict.fromkeys(grantable(entity, action))))
        for entity in model
        for action in OF_RECORDS
    }
    return Access(f"system:{model.fingerprint}", {**everything, (ANY_ACTION, Action.RUN): Permission(EVERYTHING)})


def compile_permission(
    entity: Entity, action: Action, policies: Iterable[tuple[Policy, Predicate]]
) -> Permission | None:
    """Fold the policies that apply to an entity and an action, each with its row rule, into one permission."""
    policies = list(policies)
    allows = [(policy, rule) for policy, rule in policies if policy.effect is Effect.ALLOW]
    denies = [(policy, rule) for policy, rule in policies if policy.effect is Effect.DENY]
    barred = [rule for policy, rule in denies if policy.fields is None]
    if not allows or EVERYTHING in barred:
        return None
    row_rules = _distinct(rule for _, rule in allows)
    field_rules: dict[str, Predicate | None] = {}
    masks: dict[str, Masks] = {}
    only_masked: list[str] = []
    for name in grantable(entity, action):
        granted = _distinct(rule for policy, rule in allows if covers(policy, name, action))
        withheld = _distinct(rule for policy, rule in denies if policy.fields is not None and name in policy.fields)
        masked = _masks(entity, name, policies, withheld) if action is Action.READ else ()
        if EVERYTHING in withheld or not (granted or masked):
            continue
        same_rows = EVERYTHING in granted or (bool(granted) and set(granted) == set(row_rules))
        if same_rows and not withheld:
            field_rules[name] = None
            continue
        field_rules[name] = _combine(granted, withheld) if granted else NOTHING
        if not granted:
            only_masked.append(name)
        if masked:
            masks[name] = masked
    rule = _combine(row_rules, _distinct(barred))
    openable = tuple(_openable(entity, allows, denies, row_rules)) if action is Action.READ else ()
    return Permission(rule, MappingProxyType(field_rules), MappingProxyType(masks), tuple(only_masked), openable)


def _openable(
    entity: Entity,
    allows: Iterable[tuple[Policy, Predicate]],
    denies: Iterable[tuple[Policy, Predicate]],
    row_rules: tuple[Predicate, ...],
) -> Iterator[str]:
    """A sealed field that somebody may read on some of the records only, or that is denied on some, is not opened."""
    for name in sorted(sealed(entity)):
        granted = {rule for policy, rule in allows if covers(policy, name, Action.READ)}
        withheld = any(policy.fields is not None and name in policy.fields for policy, _ in denies)
        if not withheld and (EVERYTHING in granted or (granted and granted == set(row_rules))):
            yield name


def _masks(
    entity: Entity, name: str, policies: Iterable[tuple[Policy, Predicate]], withheld: tuple[Predicate, ...]
) -> Masks:
    if not maskable(entity, name):
        return ()
    found = {
        mask: _distinct(
            rule for policy, rule in policies if policy.effect is mask and policy.fields and name in policy.fields
        )
        for mask in MASKS
    }
    return tuple((mask, _combine(rules, withheld)) for mask, rules in found.items() if rules)


def grantable(entity: Entity, action: Action) -> Iterator[str]:
    """What a right to an action can name: virtual fields can be read, but nobody can set them.

    Nobody can read or follow sealed ones, not even the platform: they are opened, which is a right of its own.
    """
    virtual = {field.name for field in entity.fields.values() if field.virtual and action is not Action.READ}
    if action in (Action.READ, Action.HISTORY):
        virtual |= sealed(entity)
    return (name for name in entity.grantable() if name not in virtual)


def sealed(entity: Entity) -> frozenset[str]:
    """Names of the fields whose values are sealed."""
    return frozenset(field.name for field in entity.fields.values() if field.sealing is not None)


def covers(policy: Policy, name: str, action: Action) -> bool:
    """Whether a policy that allows an action is about a field."""
    # A record that may be read can be named: its id goes with every grant to read.
    return policy.fields is None or name in policy.fields or (action is Action.READ and name == "id")


def _combine(granted: tuple[Predicate, ...], withheld: tuple[Predicate, ...]) -> Predicate:
    allowed = EVERYTHING if EVERYTHING in granted else granted[0] if len(granted) == 1 else Any_(granted)
    if not withheld:
        return allowed
    return All((allowed, *map(_ruled_out, withheld)))


def _ruled_out(rule: Predicate) -> Predicate:
    """That a denying rule does not hold; also false where nobody can say, as a value of the caller is unknown."""
    return Whole(Not(rule.part)) if isinstance(rule, Whole) else Not(rule)


def _distinct(rules: Iterable[Predicate]) -> tuple[Predicate, ...]:
    return tuple(dict.fromkeys(rules))
