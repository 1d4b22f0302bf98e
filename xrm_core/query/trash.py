"""Records in the trash as rows of their entity, so that rights, conditions and answers are those of the entity.

Who may delete a record, and could read it, sees it there. Row rules are about the record as it went; ``updated_at`` and
``updated_by`` say when it was deleted and by whom.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    Column,
    FromClause,
    Integer,
    Select,
    Text,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.sql import ColumnElement
from sqlalchemy.types import TypeEngine

from xrm_core.errors import Forbidden
from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.types import FieldType
from xrm_core.permissions.policy import Action
from xrm_core.query.predicates import compile_rule, scan, unguarded
from xrm_core.query.scan import Condition, Scan, Scope
from xrm_core.storage.columns import ExactDecimal, JsonObject, String, Words, column_type
from xrm_core.storage.trash_tables import TRASH, type_name


def trash_scan(scope: Scope, entity: Entity) -> tuple[Scan, Condition]:
    """A scan of the entity's records in the trash under the caller's right to read, and what holds for those that they
    may delete, too.

    Raises:
        Forbidden: the caller may read or delete none.
    """
    deleting = scope.access.get(entity.name, Action.DELETE)
    if deleting is None:
        raise Forbidden(f"You may not delete {entity.plural}.")
    found = scan(scope, entity, source=trash_source(scope, entity))
    row = unguarded(scope, entity, found.source)
    return found, compile_rule(scope, entity, row, deleting.rule)


def fitting(entity: Entity, found: Scan) -> Iterator[Condition]:
    """That a record in the trash is one of those of which answers speak: none that lacks what each has by now, and none
    with a word that its field does not know any more. Restoring such a record says what is wrong with it.
    """
    for field in entity.fields.values():
        columns = [found.source.c[name] for name in field.columns]
        if field.required and columns:
            yield or_(*(column.is_not(None) for column in columns))
        if field.type is FieldType.ENUM and columns:
            allowed = columns[0].in_([literal_column(f"'{value}'") for value in field.enum])
            yield or_(columns[0].is_(None), allowed)


def former_names(entity: Entity) -> list[str]:
    """What the entity is called in the trash: as now, or as it was before it was renamed."""
    return [entity.name, *([entity.renamed_from] if entity.renamed_from else [])]


def columns_then(field: Field) -> Iterator[tuple[str, ...]]:
    """Names of the columns of a field in the trash: each as now, and as it was before the field was renamed."""
    before = (field.columns,) if field.renamed_from is None else (replace(field, name=field.renamed_from).columns,)
    yield from ((now, *({then} - {now})) for now, then in zip(field.columns, before[0], strict=True))


def trash_source(scope: Scope, entity: Entity) -> FromClause:
    """The entity's records in the trash with the columns of its table; of those that were asked to be deleted."""
    columns = [
        _column(scope.dialect.name, names, column_type(field, names[0])).label(names[0])
        for field in entity.all_fields()
        for names in columns_then(field)
    ]
    mine = TRASH.c.entity.in_([literal_column(f"'{name}'") for name in former_names(entity)])
    return select(*columns).where(mine, TRASH.c.place == literal_column("0")).subquery()


def _column(dialect: str, names: tuple[str, ...], type_: TypeEngine[Any]) -> ColumnElement[Any]:
    if names[0] == "id":
        return TRASH.c.record_id
    kind = type_name(type_)
    read = _on_postgresql if dialect == "postgresql" else _on_sqlite
    parts = [read(TRASH.c.record, kind, name, type_) for name in names]
    return type_coerce(parts[0] if len(parts) == 1 else func.coalesce(*parts), type_)


def _on_postgresql(record: Column[Any], kind: str, name: str, type_: TypeEngine[Any]) -> ColumnElement[Any]:
    path = [type_coerce(record, JSONB), literal_column(f"'{kind}'"), literal_column(f"'{name}'")]
    found = func.nullif(func.jsonb_extract_path(*path), literal_column("'null'::jsonb"), type_=JSONB())
    if isinstance(type_, JsonObject):
        return found
    if isinstance(type_, Words):
        words: Select[Any] = select(func.array_agg(literal_column("value"), type_=ARRAY(Text())))
        inside = words.select_from(func.jsonb_array_elements_text(found).table_valued("value")).scalar_subquery()
        return case((found.is_not(None), func.coalesce(inside, cast(literal_column("'{}'"), ARRAY(Text())))))
    text = func.jsonb_extract_path_text(*path, type_=Text())
    # What it was stored as is this type, so the cast cannot raise.
    return text.collate("C") if isinstance(type_, String) else cast(text, type_)


def _on_sqlite(record: Column[Any], kind: str, name: str, type_: TypeEngine[Any]) -> ColumnElement[Any]:
    found = func.json_extract(record, literal_column(f"""'$.{kind}."{name}"'"""))
    if isinstance(type_, ExactDecimal):  # all its digits are there
        return cast(func.replace(found, literal_column("'.'"), literal_column("''")), Integer())
    return found
