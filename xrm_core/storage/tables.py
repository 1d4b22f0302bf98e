"""Model → SQLAlchemy tables: the one description of what an entity looks like in the database."""

from collections.abc import Iterator
from threading import RLock

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from xrm_core import naming
from xrm_core.metadata.model import TEAM, USER, Entity, Field, Model
from xrm_core.metadata.relationships import SOURCE, TARGET
from xrm_core.metadata.types import FieldType
from xrm_core.storage.allowed import OnlyAllowed
from xrm_core.storage.columns import column_type
from xrm_core.storage.file_tables import FILE
from xrm_core.storage.kept_statements import KeptStatements
from xrm_core.storage.search_create import create_along
from xrm_core.storage.search_index import add_search_index
from xrm_core.storage.search_text import searched_columns

_ON_DELETE = {"restrict": "RESTRICT", "set_null": "SET NULL", "cascade": "CASCADE"}


class Tables:
    """The tables of one model. ``metadata`` is SQLAlchemy's; ``tables[entity_name]`` is an entity's table.

    ``statements`` keeps what was made of them to be run again.

    Args:
        model: whose tables.
        lazy: make each table when it is first asked for. For reading and writing records; whoever changes tables needs
            all of them, since foreign keys find their targets among those that are there.
    """

    def __init__(self, model: Model, *, lazy: bool = False) -> None:
        self.model = model
        self.metadata = MetaData()
        self.statements = KeptStatements()
        self._making = RLock()
        self._by_entity = {} if lazy else {entity.name: _table(self.metadata, entity) for entity in model}

    def __getitem__(self, entity: str) -> Table:
        found = self._by_entity.get(entity)
        if found is None:
            with self._making:
                found = self._by_entity.get(entity)
                if found is None:
                    found = self._by_entity[entity] = _table(self.metadata, self.model[entity])
                    if entity == USER and TEAM in self.model:  # who looks for the teams of users finds them beside it
                        self[TEAM]
        return found


def _table(metadata: MetaData, entity: Entity) -> Table:
    name = naming.table(entity.name)
    columns = [column for field in entity.all_fields() for column in _columns(field)]
    made = Table(
        name,
        metadata,
        *columns,
        PrimaryKeyConstraint("id", name=naming.bounded(f"pk_{name}")),
        *(constraint for field in entity.fields.values() for constraint in _constraints(name, field)),
        *(
            UniqueConstraint(*_column_names(entity, names), name=naming.unique(name, _column_names(entity, names)))
            for names in entity.unique_together
        ),
        *_relationship(name, entity),
        *_indexes(name, entity),
        sqlite_strict=True,
    )
    if searched := searched_columns(entity):
        add_search_index(made, searched)
        create_along(made)
    return made


def _columns(field: Field) -> Iterator[Column[object]]:
    one_of = field.relation is not None and field.relation.polymorphic
    for name in field.columns:
        yield Column(name, column_type(field, name), nullable=not field.required or one_of)


def _column_names(entity: Entity, fields: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(column for name in fields for column in entity.fields[name].columns)


def _constraints(table: str, field: Field) -> Iterator[CheckConstraint | ForeignKeyConstraint | UniqueConstraint]:
    if field.type is FieldType.ENUM and not field.virtual:
        # Enum values match naming.ENUM_VALUE, so they need no escaping.
        allowed = ", ".join(f"'{value}'" for value in field.enum)
        yield CheckConstraint(f'"{field.name}" IN ({allowed})', name=naming.check(table, field.name))
    if field.type is FieldType.MONEY:
        # Amount and currency are there both or neither. Currencies are three letters: nothing to escape.
        amount, currency = field.columns
        allowed = ", ".join(f"'{code}'" for code in field.currencies)
        yield CheckConstraint(
            f'CASE WHEN "{amount}" IS NULL THEN "{currency}" IS NULL '
            f'ELSE "{currency}" IS NOT NULL AND "{currency}" IN ({allowed}) END',
            name=naming.check(table, field.name),
        )
    if field.type is FieldType.SET:
        yield CheckConstraint(OnlyAllowed(field.name, field.enum), name=naming.check(table, field.name))
    if field.unique:
        yield UniqueConstraint(*field.columns, name=naming.unique(table, field.columns))
    if field.type is FieldType.FILE:
        [column] = field.columns
        yield ForeignKeyConstraint(
            [column], [FILE.c.id], name=naming.foreign_key(table, column), ondelete="RESTRICT", use_alter=True
        )
    if field.relation is None:
        return
    for column, target in zip(field.columns, field.relation.targets, strict=True):
        yield ForeignKeyConstraint(
            [column],
            [f"{naming.table(target)}.id"],
            name=naming.foreign_key(table, column),
            ondelete=_ON_DELETE[field.relation.on_delete],
            use_alter=True,
        )
    if field.relation.polymorphic:
        count = " + ".join(f'(CASE WHEN "{column}" IS NULL THEN 0 ELSE 1 END)' for column in field.columns)
        yield CheckConstraint(f"{count} {'=' if field.required else '<='} 1", name=naming.check(table, field.name))


def _relationship(table: str, entity: Entity) -> Iterator[CheckConstraint | UniqueConstraint]:
    """Only allowed pairs, none that ends before it begins, none twice with one first day."""
    if entity.relationship is None:
        return
    pairs = pair_columns(entity)
    allowed = " OR ".join(f'("{source}" IS NOT NULL AND "{target}" IS NOT NULL)' for source, target in pairs)
    yield CheckConstraint(allowed, name=naming.check(table, "_pairs"))
    dates = '"valid_from" IS NULL OR "valid_to" IS NULL OR "valid_from" <= "valid_to"'
    yield CheckConstraint(dates, name=naming.check(table, "valid_to"))
    for pair in pairs:
        yield UniqueConstraint(*pair, "valid_from", name=naming.unique(table, (*pair, "valid_from")))


def pair_columns(entity: Entity) -> list[tuple[str, str]]:
    """The columns of source and target of each pair that a relationship allows."""
    if entity.relationship is None:
        return []
    source, target = entity.fields[SOURCE], entity.fields[TARGET]
    return [(source.column_to(one), target.column_to(other)) for one, other in entity.relationship.pairs]


def _indexes(table: str, entity: Entity) -> Iterator[Index]:
    """Indexes of references, and those of which files speak.

    They end with the id, by which every list is sorted at last: a page is read in the order of its index, however many
    records have the same values.
    """
    wanted: dict[tuple[str, ...], None] = {}
    for field in entity.fields.values():
        if field.unique:
            continue  # its constraint brings an index
        if field.relation is not None or field.type is FieldType.FILE:
            wanted.update(dict.fromkeys((column,) for column in field.columns))
        elif field.indexed:
            wanted[field.columns] = None
    wanted.update(dict.fromkeys(_column_names(entity, names) for names in entity.indexes))
    sets = {(field.name,) for field in entity.fields.values() if field.type is FieldType.SET}
    for columns in wanted:
        name = naming.index(table, columns)
        if columns in sets:
            yield Index(name, *columns, postgresql_using="gin")
        else:
            yield Index(name, *columns, "id")
