"""Applied model and new model → the ordered operations between them, each measured against the real data."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from xrm_core.metadata.model import Entity, Model
from xrm_core.storage.aside_tables import present_tables
from xrm_core.storage.asides import read_asides
from xrm_core.storage.evolution import EntityPair, Evolution
from xrm_core.storage.measure import Measure
from xrm_core.storage.operations import (
    RISKS,
    ChangeMetadata,
    CreateEntity,
    DropEntity,
    Operation,
    RenameEntity,
    Risk,
)
from xrm_core.storage.plan_fields import field_operations
from xrm_core.storage.plan_keys import key_operations
from xrm_core.storage.plan_restored import restored_entities
from xrm_core.storage.tables import Tables


@dataclass(frozen=True)
class Plan:
    """What would be done, in this order. An empty plan means that the database already has the model."""

    operations: tuple[Operation, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to do."""
        return not self.operations

    @property
    def risks(self) -> dict[Risk, int]:
        """Risk → number of operations, from harmless to blocked; only those that occur."""
        counts = Counter(operation.risk for operation in self.operations)
        return {risk: counts[risk] for risk in RISKS if counts[risk]}

    def to_text(self) -> str:
        """For people: one line for each operation, then its remedy and samples."""
        if self.is_empty:
            return "Nothing to do: the database has this model."
        lines = [line for operation in self.operations for line in _lines(operation)]
        return "\n".join([*lines, ", ".join(f"{count} {risk}" for risk, count in self.risks.items())])

    def to_json(self) -> dict[str, Any]:
        """For machines: ``{"operations": [{"op", "entity", "field", "risk", "rows", "samples", …}]}``."""
        return {"operations": [operation.to_json() for operation in self.operations]}

    def to_record(self) -> dict[str, Any]:
        """What is kept of it in the database: all but samples, which are data that may have to be forgotten."""
        return {"operations": [{**operation.to_json(), "samples": []} for operation in self.operations]}


def plan(connection: Connection, old: Model | None, new: Model) -> Plan:
    """Compare the applied model (None: nothing applied yet) with a new one.

    Reads the tables of ``old`` for counts and samples; changes nothing.
    """
    return plan_evolution(connection, Evolution(old, new, read_asides(connection)))


def plan_evolution(connection: Connection, evolution: Evolution, present: Tables | None = None) -> Plan:
    """The operations of a way from one model to another, also of a way back. Reads, changes nothing.

    ``present`` are the tables before it with what is aside, if they are at hand.
    """
    measure = Measure(connection, present or present_tables(connection, evolution))
    changes: list[Operation] = [
        CreateEntity(entity=entity.name, fields=len(entity.fields), noun=_noun(entity)) for entity in evolution.created
    ]
    changes += restored_entities(evolution, measure)
    for pair in evolution.kept:
        if pair.old == pair.new:
            continue
        changes += _with_sizes(_entity_operations(evolution, pair, measure), pair, measure)
    for entity in evolution.dropped:
        found = measure.records(entity)
        dropped = DropEntity(
            entity=entity.name, risk="lossy", rows=found.rows, samples=found.samples, noun=_noun(entity)
        )
        changes.append(dropped)
    return Plan((*changes, *_remaining(evolution, changes)))


def _noun(entity: Entity) -> str:
    """What an entity is, to stand before its name: for which many-to-many relation it holds the links, if it does."""
    if entity.between is None:
        return entity.kind
    owner = entity.fields[entity.between.source].reference.targets[0]
    return f"links of {owner}.{entity.between.name},"


def _with_sizes(operations: Iterator[Operation], pair: EntityPair, measure: Measure) -> Iterator[Operation]:
    """Say of what is slow how much it has to do."""
    for operation in operations:
        if operation.risk == "slow":
            yield replace(operation, table_rows=measure.rows(pair.old), table_bytes=measure.size(pair.old))
        else:
            yield operation


def _entity_operations(evolution: Evolution, pair: EntityPair, measure: Measure) -> Iterator[Operation]:
    if pair.new.name != pair.old.name:
        yield RenameEntity(entity=pair.new.name, former=pair.old.name, rows=measure.rows(pair.old))
    yield from field_operations(evolution, pair, measure)
    yield from key_operations(pair, measure)
    attributes = ("plural", "labels", "plural_labels", "description", "display", "renamed_from")
    if any(getattr(pair.old, name) != getattr(pair.new, name) for name in attributes):
        yield ChangeMetadata(entity=pair.new.name)


def _remaining(evolution: Evolution, found: Collection[Operation]) -> Iterator[Operation]:
    """What the snapshots say beyond the operations found, such as another order of fields."""
    if evolution.old_snapshot is None:
        return
    before = {entity["name"]: entity for entity in evolution.old_snapshot["entities"]}
    touched = {operation.entity for operation in found}
    for entity in evolution.snapshot["entities"]:
        if entity["name"] not in touched and before.get(entity["name"]) != entity:
            yield ChangeMetadata(entity=entity["name"])


def _lines(operation: Operation) -> Iterator[str]:
    yield f"{operation.risk:8}{operation.text}"
    if operation.table_rows:
        size = f", {_size(operation.table_bytes)}" if operation.table_bytes else ""
        yield f"{'':8}The table has {operation.table_rows} records{size}."
    if operation.risk == "lossy":
        yield f"{'':8}Consent with --accept {operation.key}"
    if operation.remedy:
        yield f"{'':8}{operation.remedy}"
    for sample in operation.samples:
        yield f"{'':8}- " + ", ".join(f"{name}: {value}" for name, value in sample.items())


def _size(size: int) -> str:
    return f"{size / 1_000_000:.0f} MB" if size >= 1_000_000 else f"{size / 1_000:.0f} kB"
