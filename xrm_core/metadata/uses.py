"""What a computed field or roll-up is made of."""

from collections.abc import Iterator
from dataclasses import dataclass

from xrm_core.metadata.model import Entity, Field, Link, Model
from xrm_core.metadata.predicate import (
    All,
    Any_,
    Compare,
    Linked,
    Not,
    OfFile,
    Predicate,
    Related,
    Search,
    Whole,
    parse,
)

Place = tuple[str, str]
"""Entity and field, by name."""


@dataclass(frozen=True, slots=True)
class RelatedList:
    """A list of records on an entity: that of ``entity``, and what leads to them.

    ``field`` is the relation of those records to this one; for a many-to-many relation, ``link`` says the way.
    """

    entity: str
    field: str = ""
    link: Link | None = None

    @property
    def places(self) -> set[Place]:
        """The relations that lead to the records."""
        if self.link is None:
            return {(self.entity, self.field)}
        return {(self.link.through, self.link.near), (self.link.through, self.link.far), (self.entity, "id")}


def related(entity: Entity, name: str) -> RelatedList | None:
    """The records behind the name of a list on an entity, or None if it has no such list."""
    if name in entity.links:
        return RelatedList(entity.links[name].target, link=entity.links[name])
    inverse = entity.inverses.get(name)
    return None if inverse is None else RelatedList(inverse.entity, inverse.field)


def condition(model: Model, entity: Entity, field: Field) -> Predicate:
    """The filter of a roll-up. Raises :class:`~xrm_core.errors.BadQuery` if it does not fit the records."""
    rollup, source = field.rollup, related(entity, field.rollup.relation if field.rollup else "")
    if rollup is None or source is None:
        raise TypeError(f"{entity.name}.{field.name} is not a roll-up")
    return parse(model, model[source.entity], rollup.where)


def uses(model: Model, entity: Entity, field: Field) -> set[Place]:
    """The fields that a virtual field is made of, on its own entity and on others; nothing for a stored field."""
    if field.computed is not None:
        return {(entity.name, name) for name in entity.expressions[field.name].fields()}
    rollup = field.rollup
    source = None if rollup is None else related(entity, rollup.relation)
    if rollup is None or source is None:
        return set()
    found = source.places | {(source.entity, name) for name in (rollup.field, rollup.order_by) if name}
    return found | set(_in_predicate(model, model[source.entity], condition(model, entity, field)))


def looked_at(model: Model, entity: Entity, predicate: Predicate) -> set[Place]:
    """The fields that a condition on records of an entity looks at, and what those that are virtual are made of."""
    found: set[Place] = set()
    pending = list(_in_predicate(model, entity, predicate))
    while pending:
        place = pending.pop()
        if place not in found:
            found.add(place)
            field = model[place[0]].field(place[1])
            pending += uses(model, model[place[0]], field) if field is not None else ()
    return found


def _in_predicate(model: Model, entity: Entity, predicate: Predicate) -> Iterator[Place]:
    match predicate:
        case All(parts) | Any_(parts):
            for part in parts:
                yield from _in_predicate(model, entity, part)
        case Not(part) | Whole(part):
            yield from _in_predicate(model, entity, part)
        case Compare(field=name) | Linked(name=name) | OfFile(field=name):
            yield entity.name, name.partition(".")[0]  # of money: price.currency is a part of price
        case Search():
            yield from ((entity.name, field.name) for field in entity.fields.values() if field.searched)
        case Related(name, target, how, part):
            if how == "is":
                yield entity.name, name
            elif (source := related(entity, name)) is not None:
                yield from source.places
            yield target, "id"
            yield from _in_predicate(model, model[target], part)
