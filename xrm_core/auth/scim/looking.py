"""Filters and orders that the database does not know: how much of that one search may have done, one at a time."""

import threading
from contextlib import nullcontext
from typing import Any, TypeVar

from scim2_models import Resource, SearchRequest, TooManyException
from scim2_models.path.expressions import FilterNode, LogicalExpr, Not, ValuePath

MAX_COMPARISONS = 40_000
"""Comparisons of one search: up to a second of work, which slows down all tenants of the process."""

_FEW = 1000
"""Comparisons for which nobody waits: who names a user by a value that is looked up compares no more."""

_ONE_AT_A_TIME = threading.Lock()
_LISTS = ("emails", "groups", "roles", "members")

Found = TypeVar("Found")


def require_few(asked: SearchRequest[Any], count: int) -> None:
    """Refuse to compare so many. Raises TooManyException."""
    each = comparisons(asked)
    if count * each > MAX_COMPARISONS:
        raise TooManyException(
            detail=f"That would take more than {MAX_COMPARISONS} comparisons: {each} for each of {count} users, groups"
            " or values in them; compare less, or join userName, externalId, id, or the displayName of a group, "
            "compared by «eq», with the rest by «and»"
        )


def comparisons(asked: SearchRequest[Any]) -> int:
    """How much is compared of each user or group."""
    return (0 if asked.filter is None else _leaves(asked.filter.ast)) + (asked.sort_by is not None)


def chosen(asked: SearchRequest[Any], found: list[tuple[Found, Resource[Any]]]) -> list[tuple[Found, Resource[Any]]]:
    """What a filter holds for, in the order that is asked for.

    Raises:
        TooManyException: they have so many members, addresses or groups that it would be too much.
    """
    count = sum(_values(resource) for _, resource in found)
    require_few(asked, count)
    with _ONE_AT_A_TIME if count * comparisons(asked) > _FEW else nullcontext():
        if asked.filter is not None:
            found = [each for each in found if asked.filter.match(each[1])]
        if asked.sort_by is not None:
            backwards = asked.sort_order == SearchRequest.SortOrder.descending
            found = sorted(found, key=lambda each: _sort_key(asked, each[1]), reverse=backwards)
    return found


def _leaves(node: FilterNode) -> int:
    match node:
        case LogicalExpr():
            return sum(_leaves(each) for each in node.terms)
        case Not():
            return _leaves(node.expr)
        case ValuePath():
            return _leaves(node.val_filter)
    return 1


def _values(resource: Resource[Any]) -> int:
    """How many values of a resource a comparison may have to look at."""
    return max(1, *(len(getattr(resource, name, None) or ()) for name in _LISTS))


def _sort_key(asked: SearchRequest[Any], found: Resource[Any]) -> tuple[bool, Any, str]:
    value = asked.sort_value(found)
    return value is None, "" if value is None else value, str(found.id)
