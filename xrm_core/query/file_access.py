"""Who may read a file: whoever may read a record that refers to it, and there the field that does.

A sealed field is read by nobody; its files are opened by whoever may open what is in the field.
"""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, exists, false, literal, or_, select

from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.types import FieldType
from xrm_core.permissions.policy import SEALED, Action
from xrm_core.query.predicates import scan
from xrm_core.query.scan import Condition, Scope


def readable(scope: Scope, file_id: ColumnElement[str]) -> Condition:
    """Whether the caller may read a record that refers to this file through a field that they may read there."""
    return or_(false(), *_references(scope, file_id))


def openable(scope: Scope, file_id: ColumnElement[str]) -> Condition:
    """Whether the caller may read a record that refers to this file through a sealed field that they may open."""
    found = []
    for entity, field in _openable(scope):
        row = scan(scope, entity)
        rules = () if row.rule is None else (row.rule,)
        mine = row.source.c[field.columns[0]] == file_id
        found.append(exists(select(literal(1)).select_from(row.source).where(mine, *rules)))
    return or_(false(), *found)


def opens_any(scope: Scope) -> bool:
    """Whether there is a sealed field with files that the caller may open on some records."""
    return next(_openable(scope), None) is not None


def _openable(scope: Scope) -> Iterator[tuple[Entity, Field]]:
    if scope.access.may(SEALED, Action.READ):
        for entity in scope.model:
            granted = scope.access.get(entity.name, Action.READ)
            for name in () if granted is None else granted.openable:
                if entity[name].type is FieldType.FILE:
                    yield entity, entity[name]


def _references(scope: Scope, file_id: ColumnElement[str]) -> Iterator[Condition]:
    for entity in scope.model:
        for field in entity.fields.values():
            if field.type is not FieldType.FILE or not scope.access.readable(entity.name, field.name):
                continue
            found = scan(scope, entity)
            # The bare column finds the record by its index, the guarded one says whether the field may be read.
            conditions = [found.source.c[field.columns[0]] == file_id, found.column(field) == file_id]
            if found.rule is not None:
                conditions.append(found.rule)
            yield exists(select(literal(1)).select_from(found.source).where(*conditions))
