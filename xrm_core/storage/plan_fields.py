"""The operations on the fields of one entity that is in both models."""

from collections.abc import Iterator
from dataclasses import replace

from xrm_core.metadata.model import Field
from xrm_core.storage.evolution import EntityPair, Evolution, backfill
from xrm_core.storage.linking import Linked, became_many
from xrm_core.storage.measure import Measure
from xrm_core.storage.operations import AddField, ChangeType, ComputeField, DropField, Operation, Risk
from xrm_core.storage.plan_field import FieldChange, type_text, weight
from xrm_core.storage.plan_restored import comes_back, restored_field


def field_operations(evolution: Evolution, pair: EntityPair, measure: Measure) -> Iterator[Operation]:
    """Fields renamed, changed, added and dropped, and virtual ones, in this order."""
    rows = measure.rows(pair.old)
    for kept in pair.fields.values():
        yield from FieldChange(evolution, pair, kept, measure, rows).operations()
    for field in pair.added:
        if comes_back(pair, field):
            yield restored_field(evolution, pair, field, measure)
        else:
            yield _added(pair.new.name, field, rows)
    many = {each.field.name: each for each in became_many(evolution) if each.pair is pair}
    for field in pair.dropped:
        if field.name in many:
            yield to_many(pair, many[field.name], measure)
            continue
        found = measure.filled(pair.old, field.columns)
        # Going back, an empty field is nothing that anybody would miss.
        risk: Risk = "safe" if evolution.undone is not None and not found.rows else "lossy"
        yield DropField(entity=pair.new.name, field=field.name, risk=risk, rows=found.rows, samples=found.samples)
    for before, after in pair.computed:
        name = next(field.name for field in (after, before) if field is not None)
        yield ComputeField(entity=pair.new.name, field=name, before=_made_of(before), after=_made_of(after))


def _made_of(field: Field | None) -> str:
    """What a virtual field is worked out from, in words; nothing if it is none."""
    if field is None or field.rollup is None:
        return "" if field is None else f"{field.computed} ({type_text(field)})"
    of = f" of {field.rollup.field}" if field.rollup.field else ""
    return f"the {field.rollup.function}{of} over {field.rollup.relation} ({type_text(field)})"


def to_many(pair: EntityPair, each: Linked, measure: Measure) -> ChangeType:
    """A relation to one record that becomes one to many: each value becomes a link."""
    rows = measure.filled(pair.old, each.field.columns).rows
    target = each.field.reference.targets[0]
    operation = ChangeType(
        entity=pair.new.name,
        field=each.name,
        before=f"a relation to {target}",
        after=f"a relation to many {target}",
        converts=rows,
        risk=weight(rows),
    )
    if rows and each.missing:
        remedy = f"The links must have {', '.join(each.missing)}: give it a default, or make it optional."
        return replace(operation, risk="blocked", rows=rows, converts=0, remedy=remedy)
    return operation


def _added(entity: str, field: Field, rows: int) -> AddField:
    default = backfill(field)
    operation = AddField(entity=entity, field=field.name, rows=rows, default=default, risk=weight(rows))
    if field.sequence is not None:
        return replace(operation, numbered=True)
    if field.required and default is None and rows:
        return replace(
            operation,
            risk="blocked",
            remedy=f"Give {field.name} a default, or add it as an optional field, fill it, and make it required then.",
        )
    if field.unique and default is not None and rows > 1:
        return replace(
            operation, risk="blocked", remedy=f"{field.name} is unique: add it without a default, fill it, then go on."
        )
    return operation
