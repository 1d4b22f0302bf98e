"""``having`` and ``orderBy`` of figures → the values of :mod:`xrm_core.query.figures_request`."""

from collections.abc import Iterator
from typing import Any

from xrm_core import naming
from xrm_core.errors import BadQuery
from xrm_core.graphql import names
from xrm_core.graphql.arguments import Tree
from xrm_core.graphql.demands import Demands
from xrm_core.graphql.where import comparisons, conditions, criteria, path_of
from xrm_core.metadata.model import AMOUNT, Entity, Field, Model
from xrm_core.metadata.predicate import EVERYTHING, All, Any_, Not, Predicate
from xrm_core.query import figures_view
from xrm_core.query.figures_request import Figure, GroupKey, GroupOrder


def measured(entity: Entity, graphql_name: str) -> Field:
    """The field that figures of this name are over; those over money are over its amounts."""
    field = entity[names.model_name(entity, graphql_name)]
    return field.parts[AMOUNT] if field.parts else field


def having(entity: Entity, tree: Tree, demands: Demands) -> Predicate:
    """A condition on groups. None (absent or null) is everything.

    Raises:
        QueryTooLarge: it has too many conditions or nests too deep.
    """
    if tree is None:
        return EVERYTHING
    demands.conditions(conditions(tree))
    return _having(entity, tree)


def _having(entity: Entity, tree: Tree) -> Predicate:
    parts: list[Predicate] = []
    for name, value in tree.items():
        if value is None:
            continue
        match name:
            case "and":
                parts.extend(_having(entity, each) for each in value)
            case "or":
                parts.append(Any_(tuple(_having(entity, each) for each in value)))
            case "not":
                parts.append(Not(_having(entity, value)))
            case "count":
                parts.extend(_compared(entity, Figure("count"), value))
            case _:
                for field, part in value.items():
                    if part is not None:
                        parts.extend(_compared(entity, Figure(name, measured(entity, field).name), part))
    return All(tuple(parts))


def _compared(entity: Entity, figure: Figure, value: dict[str, Tree]) -> Iterator[Predicate]:
    fields = {figure.field: entity[figure.field]} if figure.field else {}
    field = figures_view.view(entity, fields)[figures_view.name(figure)]
    return iter(comparisons(field, value))


def group_order(model: Model, entity: Entity, by: tuple[GroupKey, ...], tree: Tree) -> tuple[GroupOrder, ...]:
    """``orderBy`` of groups. Each item names one key or one figure.

    Raises:
        BadQuery: it does not, or the key is not one of ``by``.
    """
    return tuple(_criterion(model, entity, by, item) for item in criteria(tree, "orderBy"))


def _criterion(model: Model, entity: Entity, by: tuple[GroupKey, ...], item: dict[str, Any]) -> GroupOrder:
    [(name, value)] = _one(item)
    if name == "count":
        return GroupOrder(Figure("count"), _descending(value))
    if value is None:
        _descending(value)
    if name == "key":
        path, leaf = path_of(model, entity, value, "orderBy")
        return GroupOrder(_key(by, path), _descending(leaf))
    [(field, direction)] = _one(value)
    return GroupOrder(Figure(name, measured(entity, field).name), _descending(direction))  # type: ignore[arg-type] # a function


def _one(item: dict[str, Any]) -> list[tuple[str, Any]]:
    if len(item) != 1:
        raise BadQuery(
            f"Each item of orderBy names exactly one key or figure, not {len(item)}.",
            hint="Write several as a list: orderBy: [{count: DESC}, {key: {…: ASC}}].",
        )
    return list(item.items())


def _descending(direction: Any) -> bool:
    if direction is None:
        raise BadQuery("An item of orderBy is null.", hint="Leave it out.")
    if direction not in ("ASC", "DESC"):
        raise BadQuery("Groups have no alphabetical order.", hint="Sort them by ASC or DESC.")
    return bool(direction == "DESC")


def _key(by: tuple[GroupKey, ...], path: tuple[str, ...]) -> GroupKey:
    found = [group for group in by if (*group.path, group.field) == path]
    if len(found) == 1:
        return found[0]
    name = ".".join(naming.camel(each) for each in path)
    if found:
        raise BadQuery(f"orderBy names key.{name}, of which groupBy has several parts.", hint="Group by one of them.")
    raise BadQuery(f"orderBy names key.{name}, which is not in groupBy.", hint="Add it there, or leave it out.")
