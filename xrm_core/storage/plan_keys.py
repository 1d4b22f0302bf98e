"""The operations on indexes and unique constraints of one entity that is in both models."""

from collections.abc import Iterator

from xrm_core.metadata.model import Entity, Model
from xrm_core.storage.evolution import EntityPair
from xrm_core.storage.measure import Found, Measure
from xrm_core.storage.operations import AddIndex, AddUnique, DropIndex, DropUnique, Operation
from xrm_core.storage.plan_fields import backfill, weight
from xrm_core.storage.shape import Part, parts
from xrm_core.storage.tables import Tables


def key_operations(pair: EntityPair, measure: Measure) -> Iterator[Operation]:
    """Indexes and unique constraints dropped and added, beyond those that come and go with their fields."""
    former = {old: new for new, old in pair.columns.items()}
    old = {part.renamed(former) for part in _keys(pair.old) if set(part.columns) <= set(former)}
    new = _keys(pair.new)
    rows = measure.rows(pair.old)
    for part in sorted(old - set(new), key=str):
        kind = DropIndex if part.kind == "index" else DropUnique
        yield kind(entity=pair.new.name, field=",".join(part.columns))
    for part in new:
        if part in old or not set(part.columns) & set(pair.columns):
            continue
        if part.kind == "index":
            yield AddIndex(entity=pair.new.name, field=",".join(part.columns), risk=weight(rows), rows=rows)
        else:
            yield _unique(pair, part, measure, rows)


def _keys(entity: Entity) -> list[Part]:
    table = Tables(Model({entity.name: entity}))[entity.name]
    return [part for part in sorted(parts(table), key=str) if part.kind in ("unique", "index")]


def _unique(pair: EntityPair, part: Part, measure: Measure, rows: int) -> Operation:
    defaults = {field.name: backfill(field) for field in pair.added}
    known = [pair.columns[name] for name in part.columns if name in pair.columns]
    # A new column without a default is empty in all records, and empty values are never equal.
    possible = all(name in pair.columns or defaults.get(name) is not None for name in part.columns)
    found = measure.duplicates(pair.old, known) if possible else Found()
    return AddUnique(
        entity=pair.new.name,
        field=",".join(part.columns),
        risk="blocked" if found.rows else weight(rows),
        rows=found.rows,
        samples=found.samples,
        remedy="Change or delete the duplicates first." if found.rows else "",
    )
