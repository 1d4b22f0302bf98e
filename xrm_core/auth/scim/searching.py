"""Searches. What names one user or group is looked up in the database; any other filter looks at all that there are."""

from collections.abc import Iterator
from typing import Any

from scim2_models import Resource, ResourceType, SearchRequest, TooManyException
from scim2_models.path.expressions import CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator
from scim2_server.storage import SearchPage
from sqlalchemy import ColumnElement, Select, false, func, select

from xrm_core.auth.scim import groups, people, roles
from xrm_core.auth.scim.dialects import is_kept
from xrm_core.auth.scim.work import Work, is_id
from xrm_core.storage.system import SCIM_GROUP, SCIM_USER

MAX_LOOKED_AT = 10_000
"""Users or groups that a filter or an order by something else looks at."""


def search(work: Work, kinds: list[ResourceType], asked: SearchRequest[Any]) -> SearchPage:
    """A page of what was asked for.

    Raises:
        TooManyException: there are more than can be looked at.
    """
    count = asked.count if asked.count is not None else MAX_LOOKED_AT
    start = asked.start_index_0 or 0
    if len(kinds) == 1 and asked.filter is None and asked.sort_by is None:
        query = _query(work, kinds[0])
        total = work.connection.scalar(select(func.count()).select_from(query.subquery())) or 0
        rows = work.connection.execute(query.order_by(*_order(work, kinds[0])).offset(start).limit(count)).all()
        return SearchPage(total, _shown(work, kinds[0], rows, asked) if rows else [])
    found = [each for kind in kinds for each in _candidates(work, kind, asked)]
    if asked.filter is not None:
        found = [each for each in found if asked.filter.match(each)]
    if asked.sort_by is not None:
        backwards = asked.sort_order == SearchRequest.SortOrder.descending
        found.sort(key=lambda each: _sort_key(asked, each), reverse=backwards)
    return SearchPage(len(found), found[start : start + count])


def _candidates(work: Work, kind: ResourceType, asked: SearchRequest[Any]) -> list[Resource[Any]]:
    query = _query(work, kind)
    for comparison in _required(None if asked.filter is None else asked.filter.ast):
        condition = _condition(work, kind, comparison)
        if condition is not None:
            query = query.where(condition)
    rows = work.connection.execute(query.order_by(*_order(work, kind)).limit(MAX_LOOKED_AT + 1)).all()
    if len(rows) > MAX_LOOKED_AT:
        raise TooManyException(
            detail=f"That would look at more than {MAX_LOOKED_AT}; ask by userName, externalId or id"
        )
    return _shown(work, kind, rows, asked)


def _query(work: Work, kind: ResourceType) -> Select[Any]:
    return people.query(work) if kind.name == "User" else select(SCIM_GROUP)


def _order(work: Work, kind: ResourceType) -> list[ColumnElement[Any]]:
    return [work.users.c.id if kind.name == "User" else SCIM_GROUP.c.id]


def _shown(work: Work, kind: ResourceType, rows: Any, asked: SearchRequest[Any]) -> list[Resource[Any]]:
    if kind.name == "User":
        return list(people.shown(work, rows))
    left_out = {str(path).casefold().rpartition(":")[2] for path in asked.excluded_attributes or []}
    needed = "members" not in left_out or "members" in f"{asked.filter} {asked.sort_by}".casefold()
    return list(groups.shown(work, rows, members=needed))


def _required(node: FilterNode | None) -> Iterator[Comparison]:
    """Equalities without which the filter holds for nothing."""
    if isinstance(node, Comparison):
        if node.op == CompareOperator.eq and isinstance(node.value, str):
            yield node
    elif isinstance(node, LogicalExpr) and node.op == LogicalOperator.and_:
        for term in node.terms:
            yield from _required(term)


def _condition(work: Work, kind: ResourceType, comparison: Comparison) -> ColumnElement[bool] | None:
    """The condition of an equality that an index can find; None: another attribute."""
    name, value = str(comparison.attr_path).casefold().rpartition(":")[2], comparison.value
    if not is_kept(value):  # escaped in the filter, so that it came this far
        return false()
    of_users = kind.name == "User"
    found: ColumnElement[bool] | None = None
    if name == "username" and of_users:
        found = people.with_name(work, value)
    elif name == "displayname" and not of_users:
        found = SCIM_GROUP.c.folded == roles.folded(value)
    elif name == "externalid":
        found = (SCIM_USER if of_users else SCIM_GROUP).c.external_id == value
    elif name == "id" and is_id(value):
        found = (work.users if of_users else SCIM_GROUP).c.id == value
    return found


def _sort_key(asked: SearchRequest[Any], found: Resource[Any]) -> tuple[bool, Any, str]:
    value = asked.sort_value(found)
    return value is None, "" if value is None else value, str(found.id)
