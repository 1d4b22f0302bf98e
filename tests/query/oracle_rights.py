"""The naive second opinion: what of the schema a role may know, by its policies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.query.virtual_world import NEEDS
from xrm_core.metadata.model import Entity, Field, Link, Model
from xrm_core.metadata.types import TEXTUAL
from xrm_core.permissions.policy import MASKS, Action, Effect, Policy

Tree = Mapping[str, Any]


@dataclass(frozen=True, repr=False)
class Rights:
    """What a role may read, by its policies. ``rules`` are row rules in the words of the policy file."""

    model: Model
    policies: Sequence[Policy]
    rules: Mapping[str, Tree]

    def __repr__(self) -> str:
        return f"Rights({self.policies}, {self.rules})"  # a model is too long to be read

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(repr(self))  # as Hypothesis shows it

    def of(self, entity: str, effect: Effect) -> list[Policy]:
        return [
            each
            for each in self.policies
            if each.effect is effect and each.entity in (None, entity) and each.action in (None, Action.READ)
        ]

    def named(self, entity: str) -> bool:
        """Whether policies name the entity; if none does, rights on links follow from those on their ends."""
        return any(self.of(entity, effect) for effect in Effect)

    def readable(self, entity: str) -> bool:
        """Whether the entity is in the role's schema."""
        between = self.model[entity].between
        if between is not None:
            owner, target = (self.model[entity][name].reference.targets[0] for name in (between.source, between.target))
            if not self.readable(owner) or not self.readable(target):
                return False
            if not self.named(entity):
                return self.grants(owner, between.name)
        if self.model[entity].relationship is not None and not all(self.targets(each) for each in self._ends(entity)):
            return False
        barred = any(self._always(each) and each.fields is None for each in self.of(entity, Effect.DENY))
        return bool(self.of(entity, Effect.ALLOW)) and not barred

    def has(self, entity: Entity, of: Field) -> bool:
        """Whether the field is in the role's schema."""
        if not self.readable(entity.name) or (of.relation is not None and not self.targets(of)):
            return False
        if not self.grants(entity.name, of.name) and (entity.between is None or self.named(entity.name)):
            return False
        needed = NEEDS[entity.name, of.name] if of.virtual else ()
        return all(
            self.has(self.model[owner], self.model[owner][name]) and self._in_full(owner, name)
            for owner, name in needed
        )

    def grants(self, entity: str, name: str) -> bool:
        """Whether policies give a field or many-to-many relation on some rows."""
        granted = any(gives(each, name) for each in self.of(entity, Effect.ALLOW))
        return (granted or self._masks(entity, name)) and not any(
            self._always(each) and withholds(each, name) for each in self.of(entity, Effect.DENY)
        )

    def _masks(self, entity: str, name: str) -> bool:
        found = self.model[entity].field(name)
        text = found is not None and found.type in TEXTUAL
        return text and any(withholds(each, name) for mask in MASKS for each in self.of(entity, mask))

    def _in_full(self, entity: str, name: str) -> bool:
        """Whether it is ever more than masked: what virtual fields are made of has to be."""
        derived = self.model[entity].between is not None and not self.named(entity)
        return derived or any(gives(each, name) for each in self.of(entity, Effect.ALLOW))

    def _always(self, policy: Policy) -> bool:
        """Whether a policy is about all rows by its form."""
        return policy.rule is None or self.rules[policy.rule] == {"and": []}

    def linked(self, entity: Entity) -> list[Link]:
        """Many-to-many relations of an entity in the role's schema."""
        return [
            each
            for each in entity.links.values()
            if all(self.has(self.model[each.through], self.model[each.through][end]) for end in (each.near, each.far))
        ]

    def targets(self, of: Field) -> list[str]:
        """Entities that a relation leads to in the role's schema."""
        return [each for each in of.reference.targets if self.readable(each)]

    def _ends(self, relationship: str) -> list[Field]:
        return [self.model[relationship][name] for name in ("source", "target")]


def gives(policy: Policy, name: str) -> bool:
    """Whether a policy that allows something is about a field."""
    return policy.fields is None or name in policy.fields or name == "id"


def withholds(policy: Policy, name: str) -> bool:
    """Whether a policy that denies or masks something is about a field, not about whole records."""
    return policy.fields is not None and name in policy.fields
