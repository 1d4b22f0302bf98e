"""Shares in statements: whether a record is shared with the caller, and the list of a record's shares as JSON."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Integer, exists, func, literal_column, null, select
from sqlalchemy import case as sql_case

from xrm_core.metadata.model import Entity
from xrm_core.metadata.predicate import EVERYTHING
from xrm_core.permissions.policy import Action
from xrm_core.query.predicates import compile_rule, unguarded
from xrm_core.query.request import Shares, TypeName
from xrm_core.query.scan import Condition, Row, Scope
from xrm_core.query.sql_json import Pair, constant
from xrm_core.storage.system import SHARE

GRANTEE_KINDS = ("user", "team", "role")


def shares_json(scope: Scope, entity: Entity, row: Row, item: Shares) -> ColumnElement[Any]:
    """The shares of a record as an array, for who may share it; the oldest first."""
    share = SHARE.alias()
    table = scope.tables[entity.name].alias()
    conditions: list[Condition] = [share.c.entity == constant(entity.name), share.c.record_id == row.source.c.id]
    granted = scope.access.get(entity.name, Action.SHARE)
    if granted is None:
        conditions.append(literal_column("1") == literal_column("0"))
    elif granted.rule != EVERYTHING:
        rule = compile_rule(scope, entity, unguarded(scope, entity, table), granted.rule)
        mine = select(literal_column("1", Integer())).select_from(table).where(table.c.id == row.source.c.id, rule)
        conditions.append(exists(mine.correlate(row.source)))
    found = select(share).where(*conditions).order_by(share.c.shared_at, share.c.grantee)
    page = found.correlate(row.source).limit(literal_column("1000000000")).subquery()
    json = scope.json.array(scope.json.object(list(_pairs(page.c, item))))
    return select(json).select_from(page).correlate(row.source).scalar_subquery()


def _pairs(columns: Any, item: Shares) -> Iterator[Pair]:
    for part in item.parts:
        if isinstance(part, TypeName):
            yield part.key, constant(part.name)
            continue
        key, name = part
        if name in GRANTEE_KINDS:
            mark: ColumnElement[str] = literal_column(f"'{name}:'")
            size: ColumnElement[int] = literal_column(str(len(name) + 1))
            rest = func.substr(columns.grantee, size + literal_column("1"))
            yield key, sql_case((func.substr(columns.grantee, literal_column("1"), size) == mark, rest), else_=null())
        else:
            yield key, func.upper(columns.level) if name == "level" else columns[name]
