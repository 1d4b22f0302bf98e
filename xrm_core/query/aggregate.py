"""Figures over the records that the caller may see → SQL that gives JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Text, cast, func, literal_column, select
from sqlalchemy.sql import ColumnElement

from xrm_core import naming
from xrm_core.errors import BadQuery
from xrm_core.metadata.model import CURRENCY, Entity, Field
from xrm_core.metadata.types import WHOLE, FieldType
from xrm_core.query.order import along, fields_of
from xrm_core.query.predicates import compile_predicate, scan, size
from xrm_core.query.request import (
    Aggregate,
    AggregatePart,
    Count,
    Function,
    GroupKey,
    KeyPart,
    Keys,
    Measures,
    Order,
    TypeName,
)
from xrm_core.query.scan import Scope
from xrm_core.query.sql_json import Pair, constant
from xrm_core.query.totals import Sum, average, joined, total


def aggregate(scope: Scope, request: Aggregate) -> ColumnElement[Any]:
    """An array of groups as a scalar sub-query, sorted by their keys."""
    entity = scope.model[request.entity]
    found = scan(scope, entity)
    keys = {group: f"k{number}" for number, group in enumerate(request.groups)}
    measures = {
        (part.function, name): f"m{number}"
        for number, (part, name) in enumerate(
            (part, each[1])
            for part in request.parts
            if isinstance(part, Measures)
            for each in part.parts
            if not isinstance(each, TypeName)
        )
    }
    fields = {name: f"f{number}" for number, name in enumerate(sorted({name for _, name in measures}))}
    for name in fields:
        _check_currency(entity[name], entity[entity[name].holder], request.groups)
    conditions = [compile_predicate(scope, entity, found, request.where)]
    if found.rule is not None:
        conditions.insert(0, found.rule)
    rows = (
        select(
            *(
                along(scope, entity, found, group.path, key_field(scope, entity, group)).label(label)
                for group, label in keys.items()
            ),
            *(found.column(entity[name]).label(label) for name, label in fields.items()),
            literal_column("1").label("one"),
        )
        .select_from(found.source)
        .where(*conditions)
        .subquery()
    )
    by = [rows.c[label] for label in keys.values()]
    groups = (
        select(
            *by,
            func.count().label("n"),
            *(
                column.label(f"{label}{suffix}")
                for (function, name), label in measures.items()
                for suffix, column in _measure(scope, function, entity[name], rows.c[fields[name]]).items()
            ),
        )
        .select_from(rows)
        .group_by(*by)
        .order_by(*(column.asc().nulls_last() for column in by))
        .limit(size(request.limit))
        .subquery()
    )
    builder = _Groups(scope, entity, keys, measures, groups)
    return select(scope.json.array(scope.json.object(list(builder.pairs(request.parts))))).scalar_subquery()


def _check_currency(field: Field, holder: Field, groups: Sequence[GroupKey]) -> None:
    """Amounts of different currencies must not be added up or compared."""
    if field is holder or len(holder.currencies) == 1 or GroupKey((), f"{holder.name}.{CURRENCY}") in groups:
        return
    name = naming.camel(holder.name)
    raise BadQuery(
        f"{name} may be in {', '.join(holder.currencies)}; figures over it would mix them.",
        hint=f"Group by its currency: groupBy: [{{{name}: {{currency: VALUE}}}}].",
    )


def key_field(scope: Scope, entity: Entity, group: GroupKey) -> Field:
    """The field that a group key stands for."""
    return fields_of(scope.model, entity, [Order(group.path, group.field)])[0][1]


def _measure(scope: Scope, function: Function, field: Field, column: ColumnElement[Any]) -> Sum:
    match function:
        case "countDistinct":
            return {"": func.count(column.distinct())}
        case "avg":
            return {"": average(scope.dialect.name, field, column)}
        case "sum":
            return total(scope.dialect.name, field, column)
        case "min":
            return {"": func.min(column)}
        case "max":
            return {"": func.max(column)}


class _Groups:
    """JSON of the groups out of the columns of the grouped query."""

    def __init__(
        self,
        scope: Scope,
        entity: Entity,
        keys: dict[GroupKey, str],
        measures: dict[tuple[Function, str], str],
        source: Any,
    ) -> None:
        self.scope = scope
        self.entity = entity
        self.keys = keys
        self.measures = measures
        self.columns = source.c

    def pairs(self, parts: Sequence[AggregatePart]) -> Iterator[Pair]:
        """Key and JSON of each part of a group."""
        for part in parts:
            match part:
                case TypeName(key, name):
                    yield key, constant(name)
                case Count(key):
                    yield key, self.columns.n
                case Keys(key, keys):
                    yield key, self.scope.json.object(list(self._keys(keys)))
                case Measures(key, function, fields):
                    yield key, self.scope.json.object(list(self._values(function, fields)))

    def _keys(self, parts: Sequence[KeyPart | TypeName]) -> Iterator[Pair]:
        for part in parts:
            if isinstance(part, TypeName):
                yield part.key, constant(part.name)
            elif part.group is not None:
                column = self.columns[self.keys[part.group]]
                yield part.key, self.scope.json.value(key_field(self.scope, self.entity, part.group), column)
            else:
                yield part.key, self.scope.json.object(list(self._keys(part.parts)))

    def _values(self, function: Function, fields: Sequence[tuple[str, str] | TypeName]) -> Iterator[Pair]:
        for each in fields:
            if isinstance(each, TypeName):
                yield each.key, constant(each.name)
                continue
            key, name = each
            field = self.entity[name]
            label = self.measures[function, name]
            if function == "sum" and label not in self.columns:
                yield key, joined(self.columns[f"{label}h"], self.columns[f"{label}l"], _scale(field))
                continue
            column = self.columns[label]
            if function == "countDistinct" or (function == "avg" and field.type is not FieldType.DURATION):
                yield key, column
            elif function == "sum" and field.type in WHOLE:
                yield key, cast(column, Text)
            else:
                yield key, self.scope.json.value(field, column)


def _scale(field: Field) -> int:
    return field.scale if field.type is FieldType.DECIMAL else 0
