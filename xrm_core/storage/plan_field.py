"""The operations on one field that is in both models."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_

from xrm_core.metadata.model import Field
from xrm_core.metadata.types import FieldType
from xrm_core.storage.conversions import keeps_values
from xrm_core.storage.evolution import EntityPair, Evolution, FieldPair, backfill
from xrm_core.storage.measure import Found, Measure
from xrm_core.storage.operations import (
    AddTarget,
    ChangeEnum,
    ChangeLimits,
    ChangeMetadata,
    ChangeOnDelete,
    ChangeRequired,
    ChangeType,
    Operation,
    RemoveTarget,
    RenameField,
    Risk,
)
from xrm_core.storage.plan_restored import lost_conditions, lost_references

SLOW_ROWS = 100_000
"""From so many records on, rewriting or checking a table counts as slow."""

_LIMITS = (
    *("min_items", "max_items"),
    *("min_length", "max_length", "minimum", "maximum", "exclusive_minimum", "exclusive_maximum"),
    *("multiple_of", "const", "pattern", "precision"),
)


def weight(rows: int) -> Risk:
    """The risk of reading or rewriting so many records."""
    return "slow" if rows >= SLOW_ROWS else "safe"


class FieldChange:
    """What became of one field."""

    def __init__(self, evolution: Evolution, pair: EntityPair, kept: FieldPair, measure: Measure, rows: int) -> None:
        self.evolution, self.pair = evolution, pair
        self.entity = pair.old
        self.old, self.new, self.targets = kept.old, kept.new, kept.targets
        self.kept = kept
        self.conversion = kept.conversion
        self.measure = measure
        self.rows = rows
        self.place: dict[str, Any] = {"entity": pair.new.name, "field": kept.new.name}

    def operations(self) -> Iterator[Operation]:
        """The rename first; a change of type hides changes of the description."""
        if self.new.name != self.old.name:
            filled = self.measure.filled(self.entity, self.old.columns)
            yield RenameField(**self.place, former=self.old.name, rows=filled.rows)
        if (refused := self._sealing()) is not None:
            yield refused
            return
        if not self.old.columns:
            yield from self._metadata()  # it is computed, so that nothing of it is stored
            return
        if not self._same_kind:
            yield self._type()
            if self.conversion is None:
                return
        yield from self._relation()
        yield from self._enum()
        yield from self._limits()
        yield from self._required()
        if self._same_kind:
            yield from self._metadata()

    def _sealing(self) -> Operation | None:
        """What keeps values from being read afterwards: in clear where they shall be sealed, or bound to another name.

        Without values all of that may change.
        """
        old, new = self.old.sealing, self.new.sealing
        renamed = (self.pair.old.name, self.old.name) != (self.pair.new.name, self.new.name)
        found_by = [
            None if each is None else (each.bits, each.form, each.given and each.given.type) for each in (old, new)
        ]
        if (old is None and new is None) or (found_by[0] == found_by[1] and not renamed):
            return None
        rows = self.measure.filled(self.entity, self.old.columns).rows
        remedy = "Add a new field under another name, write the values there by the API, then drop the old field."
        if not rows:  # what comes back from there is taken as it is
            rows = self.measure.set_aside(self.entity, self.old.columns)
            remedy = f"They are in the trash or in the vault: purge them, or have them back first. {remedy}"
        if not rows:
            return None
        texts: dict[str, Any] = {"before": _sealed_text(self.old), "after": _sealed_text(self.new)}
        return ChangeType(**self.place, **texts, rows=rows, possible=False, risk="blocked", remedy=remedy)

    @property
    def _same_kind(self) -> bool:
        """True if there is no other type, or none that people would call another one."""
        if self.old.type is self.new.type is FieldType.RELATION:
            return bool(self.targets)
        return keeps_values(self.old, self.new) or (self.old.type is self.new.type and bool(self.new.enum))

    def _type(self) -> Operation:
        texts: dict[str, Any] = {"before": type_text(self.old), "after": type_text(self.new)}
        if self.conversion is None:
            found = self.measure.filled(self.entity, self.old.columns)
            remedy = "Add a new field under another name, move the values, then drop the old field."
            counts: dict[str, Any] = {"rows": found.rows, "samples": found.samples}
            return ChangeType(**self.place, **texts, **counts, possible=False, risk="blocked", remedy=remedy)
        found, risk, remedy = self._misfits_of_conversion()
        converted = self.conversion.converted(self._columns, self.measure.dialect).values()
        came = self.measure.count(self.entity, and_(or_(*(value.is_not(None) for value in converted)), ~self._lost))
        return ChangeType(
            **self.place, **texts, converts=came, rows=found.rows, samples=found.samples, risk=risk, remedy=remedy
        )

    def _misfits_of_conversion(self) -> tuple[Found, Risk, str]:
        """Records whose values cannot be converted, and what that means."""
        if self.conversion is None:
            return Found(), weight(self.rows), ""
        misfit = self.conversion.misfit(self._columns, self.measure.dialect)
        found = self.measure.matching(self.entity, or_(misfit, self._lost), self.old.columns)
        if not found.rows:
            return found, weight(self.rows), ""
        if not self.new.required:
            return found, "lossy", ""
        remedy = f"Give these records another value first, or make {self.new.name} optional."
        return found, "blocked", remedy

    @property
    def _lost(self) -> ColumnElement[bool]:
        """The condition of records whose reference comes back and leads nowhere."""
        return or_(false(), *lost_conditions(self.evolution, self.pair, self.new, self.measure))

    @property
    def _columns(self) -> Any:
        return dict(self.measure.table(self.entity.name).c)

    def _relation(self) -> Iterator[Operation]:
        old, new = self.old.relation, self.new.relation
        if old is None or new is None:
            return
        lost = lost_references(self.evolution, self.pair, self.new, self.measure)
        for target in new.targets:
            if target not in self.targets:
                yield self._added_target(target, lost)
        columns = dict(zip(old.targets, self.old.columns, strict=True))
        for target in old.targets:
            if target not in self.targets.values():
                yield self._removed_target(target, columns[target])
        if new.on_delete != old.on_delete:
            yield ChangeOnDelete(**self.place, before=old.on_delete, after=new.on_delete, risk=weight(self.rows))

    def _added_target(self, target: str, lost: Found) -> Operation:
        found: dict[str, Any] = {"rows": lost.rows, "samples": lost.samples}
        risk: Risk = "lossy" if lost.rows else weight(self.rows)
        operation = AddTarget(**self.place, **found, target=target, risk=risk)
        if lost.rows and self.new.required:
            nothing_else = [self.measure.column(self.entity, name).is_(None) for name in self.old.columns]
            if self.measure.count(self.entity, and_(self._lost, *nothing_else)):
                remedy = f"{self.new.name} is required: let these records refer to something else first."
                return replace(operation, risk="blocked", remedy=remedy)
        return operation

    def _removed_target(self, target: str, column: str) -> Operation:
        found = self.measure.filled(self.entity, (column,))
        operation = RemoveTarget(**self.place, target=target, risk="lossy", rows=found.rows, samples=found.samples)
        if found.rows and self.new.required:
            remedy = (
                f"{self.new.name} is required: let these records refer to something else first, or make it optional."
            )
            return replace(operation, risk="blocked", remedy=remedy)
        if not found.rows and self.evolution.undone is not None:
            return replace(operation, risk="safe")
        return operation

    def _enum(self) -> Iterator[Operation]:
        if self.new.type is not self.old.type or not self.new.enum or self.new.enum == self.old.enum:
            return
        removed = tuple(value for value in self.old.enum if value not in self.new.enum)
        added = tuple(value for value in self.new.enum if value not in self.old.enum)
        found, risk, remedy = self._misfits_of_conversion()
        yield ChangeEnum(
            **self.place,
            added=added,
            removed=removed,
            risk=risk,
            rows=found.rows,
            samples=found.samples,
            remedy=remedy,
        )

    def _limits(self) -> Iterator[Operation]:
        changes = [
            f"{name.replace('_', ' ')} {_or_none(after)} instead of {_or_none(before)}"
            for name in _LIMITS
            if (after := getattr(self.new, name)) != (before := getattr(self.old, name))
        ]
        if self._same_kind and self.new.type is not self.old.type:
            changes.append(f"type {self.new.type} instead of {self.old.type}")
        if not changes:
            return
        misfits = [*self._misfits()]
        found = self.measure.matching(self.entity, or_(*misfits), self.old.columns) if misfits else Found()
        if self._same_kind or found.rows:
            yield ChangeLimits(**self.place, changes=tuple(changes), rows=found.rows, samples=found.samples)

    def _misfits(self) -> Iterator[ColumnElement[bool]]:
        """Conditions for records outside of the new limits. Patterns, formats and multiples are not looked at."""
        value = self.measure.value(self.pair, self.new.columns[0])
        new = self.new
        if value is None:
            return
        if new.min_length is not None:
            yield func.length(value) < new.min_length
        if new.max_length is not None:
            yield func.length(value) > new.max_length
        if new.minimum is not None:
            yield value < new.minimum
        if new.maximum is not None:
            yield value > new.maximum
        if new.exclusive_minimum is not None:
            yield value <= new.exclusive_minimum
        if new.exclusive_maximum is not None:
            yield value >= new.exclusive_maximum
        if new.const is not None:
            yield value != new.const

    def _required(self) -> Iterator[Operation]:
        if self.new.required == self.old.required:
            return
        if not self.new.required:
            yield ChangeRequired(**self.place, required=False, risk=weight(self.rows))
            return
        found = self._empty()
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

    def _empty(self) -> Found:
        """Records that would have no value but for the default."""
        if self.conversion is None:
            return self.measure.empty(self.entity, (*self.old.columns, *self.kept.restored.values()))
        empty = self.conversion.empty(self._columns, self.measure.dialect)
        return self.measure.matching(self.entity, empty, self.old.columns)

    def _uses(self, default: Any) -> bool:
        value = self.measure.value(self.pair, self.new.columns[0])
        return value is not None and self.measure.count(self.entity, value == default) > 0

    def _metadata(self) -> Iterator[Operation]:
        """If anything differs that no operation above is about."""
        old, new = self.old, self.new
        same = {
            name: getattr(new, name)
            for name in (*_LIMITS, "name", "type", "required", "unique", "indexed", "searched", "enum")
        }
        relation = old.relation
        if relation is not None and new.relation is not None:
            relation = replace(relation, targets=new.relation.targets, on_delete=new.relation.on_delete)
        if replace(old, **same, relation=relation) != new:
            yield ChangeMetadata(**self.place)


def type_text(field: Field) -> str:
    """The type of a field in words."""
    if field.relation is not None:
        return f"a relation to {', '.join(field.relation.targets)}"
    if field.type is FieldType.DECIMAL:
        return f"decimal ({field.precision} digits, {field.scale} after the point)"
    return str(field.type).replace("_", " ")


def _sealed_text(field: Field) -> str:
    if field.sealing is None:
        return f"{type_text(field)} in clear"
    bits = f", found by {field.sealing.bits} bits ({field.sealing.form})" if field.sealing.bits else ""
    return f"{type_text(field.given)}, sealed as {field.name}{bits}"


def _or_none(value: Any) -> Any:
    return "none" if value is None else value
