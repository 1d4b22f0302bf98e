"""Predicate → SQL condition. The one place where the filter language becomes SQL.

All comparisons are between a column and a bind value of the column's type: none can raise an error whatever the data,
so a condition of the caller can be evaluated before the row rule without giving anything away.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy import (
    FromClause,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    exists,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.sql import ColumnElement
from sqlalchemy.types import TypeEngine

from xrm_core.metadata.model import Entity, Field, Link
from xrm_core.metadata.predicate import (
    EVERYTHING,
    All,
    Any_,
    Compare,
    Context,
    Linked,
    Literal_,
    Not,
    OfFile,
    Op,
    Operand,
    Param,
    Predicate,
    Related,
    Search,
    Shared,
    Whole,
    context_names,
    whole,
)
from xrm_core.metadata.types import FieldType
from xrm_core.permissions.policy import Action
from xrm_core.query.context import CONTEXT_PREFIX
from xrm_core.query.files import of_file
from xrm_core.query.implied import Way
from xrm_core.query.operands import JsonList, KnownId, operand_type
from xrm_core.query.phone import PhoneDigits, same_number
from xrm_core.query.scan import Condition, Row, Scan, Scope, Unguarded
from xrm_core.query.search import search
from xrm_core.query.text_fold import FoldedText
from xrm_core.query.ways import ways_above, ways_asked
from xrm_core.query.words import Words
from xrm_core.storage.columns import Instant, String
from xrm_core.storage.folded_sql import folded
from xrm_core.storage.system import SHARE


def compile_predicate(
    scope: Scope, entity: Entity, row: Row, predicate: Predicate, *, trusted: bool = False
) -> Condition:
    """SQL for a predicate on a row. ``trusted``: the administrator's words (a row rule), not limited by rights."""
    match predicate:
        case All(parts):
            return and_(true(), *(compile_predicate(scope, entity, row, each, trusted=trusted) for each in parts))
        case Any_(parts):
            return or_(false(), *(compile_predicate(scope, entity, row, each, trusted=trusted) for each in parts))
        case Not(part):
            return _is_not_true(compile_predicate(scope, entity, row, part, trusted=trusted))
        case Compare():
            return _compare(scope, entity[predicate.field], row, predicate)
        case Linked(name, null):
            linked = or_(false(), *_references(scope, entity[name], row, trusted=trusted))
            return not_(linked) if null else linked
        case Search(text):
            return search(scope, entity, row, operand(text, Words()), trusted=trusted)
        case OfFile(name, part):
            compile_part = partial(compile_predicate, trusted=trusted)
            return of_file(scope, entity[name], row, part, compile_part)
        case Related():
            return _related(scope, entity, row, predicate, trusted=trusted)
        case Shared(level):
            return _shared(scope, entity, row, level)
        case Whole(part):
            known = (_known(scope, name) for name in sorted(context_names(part)))
            return and_(*known, compile_predicate(scope, entity, row, part, trusted=trusted))


def compile_rule(scope: Scope, entity: Entity, row: Row, rule: Predicate, *, trusted: bool = True) -> Condition:
    """SQL for a row rule, or another predicate out of a file."""
    return compile_predicate(scope, entity, row, whole(rule), trusted=trusted)


class _Compilers:
    """What scans need of this module and of :mod:`xrm_core.query.virtual`."""

    rule = staticmethod(compile_rule)

    @staticmethod
    def virtual(scope: Scope, entity: Entity, source: FromClause, field: Field, *, trusted: bool) -> ColumnElement[Any]:
        from xrm_core.query.virtual import virtual_column  # predicates and roll-ups are made of each other

        return virtual_column(scope, entity, source, field, trusted=trusted)


def scan(scope: Scope, entity: Entity, *, id_only: bool = False, source: FromClause | None = None) -> Scan:
    """A scan of an entity under the caller's rights; see :class:`~xrm_core.query.scan.Scan`."""
    return Scan(scope, entity, _Compilers(), id_only=id_only, source=source)


def unguarded(scope: Scope, entity: Entity, source: FromClause) -> Unguarded:
    """A table of an entity without regard to rights."""
    return Unguarded(scope, entity, source, _Compilers())


def operand(value: Operand, type_: Any) -> ColumnElement[Any]:
    """A bind value: a literal of the document, a parameter, or a value of the caller."""
    match value:
        case Literal_(constant):
            return bindparam(None, constant, type_=type_, unique=True)
        case Param(name):
            return bindparam(name, type_=type_, required=True)
        case Context(name):
            return _context(name, KnownId() if name in ("user", "team") else type_)


def size(value: Operand) -> ColumnElement[int]:
    """The size of a page. One that is known stands in the SQL: the database then plans for just so many rows."""
    if isinstance(value, Literal_):
        return literal_column(str(int(value.value)), Integer())
    return operand(value, Integer())


def _context(name: str, type_: TypeEngine[Any]) -> ColumnElement[Any]:
    return bindparam(f"{CONTEXT_PREFIX}{name}", type_=type_, required=True)


def _known(scope: Scope, name: str) -> Condition:
    """That a value of the caller is known; there is none of ``teams`` for somebody without a team."""
    type_ = _list_type(scope, KnownId()) if name == "teams" else KnownId()
    return _context(name, type_).is_not(None)


def _shared(scope: Scope, entity: Entity, row: Row, level: str) -> Condition:
    """That there is a share of the record with the caller, which has not ended."""
    share = SHARE.alias()
    conditions = [
        share.c.entity == literal_column(f"'{entity.name}'"),
        share.c.record_id == row.source.c.id,
        in_list(scope, share.c.grantee, Context("grantees"), String()),
        or_(share.c.until.is_(None), share.c.until > _context("now", Instant())),
    ]
    if level == "update":
        conditions.append(share.c.level == literal_column("'update'"))
    return exists(select(literal_column("1", Integer())).select_from(share).where(*conditions).correlate(row.source))


def _is_not_true(condition: Condition) -> Condition:
    return not_(func.coalesce(condition, false()))


def _compare(scope: Scope, field: Field, row: Row, compare: Compare) -> Condition:
    column = row.column(field)
    if compare.op is Op.IS_NULL:
        return column.is_(None) if isinstance(compare.value, Literal_) and compare.value.value else column.is_not(None)
    if field.type is FieldType.SET:
        return _set(scope, column, compare)
    type_ = operand_type(field, compare.op)
    if compare.ignoring is not None:
        column, type_ = folded(scope.dialect.name, column, compare.ignoring), FoldedText(compare.ignoring)
    if compare.op in (Op.IN, Op.NOT_IN):
        inside = in_list(scope, column, compare.value, type_)
        return inside if compare.op is Op.IN else _is_not_true(inside)
    if isinstance(compare.value, Literal_) and compare.value.value is None:
        return column.is_(None) if compare.op is Op.EQ else column.is_not(None) if compare.op is Op.NE else false()
    if compare.op is Op.NUMBER:
        return same_number(scope.dialect.name, column, operand(compare.value, PhoneDigits()))
    value = operand(compare.value, type_)
    match compare.op:
        case Op.EQ:
            return column == value
        case Op.NE:
            return _is_not_true(column == value)
        case Op.LT:
            return column < value
        case Op.LTE:
            return column <= value
        case Op.GT:
            return column > value
        case Op.GTE:
            return column >= value
        case _:
            return _text(scope, column, compare.op, value)


def _set(scope: Scope, column: ColumnElement[Any], compare: Compare) -> Condition:
    """A condition on a set: PostgreSQL's array operators, which an index knows; on SQLite the list taken apart."""
    postgres = scope.dialect.name == "postgresql"
    if compare.op is Op.IS_EMPTY:
        size = (func.cardinality if postgres else func.json_array_length)(column)
        filled = func.coalesce(size, literal_column("0")) > literal_column("0")
        return not_(filled) if isinstance(compare.value, Literal_) and compare.value.value else filled
    if postgres:
        value = operand(compare.value, Text() if compare.op is Op.HAS else ARRAY(Text()))
        wanted = cast(array([value]) if compare.op is Op.HAS else value, ARRAY(Text()))
        return column.op("&&" if compare.op is Op.HAS_ANY else "@>", is_comparison=True)(wanted)
    values = _elements(column)
    if compare.op is Op.HAS:
        return operand(compare.value, Text()).in_(values)
    given = func.json_each(operand(compare.value, JsonList(Text()))).table_valued("value")
    inside = given.c.value.in_(values)
    if compare.op is Op.HAS_ANY:
        return exists(select(literal_column("1", Integer())).select_from(given).where(inside))
    return and_(
        column.is_not(None), not_(exists(select(literal_column("1", Integer())).select_from(given).where(not_(inside))))
    )


def _elements(column: ColumnElement[Any]) -> Select[Any]:
    return select(literal_column("value")).select_from(func.json_each(column))


def _text(scope: Scope, column: ColumnElement[Any], op: Op, value: ColumnElement[Any]) -> Condition:
    # No LIKE: nothing has to be escaped, case counts on both databases, and no pattern can be too complex.
    postgres = scope.dialect.name == "postgresql"
    match op:
        case Op.CONTAINS:
            return (func.strpos if postgres else func.instr)(column, value) > literal_column("0")
        case Op.STARTS_WITH:
            return func.starts_with(column, value) if postgres else func.substr(column, 1, func.length(value)) == value
        case _:
            size = func.length(value)
            if postgres:
                return func.right(column, size) == value
            return func.substr(column, func.length(column) - size + literal_column("1")) == value


def in_list(scope: Scope, column: ColumnElement[Any], value: Operand, type_: TypeEngine[Any]) -> Condition:
    """That a value is one of a list of values of a type."""
    # One bind value however long the list is: databases take 65 535 of them at most.
    values = operand(value, _list_type(scope, type_))
    if scope.dialect.name == "postgresql":
        return column == func.any(values)
    return column.in_(select(literal_column("value")).select_from(func.json_each(values)))


def _list_type(scope: Scope, type_: TypeEngine[Any]) -> TypeEngine[Any]:
    return ARRAY(type_) if scope.dialect.name == "postgresql" else JsonList(type_)


def _related(scope: Scope, entity: Entity, row: Row, related: Related, *, trusted: bool) -> Condition:
    target = scope.model[related.target]
    if related.name in entity.links:
        return _linked(scope, entity.links[related.name], row, related, trusted=trusted)
    asked = related.part if related.how in ("is", "some") else EVERYTHING
    ways = [] if trusted else [*ways_above(scope, entity, row, related), *ways_asked(scope, target, asked)]
    found, rule = inner(scope, target, trusted=trusted, ways=ways)
    if related.how == "is":
        relation = entity[related.name]
        column = row.column(relation, relation.column_to(target.name))
        shortcut = _same_id(related.part) if rule is None else None
        if rule is None and trusted and related.part == EVERYTHING:
            return column.is_not(None)
        if shortcut is not None:
            return column == operand(shortcut, KnownId())  # the foreign key says it; no need to look the record up
        join = found.source.c.id == column
    else:
        inverse = target[entity.inverses[related.name].field]
        join = found.column(inverse, inverse.column_to(entity.name)) == row.source.c.id
    part = compile_predicate(scope, target, found, related.part, trusted=trusted)
    if related.how == "every":
        part = _is_not_true(part)
    conditions = [join, *([] if rule is None else [rule]), part]
    exist = exists(
        select(literal_column("1", Integer())).select_from(found.source).where(*conditions).correlate(row.source)
    )
    return exist if related.how in ("is", "some") else not_(exist)


def _linked(scope: Scope, link: Link, row: Row, related: Related, *, trusted: bool) -> Condition:
    """The condition on records of the other side of a many-to-many relation."""
    target, through = scope.model[link.target], scope.model[link.through]
    joint, joint_rule = inner(scope, through, trusted=trusted)
    other, rule = inner(scope, target, trusted=trusted)
    part = compile_predicate(scope, target, other, related.part, trusted=trusted)
    if related.how == "every":
        part = _is_not_true(part)
    conditions = [
        joint.column(through[link.near]) == row.source.c.id,
        other.source.c.id == joint.column(through[link.far]),
        *(each for each in (joint_rule, rule) if each is not None),
        part,
    ]
    query = select(literal_column("1", Integer())).select_from(joint.source, other.source).where(*conditions)
    found = exists(query.correlate(row.source))
    return found if related.how == "some" else not_(found)


def _references(scope: Scope, relation: Field, row: Row, *, trusted: bool) -> Iterator[Condition]:
    """For each target of a relation, the condition that it refers there; a record that is hidden is not there."""
    for name in relation.reference.targets:
        if not trusted and not scope.access.may(name, Action.READ):
            continue
        column = row.column(relation, relation.column_to(name))
        target, rule = inner(scope, scope.model[name], trusted=trusted)
        if rule is None:
            yield column.is_not(None)
        else:
            found = (
                select(literal_column("1", Integer()))
                .select_from(target.source)
                .where(target.source.c.id == column, rule)
            )
            yield exists(found.correlate(row.source))


def inner(scope: Scope, target: Entity, *, trusted: bool, ways: Sequence[Way] = ()) -> tuple[Row, Condition | None]:
    """Another occurrence of an entity, with the row rule that belongs into its WHERE, less what holds anyway."""
    if trusted:
        return unguarded(scope, target, scope.tables[target.name].alias()), None
    found = scan(scope, target)
    return found, found.rule_beyond(ways)


def _same_id(part: Predicate) -> Operand | None:
    if isinstance(part, Whole):  # an id that is unknown equals none
        part = part.part
    if isinstance(part, Compare) and part.field == "id" and part.op is Op.EQ:
        return None if isinstance(part.value, Literal_) and part.value.value is None else part.value
    return None
