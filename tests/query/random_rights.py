"""Hypothesis strategies: conditions on records, and policies with row rules made of such."""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from tests.query.oracle_rights import Rights
from tests.query.random_rows import ENTITIES, Draw, values
from xrm_core import naming
from xrm_core.metadata.model import Entity, Field, Model
from xrm_core.metadata.predicate import BLIND, FLAGS, IGNORING, LISTS, Op, operators
from xrm_core.metadata.types import TEXTUAL, FieldType
from xrm_core.permissions.policy import MASKS, Action, Effect, Policy, maskable

Pool = Callable[[Field], st.SearchStrategy[Any]]
"""Values of a field to compare with."""


class Conditions:
    """Draws filters (``rights``: GraphQL names of what the role's schema has) or row rules (names of files)."""

    def __init__(self, draw: Draw, model: Model, rights: Rights | None, pool: Pool = values) -> None:
        self.draw = draw
        self.pool = pool
        self.model = model
        self.rights = rights

    def tree(self, entity: Entity, depth: int = 2) -> dict[str, Any]:
        """A condition on an entity."""
        found: dict[str, Any] = {}
        for _ in range(self.draw(st.integers(0 if self.rights else 1, 2))):
            kinds = ["scalar", "scalar", "one", "many", "logic"] if depth else ["scalar"]
            kind = self.draw(st.sampled_from(kinds if self.rights or entity.kind != "entity" else [*kinds, "shared"]))
            found.update(getattr(self, f"_{kind}")(entity, depth))
        return found

    def _name(self, name: str) -> str:
        return naming.camel(name) if self.rights else name

    def _fields(self, entity: Entity) -> list[Field]:
        return [each for each in entity.all_fields() if self.rights is None or self.rights.has(entity, each)]

    def _scalar(self, entity: Entity, _depth: int) -> dict[str, Any]:
        of = self.draw(st.sampled_from([each for each in self._fields(entity) if each.relation is None]))
        if of.parts:
            kind = self.draw(st.sampled_from([*of.parts, "isNull"]))
            if kind == "isNull":
                return {self._name(of.name): {kind: self.draw(st.booleans())}}
            part = of.parts[kind]
            op = self.draw(st.sampled_from(operators(part)))
            return {self._name(of.name): {kind: {op.value: self._operand(part, op)}}}
        op = self.draw(st.sampled_from(operators(of)))
        return {self._name(of.name): {op.value: self._operand(of, op)}}

    def _operand(self, of: Field, op: Op) -> Any:
        if op in FLAGS:
            return self.draw(st.booleans())
        one = st.sampled_from(of.enum) if of.type is FieldType.SET else self.pool(of)
        words = self._words(of, op) if self.rights is None else []
        if words and self.draw(st.booleans()):
            return self.draw(st.sampled_from(words))
        if op in LISTS:
            return self.draw(st.lists(one, max_size=3))
        if of.type is FieldType.SET:
            return self.draw(one)
        if op in (Op.EQ, Op.NE) and self.draw(st.integers(0, 5)) == 0:
            return None
        return self.draw(self.pool(of))

    def _words(self, of: Field, op: Op) -> list[str]:
        """Those of row rules that may stand there."""
        if of.type is FieldType.UUID:
            return ["$teams"] if op in LISTS else ["$user", "$user", "$team"]
        return ["$now"] if of.type in (FieldType.DATE, FieldType.DATETIME) and op not in LISTS else []

    def _one(self, entity: Entity, depth: int) -> dict[str, Any]:
        found = [each for each in self._fields(entity) if each.relation is not None]
        if not found:
            return self._scalar(entity, depth)
        of = self.draw(st.sampled_from(found))
        kind = self.draw(st.integers(0, 4))
        value: dict[str, Any] = {"isNull": self.draw(st.booleans())} if kind == 0 else {}
        if kind:
            target = self.draw(st.sampled_from(self.rights.targets(of) if self.rights else of.reference.targets))
            inner = self.tree(self.model[target], depth - 1)
            value = {self._name(target): inner} if of.reference.polymorphic else inner
        return {self._name(of.name): value}

    def _many(self, entity: Entity, depth: int) -> dict[str, Any]:
        found = [
            each
            for each in entity.inverses.values()
            if self.rights is None or self.rights.has(self.model[each.entity], self.model[each.entity][each.field])
        ]
        links = list(entity.links.values()) if self.rights is None else self.rights.linked(entity)
        sides = [(each.name, each.entity) for each in found] + [(each.name, each.target) for each in links]
        if not sides:
            return self._scalar(entity, depth)
        name, target = self.draw(st.sampled_from(sides))
        how = self.draw(st.sampled_from(["some", "none", "every"]))
        return {self._name(name): {how: self.tree(self.model[target], depth - 1)}}

    def _shared(self, _entity: Entity, _depth: int) -> dict[str, Any]:
        return {"$shared": self.draw(st.sampled_from(["read", "update"]))}

    def _logic(self, entity: Entity, depth: int) -> dict[str, Any]:
        word = self.draw(st.sampled_from(["and", "or", "not"]))
        if word == "not":
            return {word: self.tree(entity, depth - 1)}
        return {word: [self.tree(entity, depth - 1) for _ in range(self.draw(st.integers(0, 2)))]}


class WideConditions(Conditions):
    """Row rules also with words that the naive reference does not know: of search, of people's spelling, of files."""

    def _scalar(self, entity: Entity, depth: int) -> dict[str, Any]:
        found = super()._scalar(entity, depth)
        [(name, value)] = found.items()
        of = entity[name]
        if of.type is FieldType.FILE:
            return {name: self.draw(st.sampled_from([value, *_OF_FILES]))}
        if of.type not in TEXTUAL or not self.draw(st.booleans()):
            return found
        if of.searched:
            return {"search": self.draw(self.pool(of))[:40]}
        return {name: {**value, "ignoring": self.draw(st.sampled_from(IGNORING))}} if value.keys() <= BLIND else found


_OF_FILES = [{"media_type": {"eq": "text/plain"}}, {"size": {"gt": 5}}, {"name": {"contains": "e", "ignoring": "CASE"}}]


@st.composite
def rights(
    draw: Any,
    model: Model,
    names: Sequence[str] = ENTITIES,
    pool: Pool = values,
    kind: type[Conditions] = Conditions,
) -> Rights:
    """A role's policies: for most of these entities one to three; some deny, some are for a few fields or rows."""
    rules: dict[str, Any] = {}
    policies: list[Policy] = []
    for name in names:
        # Most links have no policies of their own.
        for number in range(draw(st.sampled_from([0, 0, 0, 1, 2] if model[name].between else [0, 1, 1, 1, 2, 3]))):
            effect = Effect.ALLOW if number == 0 else draw(st.sampled_from([Effect.ALLOW, Effect.DENY]))
            rule = None
            if draw(st.booleans()):
                rule = f"{name}_{number}"
                rules[rule] = draw(st.one_of(_of_above(model, name, rules, pool, kind), _any(model, name, pool, kind)))
            policies.append(Policy("role", name, Action.READ, _some_fields(draw, model[name]), rule, effect))
        texts = [each for each in model[name].grantable() if maskable(model[name], each)]
        if texts and policies and policies[-1].entity == name and draw(st.booleans()):
            masked = frozenset(draw(st.lists(st.sampled_from(texts), min_size=1, max_size=3)))
            rule = policies[-1].rule if draw(st.booleans()) else None
            policies.append(Policy("role", name, Action.READ, masked, rule, draw(st.sampled_from(MASKS))))
    return Rights(model, tuple(policies), rules)


@st.composite
def _any(draw: Any, model: Model, name: str, pool: Pool, kind: type[Conditions]) -> dict[str, Any]:
    return kind(draw, model, None, pool).tree(model[name])


@st.composite
def _of_above(
    draw: Any, model: Model, name: str, rules: dict[str, Any], pool: Pool, kind: type[Conditions]
) -> dict[str, Any]:
    """What a rule says of the record above, as roles usually have it: contacts of companies in sight."""
    above = [
        {of.name: {target: rule} if of.reference.polymorphic else rule}
        for of in model[name].all_fields()
        if of.relation is not None
        for target in of.reference.targets
        for rule_name, rule in rules.items()
        if rule_name.rpartition("_")[0] == target
    ]
    return draw(st.sampled_from(above)) if above else draw(_any(model, name, pool, kind))


def _some_fields(draw: Draw, entity: Entity) -> frozenset[str] | None:
    if draw(st.booleans()):
        return None
    names = [name for name in entity.grantable() if name != "id"]
    return frozenset(draw(st.lists(st.sampled_from(names), min_size=1, max_size=6)))
