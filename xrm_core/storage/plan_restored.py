"""The operations by which ``xrm schema undo`` brings back fields and entities from aside."""

from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy import ColumnElement, or_

from xrm_core.metadata.model import Entity, Field
from xrm_core.storage.evolution import EntityPair, Evolution, backfill
from xrm_core.storage.linking import Linked, became_one, too_many
from xrm_core.storage.measure import Found, Measure
from xrm_core.storage.mending import Returning, returning
from xrm_core.storage.operations import ChangeType, Operation, RestoreEntity, RestoreField


def comes_back(pair: EntityPair, field: Field) -> bool:
    """Whether a field that the former model does not have is aside."""
    filled = {name for conversion in pair.conversions for name in conversion.targets}
    return bool(field.columns) and all(name in pair.columns or name in filled for name in field.columns)


def restored_field(evolution: Evolution, pair: EntityPair, field: Field, measure: Measure) -> Operation:
    """A field that comes back with the values that it had, or with those of links that have taken its place."""
    for each in became_one(evolution):
        if each.pair is pair and each.field is field:
            return _from_links(each, measure)
    values = [value for name in field.columns if (value := measure.value(pair, name)) is not None]
    filled = measure.matching_values(pair.old, or_(*(value.is_not(None) for value in values)), values)
    lost = lost_references(evolution, pair, field, measure)
    operation = RestoreField(
        entity=pair.new.name, field=field.name, rows=filled.rows, lost=lost.rows, samples=lost.samples
    )
    missing = measure.rows(pair.old) - filled.rows + lost.rows
    if field.required and missing and backfill(field) is None:
        return replace(
            operation,
            risk="blocked",
            rows=missing,
            remedy=f"{field.name} is required, and records have come since, or what they refer to has gone. Delete "
            "them, or do without the undo: apply a model in which the field is optional.",
        )
    return replace(operation, risk="lossy" if lost.rows else "safe")


def _from_links(each: Linked, measure: Measure) -> Operation:
    """A relation to one record that takes the place of links: records with several keep one of them at most."""
    owner, links = measure.table(each.pair.old.name), measure.table(each.link.name)
    found = measure.matching_values(each.pair.old, too_many(each, owner, links), [owner.c.id])
    target = each.field.reference.targets[0]
    return ChangeType(
        entity=each.pair.new.name,
        field=each.field.name,
        before=f"a relation to many {target}",
        after=f"a relation to {target}",
        converts=measure.rows(each.link) - found.rows,
        rows=found.rows,
        samples=found.samples,
        risk="lossy" if found.rows else "safe",
    )


def restored_entities(evolution: Evolution, measure: Measure) -> Iterator[Operation]:
    """Entities that come back with the records that they had."""
    for pair in evolution.moved:
        if pair.new not in evolution.restored:
            continue
        relations = [field for field in pair.new.fields.values() if field.relation is not None]
        losses = [lost_references(evolution, pair, field, measure) for field in relations]
        lost = sum(found.rows for found in losses)
        needed = [
            each for field in relations if field.required for each in lost_conditions(evolution, pair, field, measure)
        ]
        yield RestoreEntity(
            entity=pair.new.name,
            rows=measure.rows(pair.old),
            lost=lost,
            gone=measure.count(pair.old, or_(*needed)) if needed else 0,
            samples=tuple(sample for found in losses for sample in found.samples),
            risk="lossy" if lost else "safe",
        )


def lost_references(evolution: Evolution, pair: EntityPair, field: Field, measure: Measure) -> Found:
    """References of a field that come back and lead nowhere by now."""
    conditions = lost_conditions(evolution, pair, field, measure)
    if not conditions:
        return Found()
    table = measure.table(pair.old.name)
    values = [table.c[each.former] for each in _returning(evolution, pair, field)]
    return measure.matching_values(pair.old, or_(*conditions), values)


def lost_conditions(
    evolution: Evolution, pair: EntityPair, field: Field, measure: Measure
) -> list[ColumnElement[bool]]:
    """The conditions of records with such references; also of a field that is no relation now and becomes one again."""
    found = _returning(evolution, pair, field)
    return [condition for each in found for condition in _conditions(evolution, each, measure)]


def _returning(evolution: Evolution, pair: EntityPair, field: Field) -> list[Returning]:
    return [each for each in returning(evolution) if each.pair is pair and each.field is field]


def _conditions(evolution: Evolution, each: Returning, measure: Measure) -> Iterator[ColumnElement[bool]]:
    table = measure.table(each.pair.old.name)
    before = {pair.new.name: pair.old for pair in evolution.pairs}
    target: Entity | None = before.get(each.target)
    value = measure.value(each.pair, each.column)
    if target is not None and value is not None:
        yield each.gone(value, measure.table(target.name))
    if each.former not in table.c:
        return  # it is converted, and there is nothing else to which it could refer by now
    replaced = each.replaced(table)
    if replaced is not None and each.pair.new not in evolution.restored:
        yield replaced
