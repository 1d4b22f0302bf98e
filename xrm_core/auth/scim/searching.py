"""Searches. What names one user or group is looked up in the database; any other filter looks at all that there are."""

from collections.abc import Iterator, Sequence
from typing import Any

from scim2_models import Resource, ResourceType, SearchRequest, TooManyException
from scim2_models.path.expressions import CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator
from scim2_server.storage import SearchPage
from sqlalchemy import ColumnElement, Select, false, func, select

from xrm_core.auth.scim import groups, looking, people, roles
from xrm_core.auth.scim.dialects import is_kept
from xrm_core.auth.scim.work import Work, is_id
from xrm_core.storage.system import SCIM_GROUP, SCIM_MEMBER, SCIM_USER

MAX_LOOKED_AT = 10_000
"""Users or groups that a filter or an order by something else looks at."""

_FARTHEST = 2**31 - 1
"""Users or groups that are passed over at most: more there are not, and databases do not count on for ever."""


def search(work: Work, kinds: list[ResourceType], asked: SearchRequest[Any]) -> SearchPage:
    """A page of what was asked for.

    Raises:
        TooManyException: there are more than can be looked at, or shown in one answer.
    """
    count = asked.count if asked.count is not None else MAX_LOOKED_AT
    start = min(asked.start_index_0 or 0, _FARTHEST)
    if len(kinds) == 1 and asked.filter is None and asked.sort_by is None:
        query = _query(work, kinds[0])
        total = work.connection.scalar(select(func.count()).select_from(query.subquery())) or 0
        rows = work.connection.execute(query.order_by(*_order(work, kinds[0])).offset(start).limit(count)).all()
        return SearchPage(total, _shown(work, kinds[0], rows, members=_shows_members(kinds[0], asked)))
    looks = _looks_at_members(asked)
    candidates = {kind.name: _candidates(work, kind, asked) for kind in kinds}
    looking.require_few(asked, sum(map(len, candidates.values())))  # before they are loaded with all that they have
    loaded: list[tuple[tuple[ResourceType, Any], Resource[Any]]] = []
    for kind in kinds:
        rows = candidates[kind.name]
        loaded += [((kind, row), each) for row, each in zip(rows, _shown(work, kind, rows, members=looks), strict=True)]
    found = looking.chosen(asked, loaded)
    page = found[start : start + count]
    if looks:
        return SearchPage(len(found), [each for _, each in page])
    full: dict[str | None, Resource[Any]] = {}  # who is in which group is looked up for those only that are shown
    for kind in kinds:
        rows = [row for (other, row), _ in page if other is kind]
        full |= {each.id: each for each in _shown(work, kind, rows, members=_shows_members(kind, asked))}
    return SearchPage(len(found), [full[each.id] for _, each in page])


def _candidates(work: Work, kind: ResourceType, asked: SearchRequest[Any]) -> Sequence[Any]:
    """The rows of all that the filter can hold for."""
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
    return rows


def _query(work: Work, kind: ResourceType) -> Select[Any]:
    return people.query(work) if kind.name == "User" else select(SCIM_GROUP)


def _order(work: Work, kind: ResourceType) -> list[ColumnElement[Any]]:
    return [work.users.c.id if kind.name == "User" else SCIM_GROUP.c.id]


def _shown(work: Work, kind: ResourceType, rows: Sequence[Any], *, members: bool) -> list[Resource[Any]]:
    """What rows are, in their order; ``members``: with who is in which group."""
    of_users = kind.name == "User"
    if members:
        _require_room(work, (SCIM_MEMBER.c.user_id if of_users else SCIM_MEMBER.c.group_id), [row.id for row in rows])
    return [*(people.shown(work, rows, in_groups=members) if of_users else groups.shown(work, rows, members=members))]


def _require_room(work: Work, column: ColumnElement[Any], ids: Sequence[str]) -> None:
    """Refuse to load more than one answer may hold."""
    count = 0
    for part in (ids[start : start + 500] for start in range(0, len(ids), 500)):
        count += work.connection.scalar(select(func.count()).where(column.in_(part))) or 0
        if count > groups.MAX_MEMBERS:
            raise TooManyException(
                detail=f"One answer has at most {groups.MAX_MEMBERS} members of groups; ask for fewer at a time "
                "(count), or for groups without their members (excludedAttributes=members)"
            )


def _shows_members(kind: ResourceType, asked: SearchRequest[Any]) -> bool:
    """Whether what is asked for needs who is in which group; the version of a user does in any case."""
    if kind.name == "User":
        return True
    left_out = {str(path).casefold().rpartition(":")[2] for path in asked.excluded_attributes or []}
    wanted = {str(path).casefold().rpartition(":")[2].partition(".")[0] for path in asked.attributes or []}
    return "members" not in left_out and (not wanted or "members" in wanted)


def _looks_at_members(asked: SearchRequest[Any]) -> bool:
    """Whether a filter or an order cannot do without who is in which group."""
    words = f"{asked.filter} {asked.sort_by}".casefold()
    return any(name in words for name in ("members", "groups", "version"))


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
    elif name in {"members", "members.value"} and not of_users and is_id(value):
        found = SCIM_GROUP.c.id.in_(select(SCIM_MEMBER.c.group_id).where(SCIM_MEMBER.c.user_id == value))
    elif name == "externalid":
        found = (SCIM_USER if of_users else SCIM_GROUP).c.external_id == value
    elif name == "id" and is_id(value):
        found = (work.users if of_users else SCIM_GROUP).c.id == value
    return found
