"""Which entity, field and column of the new model is which one of the old model. Renames are told, never guessed.

What has no place in the new model is put aside under another name, and so is what was converted: see ``asides``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from functools import cached_property
from typing import Any

from xrm_core import naming
from xrm_core.metadata.model import SYSTEM_FIELDS, Entity, Field, Model
from xrm_core.metadata.snapshot import to_snapshot
from xrm_core.storage.asides import Aside, Asides
from xrm_core.storage.conversions import Conversion, conversion, filled, identity, keeps_values, restoring


@dataclass(frozen=True)
class FieldPair:
    """A field before and after; ``targets`` maps the relation's new targets to the old ones that they continue.

    ``restored`` has the columns of the new field that come back from aside, with their names there.
    """

    old: Field
    new: Field
    targets: Mapping[str, str] = attribute(default_factory=dict)
    restored: Mapping[str, str] = attribute(default_factory=dict)

    @property
    def kept(self) -> bool:
        """True if the columns stay as they are stored, whatever they are called."""
        if self.new.relation is not None and self.old.relation is not None:
            return bool(self.targets)
        return keeps_values(self.old, self.new) and not self.fills and not self.restored

    @property
    def fills(self) -> bool:
        """True if records without a value get the default, since the field becomes required."""
        return self.new.required and not self.old.required and backfill(self.new) is not None

    @property
    def conversion(self) -> Conversion | None:
        """How the values are converted; None if they are kept, or if there is no way."""
        if self.kept or (self.old.relation is not None and self.new.relation is not None):
            return None
        found = _converted(self.old, self.new)
        if self.restored:
            forward = _converted(self.new, self.old)
            found = restoring(self.old, self.new, forward, found, self.restored)
        return found

    def columns(self) -> Iterator[tuple[str, str]]:
        """(new column, old column) for each column that keeps its values, if the field does."""
        if self.new.relation is None or self.old.relation is None:
            yield from zip(self.new.columns, self.old.columns, strict=True)
            return
        old = dict(zip(self.old.relation.targets, self.old.columns, strict=True))
        for target, column in zip(self.new.relation.targets, self.new.columns, strict=True):
            if target in self.targets:
                yield column, old[self.targets[target]]
            elif column in self.restored:
                yield column, self.restored[column]


@dataclass(frozen=True)
class EntityPair:
    """An entity before and after. ``fields`` has the stored fields that are in both, by their new name.

    ``columns`` has new column → old column for all that stay as they are stored: system columns, columns that are put
    aside (``asides``), those that are aside already, and those that come back. ``conversions`` fill other columns.
    """

    old: Entity
    new: Entity
    fields: Mapping[str, FieldPair] = attribute(default_factory=dict)
    columns: Mapping[str, str] = attribute(default_factory=dict)
    conversions: tuple[Conversion, ...] = ()
    asides: tuple[Aside, ...] = ()

    @property
    def added(self) -> Iterator[Field]:
        """Stored fields that only the new entity has."""
        return (field for name, field in self.new.fields.items() if name not in self.fields and not field.virtual)

    @property
    def dropped(self) -> Iterator[Field]:
        """Stored fields that only the old entity has."""
        kept = {pair.old.name for pair in self.fields.values()}
        return (field for name, field in self.old.fields.items() if name not in kept and not field.virtual)

    @property
    def computed(self) -> Iterator[tuple[Field | None, Field | None]]:
        """Virtual fields that are not the same before and after; None: it is not virtual then."""
        before, after = _virtual(self.old), _virtual(self.new)
        for name in (*after, *(name for name in before if name not in after)):
            if before.get(name) != after.get(name):
                yield before.get(name), after.get(name)


class Evolution:
    """From one model to the next: what is ``created``, ``dropped``, ``restored`` and ``kept``.

    A thing continues the one that has its name, else the one that it names by ``x-renamed-from``. ``moved`` are tables
    as a whole that are put aside or come back. ``asides`` is what is aside before, ``remaining`` what is afterwards.
    ``models`` are the models before changes, by their numbers, as far as they have been read.
    """

    def __init__(self, old: Model | None, new: Model, asides: Asides | None = None) -> None:
        before = dict(old.entities) if old else {}
        former = _continued({name: entity.renamed_from for name, entity in new.entities.items()}, before)
        fields = {
            name: _continued(
                {field.name: field.renamed_from for field in new[name].fields.values()}, before[old_name].fields
            )
            for name, old_name in former.items()
        }
        self._build(old, new, asides or Asides(), former, fields, undone=None)

    @classmethod
    def back(cls, forward: "Evolution", asides: Asides, undone: int) -> "Evolution":
        """The way back to the model before change number ``undone``, whose evolution was ``forward``."""
        back = cls.__new__(cls)
        back._build(
            forward.new,
            forward.old or Model({}),
            asides,
            {old_name: name for name, old_name in forward.former.items()},
            {pair.old.name: {kept.old.name: kept.new.name for kept in pair.fields.values()} for pair in forward.kept},
            undone,
        )
        return back

    @cached_property
    def snapshot(self) -> dict[str, Any]:
        """The new model as JSON types."""
        return to_snapshot(self.new)

    @cached_property
    def old_snapshot(self) -> dict[str, Any] | None:
        """The old model as JSON types; None if there is none."""
        return None if self.old is None else to_snapshot(self.old)

    def _build(
        self,
        old: Model | None,
        new: Model,
        asides: Asides,
        former: Mapping[str, str],
        fields: Mapping[str, Mapping[str, str]],
        undone: int | None,
    ) -> None:
        self.old, self.new, self.asides, self.former = old, new, asides, former
        self.renamed = {old_name: name for name, old_name in former.items()}
        self.undone = undone
        self.models = {asides.number: old or Model({})}
        before = dict(old.entities) if old else {}
        back = () if undone is None else asides.of(undone)
        tables = {aside.entity: aside for aside in back if aside.whole_table}
        self.restored = tuple(entity for entity in new if entity.name not in former and entity.name in tables)
        self.created = tuple(entity for entity in new if entity.name not in former and entity.name not in tables)
        self.dropped = tuple(entity for name, entity in before.items() if name not in former.values())
        self.kept = tuple(
            self._pair(before[old_name], new[name], fields[name], back) for name, old_name in former.items()
        )
        self.moved = (
            *(self._put_aside(entity) for entity in self.dropped),
            *(self._taken_back(entity, tables[entity.name]) for entity in self.restored),
        )
        self.remaining = tuple(self._remaining())

    @property
    def pairs(self) -> tuple[EntityPair, ...]:
        """All tables that there are before and after, under whatever name."""
        return (*self.moved, *self.kept)

    def _pair(self, old: Entity, new: Entity, names: Mapping[str, str], back: tuple[Aside, ...]) -> EntityPair:
        present, table = naming.table(old.name), naming.table(new.name)
        aside = {found.column: found.name for found in back if found.entity == new.name and not found.whole_table}
        fields = {
            name: self._field(old.fields[old_name], new.fields[name], aside)
            for name, old_name in names.items()
            if not old.fields[old_name].virtual and not new.fields[name].virtual
        }
        columns = {found.name: found.name for found in SYSTEM_FIELDS}
        for pair in fields.values():
            columns.update(pair.columns() if pair.kept else ())
        conversions = [found for pair in fields.values() if (found := pair.conversion) is not None]
        for name, field in new.fields.items():
            back_again = {column: aside[column] for column in field.columns if column in aside}
            default = backfill(field)
            if name in fields or not back_again:
                continue
            if field.required and default is not None:
                conversions.append(filled(identity(back_again, field), field, default))
            else:
                columns.update(back_again)
        leaving = [column for found in old.all_fields() for column in found.columns if column not in columns.values()]
        asides = tuple(self.asides.column(old.name, column, table) for column in leaving)
        # What goes aside makes room first, then names of others may be taken.
        columns = {
            **{found.name: found.column for found in asides},
            **columns,
            **{found.name: found.name for found in self.asides.in_table(present) if found not in back},
        }
        return EntityPair(old, new, fields, columns, tuple(conversions), asides)

    def _field(self, old: Field, new: Field, aside: Mapping[str, str]) -> FieldPair:
        restored = {column: aside[column] for column in new.columns if column in aside}
        if old.relation is None or new.relation is None:
            return FieldPair(old, new, restored=restored)
        continued = {target: self.former[target] for target in new.relation.targets if target in self.former}
        targets = {name: former for name, former in continued.items() if former in old.relation.targets}
        return FieldPair(old, new, targets, restored)

    def _put_aside(self, entity: Entity) -> EntityPair:
        name = naming.aside(self.asides.number, naming.table(entity.name))
        columns = [column for field in entity.all_fields() for column in field.columns]
        columns += [found.name for found in self.asides.in_table(naming.table(entity.name))]
        aside = Aside(self.asides.number, entity.name, "", name, "")
        return EntityPair(entity, Entity(name, name, {}), columns={each: each for each in columns}, asides=(aside,))

    def _taken_back(self, entity: Entity, aside: Aside) -> EntityPair:
        columns = [column for field in entity.all_fields() for column in field.columns]
        columns += [found.name for found in self.asides.in_table(aside.table)]
        return EntityPair(Entity(aside.table, aside.table, {}), entity, columns={each: each for each in columns})

    def _remaining(self) -> Iterator[Aside]:
        tables = {naming.table(pair.old.name): naming.table(pair.new.name) for pair in self.pairs}
        for aside in self.asides:
            if aside.change != self.undone:
                yield replace(aside, table=tables.get(aside.table, aside.table))
        for pair in self.pairs:
            yield from pair.asides


def backfill(field: Field) -> object:
    """The value that existing records get for a field, or None."""
    return None if field.relation is not None else field.default


def _virtual(entity: Entity) -> dict[str, Field]:
    return {name: field for name, field in entity.fields.items() if field.virtual}


def _converted(old: Field, new: Field) -> Conversion | None:
    if keeps_values(old, new):
        found: Conversion | None = identity(dict(zip(new.columns, old.columns, strict=True)), new)
    else:
        found = conversion(old, new)
    default = backfill(new)
    return filled(found, new, default) if found is not None and new.required and default is not None else found


def _continued(wanted: Mapping[str, str | None], before: Mapping[str, object]) -> dict[str, str]:
    """New name → old name, for each new thing that continues an old one. An old one is continued once at most."""
    continued = {name: name for name in wanted if name in before}
    for name, former in wanted.items():
        if name not in continued and former is not None and former in before and former not in continued.values():
            continued[name] = former
    return {name: continued[name] for name in wanted if name in continued}
