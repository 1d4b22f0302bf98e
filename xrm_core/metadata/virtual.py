"""Virtual fields meet what they are made of: types are settled, expressions read, circles and misfits told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from types import MappingProxyType

from xrm_core.errors import BadQuery
from xrm_core.metadata.expression import Kind, Node, ValueType, value_type
from xrm_core.metadata.expression_text import read_expression
from xrm_core.metadata.expression_typing import Mistake
from xrm_core.metadata.model import AMOUNT, CURRENCY, Entity, Field, Model, Rollup
from xrm_core.metadata.structure import nearest
from xrm_core.metadata.types import COMPARABLE, NUMERIC, ORDERED, TEXTUAL, WHOLE, FieldType
from xrm_core.metadata.uses import Place, condition, related, uses
from xrm_core.metadata.virtual_fields import UNDECLARED

_KINDS = {
    FieldType.INTEGER: Kind.NUMBER,
    FieldType.BIG_INTEGER: Kind.NUMBER,
    FieldType.DECIMAL: Kind.NUMBER,
    FieldType.BOOLEAN: Kind.BOOLEAN,
    FieldType.DATE: Kind.DATE,
    FieldType.DATETIME: Kind.DATETIME,
}

_ROLLED = {"sum": NUMERIC, "avg": NUMERIC - {FieldType.DURATION}, "min": ORDERED, "max": ORDERED}
"""Types of the fields that a function takes; the others take all comparable ones."""


MAX_SIZE = 100_000
"""Of the SQL of a virtual field with all that it is made of, in parts, roughly."""

MAX_LEVELS = 40
"""Most fields that are looked at one within the other."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """What is wrong with a virtual field; ``pointer`` is relative to the field.

    ``missing`` is the field that it needs and that is not there: perhaps it stands in the file, but is wrong itself.
    """

    entity: str
    field: str
    pointer: str
    reason: str
    remedy: str
    missing: Place | None = None


class _Told(Exception):
    """Something that the field is made of is wrong, and has been told."""


def resolve(entities: Mapping[str, Entity]) -> tuple[Mapping[str, Entity], list[Misfit]]:
    """The entities with settled virtual fields. ``entities`` must have their inverses; wrong ones stay as they are."""
    if not any(field.virtual for entity in entities.values() for field in entity.fields.values()):
        return entities, []
    resolver = _Resolver(entities)
    for entity in entities.values():
        for field in entity.fields.values():
            resolver.settle((entity.name, field.name))
    found = MappingProxyType({name: resolver.entity(entity) for name, entity in entities.items()})
    return found, resolver.misfits + (_conditions(found) if not resolver.misfits else [])


class _Resolver:
    """Works out each virtual field after those that it is made of."""

    def __init__(self, entities: Mapping[str, Entity]) -> None:
        self._entities = entities
        self._fields: dict[Place, Field] = {}
        self._trees: dict[Place, Node] = {}
        self._open: list[Place] = []
        self._wrong: set[Place] = set()
        self.misfits: list[Misfit] = []

    def entity(self, entity: Entity) -> Entity:
        """The entity as it has been worked out."""
        fields = {name: self._fields.get((entity.name, name), field) for name, field in entity.fields.items()}
        trees = {name: tree for (owner, name), tree in self._trees.items() if owner == entity.name}
        return replace(entity, fields=MappingProxyType(fields), expressions=MappingProxyType(trees))

    def settle(self, place: Place) -> Field | None:
        """The field as it is in the end, or None if it is wrong (which is told once)."""
        try:
            return self._field(place)
        except _Told:
            return None

    def _field(self, place: Place) -> Field:
        entity = self._entities[place[0]]
        field = entity[place[1]]
        if not field.virtual or place in self._fields:
            return self._fields.get(place, field)
        if place in self._wrong:
            raise _Told
        pointer = "/x-computed" if field.computed is not None else "/x-rollup"
        if place in self._open:
            self._tell(place, pointer, *_circle([*self._open[self._open.index(place) :], place]))
            raise _Told
        if len(self._open) == MAX_LEVELS:
            self._tell(place, pointer, f"More than {MAX_LEVELS} fields are made of each other.", "Make them less deep.")
            raise _Told
        self._open.append(place)
        try:
            if field.rollup is not None:
                self._fields[place] = self._rolled_up(entity, field, field.rollup)
            else:
                self._fields[place] = self._computed(entity, field)
        except Mistake as mistake:
            if place not in self._wrong:
                missing = getattr(mistake, "missing", None)
                self._tell(place, getattr(mistake, "pointer", pointer), mistake.reason, mistake.remedy, missing)
            raise _Told from mistake
        except _Told:
            self._wrong.add(place)
            raise
        finally:
            self._open.pop()
        return self._fields[place]

    def _tell(self, place: Place, pointer: str, reason: str, remedy: str, missing: Place | None = None) -> None:
        self._wrong.add(place)
        self.misfits.append(Misfit(*place, pointer, reason, remedy, missing))

    # -- computed fields ----------------------------------------------------------------------------------------------

    def _computed(self, entity: Entity, field: Field) -> Field:
        tree = read_expression(field.computed or "", lambda name: self._lookup(entity, name))
        wanted = _KINDS.get(field.type, Kind.TEXT)
        if tree.type.kind is not wanted:
            raise Mistake(
                f"The expression gives a {tree.type.kind}, the field is a {wanted}.", "Change one of the two."
            )
        self._trees[entity.name, field.name] = tree
        return replace(field, max_length=tree.type.bound if wanted is Kind.TEXT else None)

    def _lookup(self, entity: Entity, name: str) -> ValueType:
        if entity.field(name) is None:
            known = [each.name for each in entity.all_fields()]
            reason, remedy = (
                f'There is no field "{name}" in {entity.name}.',
                f"{nearest(name, known)}Name a field of it.",
            )
            raise _Missing("/x-computed", reason, remedy, (entity.name, name))
        if (known_field := entity.field(name)) is not None and known_field.sealing is not None:
            raise Mistake(f'"{name}" is sealed, so that nothing can be reckoned with it.', "Use another field.")
        found = value_type(self._field((entity.name, name)))
        if found is None:
            raise Mistake(f'"{name}" has a type that cannot be used here.', "Use another field.")
        return found

    # -- roll-ups -----------------------------------------------------------------------------------------------------

    def _rolled_up(self, entity: Entity, field: Field, rollup: Rollup) -> Field:
        source = related(entity, rollup.relation)
        if source is not None and source.entity not in self._entities:
            raise _Told  # at the relation
        if source is None:
            to_one = entity.field(rollup.relation)
            if to_one is not None:
                raise _at("relation", f'"{rollup.relation}" is a field, not a list of records.', "Name a list.")
            raise _at(
                "relation",
                f'{entity.name} has no list "{rollup.relation}".',
                f"{nearest(rollup.relation, [*entity.inverses, *entity.links])}Name a list: the inverse of a relation.",
            )
        target = self._entities[source.entity]
        self._order(target, rollup)
        if rollup.function == "count":
            if rollup.field:
                raise _at("field", "count counts records, not values.", "Remove it; exclude records with where.")
            natural = Field(field.name, FieldType.INTEGER)
        else:
            natural = _natural(rollup, self._rolled(target, rollup))
        return _agreed(field, natural)

    def _rolled(self, target: Entity, rollup: Rollup) -> Field:
        if not rollup.field:
            raise _at("", f'"field" is missing: {rollup.function} of what?', f"Name a field of {target.name}.")
        if target.field(rollup.field) is None:
            known = [each.name for each in target.all_fields()]
            reason, remedy = f'{target.name} has no field "{rollup.field}".', f"{nearest(rollup.field, known)}Name one."
            raise _Missing("/x-rollup/field", reason, remedy, (target.name, rollup.field))
        found = self._field((target.name, rollup.field))
        if found.sealing is not None:
            raise _at("field", f"{target.name}.{found.name} is sealed.", "Name another field.")
        if found.type is FieldType.MONEY and rollup.function in _ROLLED:
            found = _amount(target, found, rollup)
        if found.type not in _ROLLED.get(rollup.function, COMPARABLE) or len(found.columns) > 1:
            raise _at(
                "field",
                f"There is no {rollup.function} of {target.name}.{found.name} ({found.type}).",
                "sum and avg take numbers; min and max what has an order; first and last any other value.",
            )
        return found

    def _order(self, target: Entity, rollup: Rollup) -> None:
        if rollup.function not in ("first", "last"):
            if rollup.order_by != "id":
                raise _at("order_by", f"{rollup.function} has no order.", "Remove it.")
            return
        if target.field(rollup.order_by) is None:
            known = [each.name for each in target.all_fields()]
            remedy = f"{nearest(rollup.order_by, known)}Name one, or leave it out for the order of creation."
            reason = f'{target.name} has no field "{rollup.order_by}".'
            raise _Missing("/x-rollup/order_by", reason, remedy, (target.name, rollup.order_by))
        if (by := target.field(rollup.order_by)) is not None and by.sealing is not None:
            raise _at("order_by", f"{target.name}.{rollup.order_by} is sealed.", "Name another field.")
        if rollup.order_by != "id" and self._field((target.name, rollup.order_by)).type not in ORDERED:
            raise _at(
                "order_by", f"{target.name}.{rollup.order_by} has no order.", "Name a text, number, date or time."
            )


class _Missing(Mistake):
    """A field that is not there."""

    def __init__(self, pointer: str, reason: str, remedy: str, missing: Place) -> None:
        super().__init__(reason, remedy)
        self.pointer = pointer
        self.missing = missing


class _at(Mistake):  # noqa: N801 - reads as a word
    """A mistake at one word of a roll-up."""

    def __init__(self, place: str, reason: str, remedy: str) -> None:
        super().__init__(reason, remedy)
        self.pointer = f"/x-rollup/{place}" if place else "/x-rollup"


def _amount(target: Entity, money: Field, rollup: Rollup) -> Field:
    """The amounts of a field of money, if they are all in one currency."""
    currency = rollup.where.get(money.name, {}).get(CURRENCY, {}) if money.name in rollup.where else {}
    if len(money.currencies) > 1 and not isinstance(currency.get("eq"), str):
        known = ", ".join(money.currencies)
        raise _at(
            "field",
            f"{target.name}.{money.name} may be in {known}; amounts of several currencies are never added or compared.",
            f'Name one: "where": {{"{money.name}": {{"currency": {{"eq": "{money.currencies[0]}"}}}}}}.',
        )
    return money.parts[AMOUNT]


def _natural(rollup: Rollup, of: Field) -> Field:
    """The type that follows from the field that is rolled up."""
    found = replace(of, computed=None, rollup=rollup)
    if rollup.function == "sum":
        return replace(found, type=FieldType.BIG_INTEGER if of.type in WHOLE else of.type, precision=18)
    if rollup.function == "avg":
        scale = max(2, of.scale) if of.type is FieldType.DECIMAL else 2
        return replace(found, type=FieldType.DECIMAL, precision=18, scale=scale)
    return found


def _agreed(field: Field, natural: Field) -> Field:
    """The field with its natural type, if what is declared is no other."""
    average = field.rollup is not None and field.rollup.function == "avg"
    if field.type is not UNDECLARED:
        texts = field.type in TEXTUAL and natural.type in TEXTUAL
        other_scale = natural.type is FieldType.DECIMAL and field.scale != natural.scale and not average
        if (field.type is not natural.type and not texts) or other_scale:
            size = f" with x-scale {natural.scale}" if natural.type is FieldType.DECIMAL else ""
            raise _at("", f"The roll-up gives the type {natural.type}{size}.", "Declare that, or leave the type out.")
    declared = field.type is not UNDECLARED and average
    decimal = natural.type is FieldType.DECIMAL
    return replace(
        field,
        type=natural.type,
        precision=natural.precision if decimal else 18,
        scale=(field.scale if declared else natural.scale) if decimal else 2,
        max_length=natural.max_length if natural.type in TEXTUAL else None,
        enum=natural.enum,
        enum_labels=natural.enum_labels,
    )


def _conditions(entities: Mapping[str, Entity]) -> list[Misfit]:
    """Roll-ups whose filter does not fit, or leads back to themselves."""
    model = Model(entities)
    misfits: list[Misfit] = []
    made_of: dict[Place, set[Place]] = {}
    for entity in entities.values():
        for field in entity.fields.values():
            try:
                made_of[entity.name, field.name] = uses(model, entity, field)
            except KeyError:
                continue  # leads to an entity that is not there, which is told at the relation
            except (BadQuery, RecursionError) as error:
                misfits.append(Misfit(entity.name, field.name, "/x-rollup/where", str(error), "Mend the filter."))
    if misfits:
        return misfits
    if circle := _find_circle(made_of):
        return [Misfit(*circle[0], "/x-rollup/where", *_circle(circle))]
    return _too_large(entities, made_of)


def _too_large(entities: Mapping[str, Entity], made_of: Mapping[Place, set[Place]]) -> list[Misfit]:
    """Fields made of others that are made of others, until their SQL would fill the memory: a part that may become too
    large stands twice in it, once to look at its size.
    """
    sizes: dict[Place, int] = {}
    misfits = []
    for place in TopologicalSorter(made_of).static_order():
        field = entities[place[0]].fields.get(place[1])
        if field is None or not field.virtual:
            continue
        entity, virtual = entities[place[0]], sizes.keys() & made_of[place]
        if field.computed is not None:
            size = _size(entity.expressions[field.name], {name: sizes[entity.name, name] for _, name in virtual})
        else:
            size = 1 + 2 * sum(sizes[each] for each in virtual)
        if size > MAX_SIZE and virtual:
            reason = "With all the fields that it is made of, and those that they are made of, this becomes too large."
            pointer = "/x-computed" if field.computed is not None else "/x-rollup"
            misfits.append(Misfit(*place, pointer, reason, "Make it of fewer fields, or less deep."))
        sizes[place] = 1 if size > MAX_SIZE and virtual else size
    return misfits


def _size(node: Node, virtual: Mapping[str, int]) -> int:
    if node.op == "field":
        return 2 * virtual.get(node.value, 0) + 1
    inner = sum(_size(each, virtual) for each in node.args)
    return 1 + (2 * inner if node.type.kind is Kind.NUMBER else inner)


def _find_circle(made_of: Mapping[Place, set[Place]]) -> list[Place]:
    done: set[Place] = set()

    def search(place: Place, above: list[Place]) -> list[Place]:
        if place in above:
            return [*above[above.index(place) :], place]
        if place in done:
            return []
        for each in sorted(made_of.get(place, ())):
            if found := search(each, [*above, place]):
                return found
        done.add(place)
        return []

    return next((found for place in sorted(made_of) if (found := search(place, []))), [])


def _circle(places: Iterable[Place]) -> tuple[str, str]:
    path = " → ".join(".".join(place) for place in places)
    return f"The field is made of itself: {path}.", "Take one of these fields out of another's expression."


__all__ = ["Misfit", "condition", "resolve"]
