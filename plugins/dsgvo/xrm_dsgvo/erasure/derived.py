"""Values that were worked out of what is erased: they are emptied before it goes, and whoever works them out does so
anew from what is left, in the same transaction or later. What nobody works out anew stays empty.

Computed fields and roll-ups are worked out whenever they are read: nothing is stored of them.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from xrm_core.api import Entity, Field, Model, Record, erase_values
from xrm_dsgvo import own
from xrm_dsgvo.discovery.graph import Key
from xrm_dsgvo.discovery.sources import refers_to, target_of
from xrm_dsgvo.own import Writing
from xrm_dsgvo.paging import every
from xrm_dsgvo.privacy import PrivacyModel

_ZERO = {"integer": 0, "big_integer": 0, "decimal": "0", "boolean": False}


@dataclass(frozen=True, slots=True)
class Dependent:
    """A stored field of an entity that is worked out of a field of another one.

    ``relation`` stands in that other one and leads to the record with the value, or, if not ``inverse``, the other way
    round. ``of`` is the field that it is made of; ``*``: any. ``between`` is the entity of a many-to-many relation and
    its relation to that other one; ``relation`` then leads from its records to the record with the value.
    """

    entity: str
    field: str
    relation: str
    inverse: bool
    of: str
    between: tuple[str, str] | None = None


def empty(field: Field, value: Any) -> Any:
    """What stands in place of a value that nobody has worked out: what it begins with, nothing, or zero.

    Of a field that must have a value and can begin with none the value stays.
    """
    if field.default is not None:
        return field.default
    return _ZERO.get(str(field.type), value) if field.required else None


def dependents(model: Model, privacy: PrivacyModel) -> dict[str, list[Dependent]]:
    """By the entity of which records may be erased, what of others is worked out of it."""
    found: dict[str, list[Dependent]] = {}
    for entity in privacy:
        for said in entity.fields.values():
            keeps = said.erase is not None and said.erase.strategy == "keep"
            for path in () if keeps or model[entity.name][said.name].virtual else said.derived_from:
                for other, each in _ways(model[entity.name], said.name, path):
                    found.setdefault(other, []).append(each)
    return found


def _ways(entity: Entity, name: str, path: str) -> Iterator[tuple[str, Dependent]]:
    """Of which entities a path of ``derivedFrom`` names a field, and how they lead to the record with the value."""
    first, _, of = path.partition(".")
    inverse, link, relation = entity.inverses.get(first), entity.links.get(first), entity.fields.get(first)
    if not of:
        return
    if inverse is not None:
        yield inverse.entity, Dependent(entity.name, name, inverse.field, True, of)
    elif link is not None:
        yield link.target, Dependent(entity.name, name, link.near, False, of, (link.through, link.far))
        # who is not in the list any more does not count in it: the record in between goes, or leads elsewhere
        yield link.through, Dependent(entity.name, name, link.near, True, link.far)
    elif relation is not None and relation.relation is not None:
        for target in relation.relation.targets:
            yield target, Dependent(entity.name, name, first, False, of)


def empty_what_is_made_of(
    context: Writing, ways: dict[str, list[Dependent]], key: Key, stored: Record, names: Collection[str] | None
) -> int:
    """Empty what other records have that was worked out of one that is about to be erased, also in the change log.

    Args:
        context: writes.
        ways: of :func:`dependents`.
        key: the record that is erased.
        stored: as it is before.
        names: the fields that go; None: all of it.

    Returns:
        How many records had something.
    """
    count = 0
    for way in ways.get(key[0], ()):
        if names is None or way.of == "*" or way.of in names or (way.inverse and way.relation in names):
            for record in list(_records(context, way, key, stored)):
                count += _emptied(context, way, record)
    return count


def _records(context: Writing, way: Dependent, key: Key, stored: Record) -> Iterator[Record]:
    model = context.records.model
    if way.inverse:
        target = target_of(model[key[0]][way.relation], stored)
        record = context.read(*target) if target is not None and target[0] == way.entity else None
        if record is not None:
            yield record
        return
    if way.between is not None:
        through, far = way.between
        for one in every(context, through, refers_to(model[through][far], key)):
            target = target_of(model[through][way.relation], one)
            if target is not None and (record := context.read(*target)) is not None:
                yield record
        return
    yield from every(context, way.entity, refers_to(model[way.entity][way.relation], key))


def _emptied(context: Writing, way: Dependent, record: Record) -> bool:
    id_, value = str(record["id"]), record[way.field]
    made = empty(context.records.model[way.entity][way.field], value)
    if value == made or _is_held(context, (way.entity, id_)):
        return False
    own.change(context, way.entity, id_, {way.field: made})
    erase_values(context, way.entity, id_, [way.field])
    return True


def _is_held(context: Writing, key: Key) -> bool:
    upon: dict[str, Any] = {"or": [{"record_id": {"eq": key[1]}}, {"record_id": {"isNull": True}}]}
    return bool(context.find("legal_hold", {"status": {"eq": "active"}, "entity_name": {"eq": key[0]}, **upon}, 1))
