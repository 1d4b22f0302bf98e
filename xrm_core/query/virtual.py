"""The column of a virtual field: a computed field's expression, or a roll-up as a sub-query over related records.

For a caller, a roll-up sees what the caller could read: it scans the related records under the caller's rights, and its
filter is one that the caller might have written. In row rules, which are trusted, it sees all.
"""

from typing import Any

from sqlalchemy import Boolean, FromClause, Integer, Numeric, cast, func, literal_column, select, type_coerce
from sqlalchemy.sql import ColumnElement
from sqlalchemy.types import NullType

from xrm_core.metadata.expression import LARGEST
from xrm_core.metadata.model import AMOUNT, Entity, Field, Rollup
from xrm_core.metadata.types import FieldType
from xrm_core.metadata.uses import RelatedList, condition, related
from xrm_core.query.expressions import expression_sql
from xrm_core.query.numbers import Numbers, Units
from xrm_core.query.predicates import compile_rule, inner
from xrm_core.query.scan import Condition, Row, Scope
from xrm_core.storage.columns import column_type

_MOST_RECORDS = 10**12
_HALF = 10**9


def virtual_column(
    scope: Scope, entity: Entity, source: FromClause, field: Field, *, trusted: bool, prefix: str = ""
) -> ColumnElement[Any]:
    """The value of a virtual field on the rows of a table, with no regard to rights on the field itself.

    ``prefix`` stands before the names of the columns that expressions use, if ``source`` is a page with them.
    """
    if field.rollup is not None:
        return _rollup(scope, entity, source, field, field.rollup, trusted=trusted)

    def leaf(used: Field) -> ColumnElement[Any]:
        if used.virtual:
            return virtual_column(scope, entity, source, used, trusted=trusted, prefix=prefix)
        return source.c[prefix + used.columns[0]]

    return expression_sql(scope.dialect.name, entity, field, leaf)


def bare_columns(entity: Entity, field: Field) -> set[str]:
    """The columns of the record that a virtual field is worked out of, beside its id."""
    if field.rollup is not None:
        return set()
    used = [entity[name] for name in entity.expressions[field.name].fields()]
    return {column for each in used for column in (bare_columns(entity, each) if each.virtual else {each.columns[0]})}


def _rollup(
    scope: Scope, entity: Entity, source: FromClause, field: Field, rollup: Rollup, *, trusted: bool
) -> ColumnElement[Any]:
    records = related(entity, rollup.relation)
    if records is None:
        raise KeyError(f"{entity.name}.{rollup.relation}")
    target = scope.model[records.entity]
    row, rule = inner(scope, target, trusted=trusted)
    tables, conditions = _leading(scope, entity, source, row, records, trusted=trusted)
    if rule is not None:
        conditions.append(_aside(scope, rule))
    if rollup.where:
        wanted = condition(scope.model, entity, field)
        conditions.append(_aside(scope, compile_rule(scope, target, row, wanted, trusted=trusted)))
    if rollup.function in ("first", "last"):
        order = row.column(target[rollup.order_by])
        last = rollup.function == "last"
        query = select(row.column(target[rollup.field])).where(*conditions, order.is_not(None))
        by = [order, row.source.c.id]
        query = query.order_by(*(each.desc() if last else each.asc() for each in by)).limit(literal_column("1"))
    else:
        query = select(_figure(scope, target, row, field, rollup)).where(*conditions)
    return type_coerce(
        query.select_from(*tables).correlate(source).scalar_subquery(),
        column_type(field),
    )


def _leading(
    scope: Scope, entity: Entity, source: FromClause, row: Row, records: RelatedList, *, trusted: bool
) -> tuple[list[FromClause], list[Condition]]:
    """The tables of the list, and the conditions that a record of it belongs to the row of ``source``."""
    if records.link is None:
        reference = scope.model[records.entity][records.field]
        return [row.source], [row.column(reference, reference.column_to(entity.name)) == source.c.id]
    through = scope.model[records.link.through]
    joint, rule = inner(scope, through, trusted=trusted)
    conditions = [
        joint.column(through[records.link.near]) == source.c.id,
        row.source.c.id == joint.column(through[records.link.far]),
    ]
    return [joint.source, row.source], conditions if rule is None else [*conditions, _aside(scope, rule)]


def _aside(scope: Scope, condition: Condition) -> Condition:
    """A condition that SQLite is not to look records up by. Left to itself it may take an index on a state that half
    of all records have rather than the one on the relation; PostgreSQL knows better from its statistics.
    """
    return condition if scope.dialect.name == "postgresql" else func.likely(condition, type_=Boolean())


def _figure(scope: Scope, target: Entity, row: Row, field: Field, rollup: Rollup) -> ColumnElement[Any]:
    if rollup.function == "count":
        return func.count()
    of = target[rollup.field]
    of = of.parts.get(AMOUNT, of)  # all of one currency, as the model has made sure
    column = row.column(of)
    if rollup.function in ("min", "max"):
        return (func.min if rollup.function == "min" else func.max)(column)
    numbers = Numbers(scope.dialect.name)
    total = _total(scope, of, column)
    if rollup.function == "sum":
        return numbers.stored(total, field)
    count = numbers.of_integer(func.count(column), _MOST_RECORDS)
    return numbers.stored(numbers.divide(total, count, field.scale), field)


def _total(scope: Scope, of: Field, column: ColumnElement[Any]) -> Units:
    """The sum, 0 if there is nothing. SQLite's own ``sum`` fails when it overflows, so upper and lower digits are added
    apart.
    """
    plain = type_coerce(column, NullType())
    decimal = of.type is FieldType.DECIMAL
    scale = of.scale if decimal else 0
    zero: ColumnElement[Any] = literal_column("0")
    sql: ColumnElement[Any]
    if scope.dialect.name == "postgresql":
        total = cast(func.coalesce(func.sum(plain), zero), Numeric)
        sql = total * literal_column(str(10**scale)) if decimal else total
    else:
        size: ColumnElement[Any] = literal_column(str(_HALF), Integer())
        upper = func.coalesce(func.sum(plain.op("/", precedence=8)(size)), zero)
        lower = func.coalesce(func.sum(plain.op("%", precedence=8)(size)), zero)
        sql = upper * size + lower
    fits = sql.between(literal_column(str(-LARGEST)), literal_column(str(LARGEST)))
    return Units(sql, scale, LARGEST, (fits,))
