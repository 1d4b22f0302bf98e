"""The operations on the fields of one entity that is in both models."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, func, or_

from xrm_core.metadata.model import Field
from xrm_core.metadata.types import FieldType
from xrm_core.storage.evolution import EntityPair, FieldPair
from xrm_core.storage.measure import Found, Measure
from xrm_core.storage.operations import (
    AddField,
    AddTarget,
    ChangeEnum,
    ChangeLimits,
    ChangeMetadata,
    ChangeOnDelete,
    ChangeRequired,
    ChangeType,
    DropField,
    Operation,
    RemoveTarget,
    RenameField,
    Risk,
)

SLOW_ROWS = 100_000
"""From so many records on, rewriting or checking a table counts as slow."""

_LIMITS = (
    *("min_length", "max_length", "minimum", "maximum", "exclusive_minimum", "exclusive_maximum"),
    *("multiple_of", "const", "pattern", "precision"),
)


def weight(rows: int) -> Risk:
    """The risk of reading or rewriting so many records under a lock."""
    return "slow" if rows >= SLOW_ROWS else "safe"


def backfill(field: Field) -> Any:
    """The value that existing records get for a field, or None."""
    return None if field.relation is not None else field.default


def field_operations(pair: EntityPair, measure: Measure) -> Iterator[Operation]:
    """Fields renamed, changed, added and dropped, in this order."""
    rows = measure.rows(pair.old)
    for kept in pair.fields.values():
        yield from _Change(pair, kept, measure, rows).operations()
    for field in pair.added:
        yield _added(pair.new.name, field, rows)
    for field in pair.dropped:
        found = measure.filled(pair.old, field.columns)
        yield DropField(entity=pair.new.name, field=field.name, risk="lossy", rows=found.rows, samples=found.samples)


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


class _Change:
    """What became of one field."""

    def __init__(self, pair: EntityPair, kept: FieldPair, measure: Measure, rows: int) -> None:
        self.entity = pair.old
        self.old, self.new, self.targets = kept.old, kept.new, kept.targets
        self.kept = kept
        self.measure = measure
        self.rows = rows
        self.place: dict[str, Any] = {"entity": pair.new.name, "field": kept.new.name}

    def operations(self) -> Iterator[Operation]:
        """The rename first; a change of type hides what else changed."""
        if self.new.name != self.old.name:
            filled = self.measure.filled(self.entity, self.old.columns)
            yield RenameField(**self.place, former=self.old.name, rows=filled.rows)
        if not self.kept.convertible:
            yield self._type()
            return
        yield from self._relation()
        yield from self._enum()
        yield from self._limits()
        yield from self._required()
        if self._metadata_differs():
            yield ChangeMetadata(**self.place)

    def _type(self) -> Operation:
        found = self.measure.filled(self.entity, self.old.columns)
        return ChangeType(
            **self.place,
            risk="blocked",
            rows=found.rows,
            samples=found.samples,
            before=_type_text(self.old),
            after=_type_text(self.new),
            remedy="Conversion of types is not supported yet. Add a new field under another name, move the values, "
            "then drop the old field.",
        )

    def _relation(self) -> Iterator[Operation]:
        old, new = self.old.relation, self.new.relation
        if old is None or new is None:
            return
        for target in new.targets:
            if target not in self.targets:
                yield AddTarget(**self.place, target=target, risk=weight(self.rows))
        columns = dict(zip(old.targets, self.old.columns, strict=True))
        for target in old.targets:
            if target not in self.targets.values():
                yield self._removed_target(target, columns[target])
        if new.on_delete != old.on_delete:
            yield ChangeOnDelete(**self.place, before=old.on_delete, after=new.on_delete, risk=weight(self.rows))

    def _removed_target(self, target: str, column: str) -> Operation:
        found = self.measure.filled(self.entity, (column,))
        operation = RemoveTarget(**self.place, target=target, risk="lossy", rows=found.rows, samples=found.samples)
        if found.rows and self.new.required:
            remedy = (
                f"{self.new.name} is required: let these records refer to something else first, or make it optional."
            )
            return replace(operation, risk="blocked", remedy=remedy)
        return operation

    def _enum(self) -> Iterator[Operation]:
        if self.new.type is not FieldType.ENUM or self.new.enum == self.old.enum:
            return
        removed = tuple(value for value in self.old.enum if value not in self.new.enum)
        added = tuple(value for value in self.new.enum if value not in self.old.enum)
        found = Found()
        if removed:
            used = self.measure.column(self.entity, self.old.name).in_(removed)
            found = self.measure.matching(self.entity, used, self.old.columns)
        yield ChangeEnum(
            **self.place,
            added=added,
            removed=removed,
            risk="blocked" if found.rows else weight(self.rows),
            rows=found.rows,
            samples=found.samples,
            remedy="Give these records another value first, or keep the old value." if found.rows else "",
        )

    def _limits(self) -> Iterator[Operation]:
        changes = [
            f"{name.replace('_', ' ')} {_or_none(after)} instead of {_or_none(before)}"
            for name in _LIMITS
            if (after := getattr(self.new, name)) != (before := getattr(self.old, name))
        ]
        if self.new.type is not self.old.type:
            changes.append(f"type {self.new.type} instead of {self.old.type}")
        if changes:
            misfits = [*self._misfits()]
            found = self.measure.matching(self.entity, or_(*misfits), self.old.columns) if misfits else Found()
            yield ChangeLimits(**self.place, changes=tuple(changes), rows=found.rows, samples=found.samples)

    def _misfits(self) -> Iterator[ColumnElement[bool]]:
        """Conditions for records outside of the new limits. Patterns, formats and multiples are not looked at."""
        column = self.measure.column(self.entity, self.old.columns[0])
        new = self.new
        if new.min_length is not None:
            yield func.length(column) < new.min_length
        if new.max_length is not None:
            yield func.length(column) > new.max_length
        if new.minimum is not None:
            yield column < new.minimum
        if new.maximum is not None:
            yield column > new.maximum
        if new.exclusive_minimum is not None:
            yield column <= new.exclusive_minimum
        if new.exclusive_maximum is not None:
            yield column >= new.exclusive_maximum
        if new.const is not None:
            yield column != new.const

    def _required(self) -> Iterator[Operation]:
        if self.new.required == self.old.required:
            return
        if not self.new.required:
            yield ChangeRequired(**self.place, required=False, risk=weight(self.rows))
            return
        found = self.measure.empty(self.entity, self.old)
        default = backfill(self.new)
        operation = ChangeRequired(**self.place, required=True, default=default, rows=found.rows, samples=found.samples)
        if found.rows and default is None:
            remedy = f"Fill {self.new.name} in these records, or give it a default."
            if self.new.sequence is not None:
                remedy = f"Fill {self.new.name} in these records, or add the sequence as a new field."
            yield replace(operation, risk="blocked", remedy=remedy)
        elif found.rows and self.new.unique and (found.rows > 1 or self._uses(default)):
            remedy = f"{self.new.name} is unique, so that its default serves one record at most: fill the others first."
            yield replace(operation, risk="blocked", remedy=remedy)
        else:
            yield replace(operation, risk=weight(self.rows))

    def _uses(self, value: Any) -> bool:
        condition = self.measure.column(self.entity, self.old.name) == value
        return self.measure.matching(self.entity, condition, self.old.columns).rows > 0

    def _metadata_differs(self) -> bool:
        """True if anything differs that no operation above is about."""
        old, new = self.old, self.new
        same = {
            name: getattr(new, name) for name in (*_LIMITS, "name", "type", "required", "unique", "indexed", "enum")
        }
        relation = old.relation
        if relation is not None and new.relation is not None:
            relation = replace(relation, targets=new.relation.targets, on_delete=new.relation.on_delete)
        return replace(old, **same, relation=relation) != new


def _type_text(field: Field) -> str:
    if field.relation is not None:
        return f"a relation to {', '.join(field.relation.targets)}"
    if field.type is FieldType.DECIMAL:
        return f"decimal ({field.precision} digits, {field.scale} after the point)"
    return str(field.type)


def _or_none(value: Any) -> Any:
    return "none" if value is None else value
