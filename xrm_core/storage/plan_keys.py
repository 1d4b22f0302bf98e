"""The operations on indexes and unique constraints of one entity that is in both models."""

from collections.abc import Iterator
from dataclasses import replace

from xrm_core.metadata.model import SYSTEM_FIELDS, Entity, Model
from xrm_core.storage.evolution import EntityPair, backfill
from xrm_core.storage.measure import Found, Measure
from xrm_core.storage.operations import Operation
from xrm_core.storage.operations_on_keys import (
    AddIndex,
    AddSearchIndex,
    AddUnique,
    DropIndex,
    DropSearchIndex,
    DropUnique,
)
from xrm_core.storage.plan_field import weight
from xrm_core.storage.shape import FOR_SEARCHES, Part, parts
from xrm_core.storage.tables import Tables


def key_operations(pair: EntityPair, measure: Measure) -> Iterator[Operation]:
    """Indexes and unique constraints dropped and added, beyond those that come and go with their fields."""
    former = _former(pair)
    continued = set(former.values())
    old = {part.renamed(former) for part in _keys(pair.old) if set(part.columns) <= set(former)}
    new = _keys(pair.new)
    rows = measure.rows(pair.old)
    for part in sorted(old - set(new), key=str):
        yield _drops(part)(entity=pair.new.name, field=",".join(part.columns))
    for part in new:
        if part in old:
            if part.kind == "unique" and any(name not in pair.columns for name in part.columns):
                # Different values may have become the same.
                yield from (found for found in [_unique(pair, part, measure, rows)] if found.rows)
        elif not set(part.columns) & continued:
            continue
        elif part.kind == "index":
            kind = AddSearchIndex if part.detail == FOR_SEARCHES else AddIndex
            yield kind(entity=pair.new.name, field=",".join(part.columns), risk=weight(rows), rows=rows)
        else:
            yield _unique(pair, part, measure, rows)


def _drops(part: Part) -> type[DropIndex | DropSearchIndex | DropUnique]:
    if part.kind == "unique":
        return DropUnique
    return DropSearchIndex if part.detail == FOR_SEARCHES else DropIndex


def _former(pair: EntityPair) -> dict[str, str]:
    """Old column → the column of the new entity that continues it, with its values as they are or converted."""
    fields = [*pair.fields.values()]
    columns = {name for kept in fields for name in kept.new.columns} | {field.name for field in SYSTEM_FIELDS}
    found = {old: new for new, old in pair.columns.items() if new in columns}
    for conversion in pair.conversions:
        if len(conversion.targets) == 1:
            found[conversion.sources[0]] = conversion.targets[0]
    return found


def _keys(entity: Entity) -> list[Part]:
    table = Tables(Model({entity.name: entity}))[entity.name]
    return [_as_declared(part) for part in sorted(parts(table), key=str) if part.kind in ("unique", "index")]


def _as_declared(part: Part) -> Part:
    """The part without the id at the end of an index, which no file names."""
    *columns, last = part.columns
    return replace(part, columns=tuple(columns)) if part.kind == "index" and columns and last == "id" else part


def _unique(pair: EntityPair, part: Part, measure: Measure, rows: int) -> Operation:
    defaults = {field.name: backfill(field) for field in pair.added}
    values = {name: measure.value(pair, name) for name in part.columns}
    known = [value for value in values.values() if value is not None]
    # A new column without a default is empty in all records, and empty values are never equal.
    possible = all(value is not None or defaults.get(name) is not None for name, value in values.items())
    found = measure.duplicates(known) if possible and known else Found()
    return AddUnique(
        entity=pair.new.name,
        field=",".join(part.columns),
        risk="blocked" if found.rows else weight(rows),
        rows=found.rows,
        samples=found.samples,
        remedy="Change or delete the duplicates first." if found.rows else "",
    )
