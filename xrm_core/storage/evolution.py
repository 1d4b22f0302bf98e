"""Which entity, field and column of the new model is which one of the old model. Renames are told, never guessed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from xrm_core.metadata.model import SYSTEM_FIELDS, Entity, Field, Model
from xrm_core.metadata.types import TEXTUAL, FieldType


@dataclass(frozen=True)
class FieldPair:
    """A field before and after; ``targets`` maps the relation's new targets to the old ones that they continue."""

    old: Field
    new: Field
    targets: Mapping[str, str]

    @property
    def convertible(self) -> bool:
        """True if the values of the old field are values of the new one, as they are stored."""
        if self.new.relation is not None and self.old.relation is not None:
            return bool(self.targets)
        if self.old.type in TEXTUAL and self.new.type in TEXTUAL:
            return True
        if self.old.type is not self.new.type:
            return False
        if self.new.type is FieldType.DECIMAL:
            return self.new.scale == self.old.scale and self.new.precision >= self.old.precision
        return True

    def columns(self) -> Iterator[tuple[str, str]]:
        """(new column, old column) for each column that keeps its values."""
        if self.new.relation is None or self.old.relation is None:
            yield self.new.columns[0], self.old.columns[0]
            return
        old = dict(zip(self.old.relation.targets, self.old.columns, strict=True))
        for target, column in zip(self.new.relation.targets, self.new.columns, strict=True):
            if target in self.targets:
                yield column, old[self.targets[target]]


@dataclass(frozen=True)
class EntityPair:
    """An entity before and after. ``fields`` has the fields that are in both, by their new name."""

    old: Entity
    new: Entity
    fields: Mapping[str, FieldPair]

    @cached_property
    def columns(self) -> dict[str, str]:
        """New column → old column, for all columns that keep their values, system columns included."""
        kept = {field.name: field.name for field in SYSTEM_FIELDS}
        for pair in self.fields.values():
            kept.update(pair.columns())
        return kept

    @property
    def added(self) -> Iterator[Field]:
        """Fields that only the new entity has."""
        return (field for name, field in self.new.fields.items() if name not in self.fields)

    @property
    def dropped(self) -> Iterator[Field]:
        """Fields that only the old entity has."""
        kept = {pair.old.name for pair in self.fields.values()}
        return (field for name, field in self.old.fields.items() if name not in kept)


class Evolution:
    """From one model to the next: what is ``created``, ``dropped`` and ``kept``.

    A thing continues the one that has its name, else the one that it names by ``x-renamed-from``.
    """

    def __init__(self, old: Model | None, new: Model) -> None:
        before = dict(old.entities) if old else {}
        self.former = _continued({name: entity.renamed_from for name, entity in new.entities.items()}, before)
        self.created = tuple(entity for entity in new if entity.name not in self.former)
        self.dropped = tuple(entity for name, entity in before.items() if name not in self.former.values())
        self.kept = tuple(self._pair(before[old_name], new[name]) for name, old_name in self.former.items())
        self.renamed = {old_name: name for name, old_name in self.former.items()}

    def _pair(self, old: Entity, new: Entity) -> EntityPair:
        names = _continued({name: field.renamed_from for name, field in new.fields.items()}, old.fields)
        pairs = (self._field(old.fields[old_name], new.fields[name]) for name, old_name in names.items())
        return EntityPair(old, new, {pair.new.name: pair for pair in pairs})

    def _field(self, old: Field, new: Field) -> FieldPair:
        if old.relation is None or new.relation is None:
            return FieldPair(old, new, {})
        continued = {target: self.former[target] for target in new.relation.targets if target in self.former}
        return FieldPair(
            old, new, {name: former for name, former in continued.items() if former in old.relation.targets}
        )


def _continued(wanted: Mapping[str, str | None], before: Mapping[str, object]) -> dict[str, str]:
    """New name → old name, for each new thing that continues an old one. An old one is continued once at most."""
    continued = {name: name for name in wanted if name in before}
    for name, former in wanted.items():
        if name not in continued and former is not None and former in before and former not in continued.values():
            continued[name] = former
    return {name: continued[name] for name in wanted if name in continued}
