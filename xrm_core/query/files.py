"""Files in statements: as JSON inside of their record, and in filters.

A file has no rule of its own. Whoever may read a field of a record may read the file in it: so the id of a file always
comes out of a :class:`~xrm_core.query.scan.Scan`, guarded like every other column.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, bindparam, exists, literal, literal_column, select

from xrm_core.metadata.file_entity import FILE as FILE_ENTITY
from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.predicate import Predicate
from xrm_core.query.request import FileValue, TypeName
from xrm_core.query.scan import CompilePredicate, Condition, Page, Row, Scope
from xrm_core.query.sql_json import Pair, constant
from xrm_core.storage.file_tables import FILE

PATH = "/files/"
"""Where the server answers with the content of a file."""

BASE = "ctx_base"
"""Bind of what stands before this path: a value of the caller."""


def file_json(scope: Scope, entity: Entity, row: Row, item: FileValue) -> ColumnElement[Any]:
    """The file in a field of a row, as a JSON object, or NULL."""
    file = FILE.alias()
    json = scope.json.object(list(_pairs(scope, file, item)))
    found = select(json).select_from(file).where(file.c.id == row.column(entity[item.field]))
    return found.correlate(row.source).scalar_subquery()


def _pairs(scope: Scope, file: Any, item: FileValue) -> Iterator[Pair]:
    for part in item.parts:
        if isinstance(part, TypeName):
            yield part.key, constant(part.name)
            continue
        key, name = part
        if name == "url":
            text = file.c.id if scope.dialect.name == "sqlite" else file.c.id.cast(FILE.c.name.type)
            base: ColumnElement[str] = bindparam(BASE, type_=FILE.c.name.type, required=True)
            yield key, base.concat(literal_column(f"'{PATH}'")).concat(text)
        else:
            yield key, file.c[name]


def of_file(scope: Scope, field: Field, row: Row, part: Predicate, compile_part: CompilePredicate) -> Condition:
    """A condition on the file in a field; false if there is none."""
    file = Page(FILE.alias())
    condition = compile_part(scope, FILE_ENTITY, file, part)
    found = select(literal(1)).select_from(file.source).where(file.source.c.id == row.column(field), condition)
    return exists(found.correlate(row.source))
