"""``where``, ``orderBy``, ``groupBy`` and paging arguments → the values of :mod:`xrm_core.query.request`."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from xrm_core import naming
from xrm_core.errors import BadQuery, QueryTooLarge
from xrm_core.graphql import names
from xrm_core.graphql.arguments import Tree, operand
from xrm_core.graphql.demands import Demands
from xrm_core.metadata.file_entity import FILE
from xrm_core.metadata.model import AMOUNT, Entity, Field, Inverse, Model
from xrm_core.metadata.predicate import (
    BLIND,
    EVERYTHING,
    FLAGS,
    All,
    Any_,
    Compare,
    Linked,
    Literal_,
    Not,
    OfFile,
    Op,
    Predicate,
    Related,
    Search,
)
from xrm_core.metadata.types import TEXTUAL, FieldType
from xrm_core.query.figures_request import GroupKey
from xrm_core.query.request import Order, Page, Period

MAX_FILTER_DEPTH = 20
MAX_CRITERIA = 20
"""Databases limit how long and how deep an expression may be; SQLite's limit of 1000 levels is the lowest."""


def predicate(model: Model, entity: Entity, tree: Tree, demands: Demands) -> Predicate:
    """A filter input as a predicate. None (absent or null) is everything.

    Raises:
        QueryTooLarge: the filter has too many conditions or nests too deep.
    """
    if tree is None:
        return EVERYTHING
    demands.conditions(conditions(tree))
    return _predicate(model, entity, tree)


def conditions(tree: Tree) -> int:
    """How many comparisons and groups of them a filter has.

    Raises:
        QueryTooLarge: it nests too deep.
    """
    return _size(tree, 1)


def _size(tree: Tree, depth: int) -> int:
    if not isinstance(tree, dict | list):
        return 1
    if depth > MAX_FILTER_DEPTH:
        raise QueryTooLarge(f"A filter nests at most {MAX_FILTER_DEPTH} levels deep.", hint="Ask for less at once.")
    if isinstance(tree, list):
        return sum(_size(each, depth) for each in tree)
    return 1 + sum(_size(each, depth + 1) for each in tree.values())


def _predicate(model: Model, entity: Entity, tree: Tree) -> Predicate:
    parts: list[Predicate] = []
    for name, value in tree.items():
        match name:
            case "and":
                parts.extend(_predicate(model, entity, each) for each in value or ())
            case "or":
                if value is not None:
                    parts.append(Any_(tuple(_predicate(model, entity, each) for each in value)))
            case "not":
                if value is not None:
                    parts.append(Not(_predicate(model, entity, value)))
            case "search":
                if value is not None:
                    parts.append(Search(operand(value)))
            case "isNull":
                raise BadQuery("isNull stands inside of a relation or a field, not on the record itself.")
            case _:
                parts.extend(_member(model, entity, names.model_name(entity, name), value))
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _member(model: Model, entity: Entity, name: str, value: Tree) -> list[Predicate]:
    if value is None:
        return []
    many = entity.inverses.get(name) or entity.links.get(name)
    if many is not None:
        target = model[many.entity if isinstance(many, Inverse) else many.target]
        return [
            Related(name, target.name, how, _predicate(model, target, part))
            for how, part in value.items()
            if part is not None
        ]
    field = entity[name]
    if field.type is FieldType.FILE:
        return list(_file(model, field, value))
    if field.parts:
        return list(_parts(field, value))
    if field.relation is None:
        return comparisons(field, value)
    return _relation(model, field, dict(value))


def _parts(field: Field, value: dict[str, Tree]) -> Iterator[Predicate]:
    for name, part in value.items():
        if name == Op.IS_NULL:
            yield compare(field.parts[AMOUNT], Op.IS_NULL, part)
        elif part is not None:
            yield from (compare(field.parts[name], Op(op), each) for op, each in part.items())


def _file(model: Model, field: Field, value: dict[str, Tree]) -> Iterator[Predicate]:
    for name, part in value.items():
        if name == Op.IS_NULL:
            yield compare(field, Op.IS_NULL, part)
        elif part is not None:
            yield OfFile(field.name, _predicate(model, FILE, {name: part}))


def _relation(model: Model, field: Field, value: dict[str, Tree]) -> list[Predicate]:
    parts: list[Predicate] = []
    if "isNull" in value:
        parts.append(_linked(field, value.pop("isNull")))
    if field.reference.polymorphic:
        for key, part in value.items():
            if part is not None:
                target = next(each for each in field.reference.targets if naming.camel(each) == key)
                parts.append(Related(field.name, target, "is", _predicate(model, model[target], part)))
    elif value or not parts:
        target = field.reference.targets[0]
        parts.append(Related(field.name, target, "is", _predicate(model, model[target], value)))
    return parts


def _linked(field: Field, value: Tree) -> Predicate:
    return EVERYTHING if value is None else Linked(field.name, value.value)


def comparisons(field: Field, value: dict[str, Tree]) -> list[Predicate]:
    """The comparisons of an input of operators.

    Raises:
        BadQuery: an operator takes no null, or cannot ignore what is to be ignored.
    """
    rest = dict(value)
    ignoring = rest.pop("ignoring", None)
    found = [compare(field, Op(op), each) for op, each in rest.items()]
    if ignoring is None:
        return found
    for op in rest:
        if op not in BLIND:
            raise BadQuery(f"{op} of {naming.camel(field.name)} cannot ignore anything.", hint="Leave one of them out.")
    return [replace(each, ignoring=ignoring) if isinstance(each, Compare) else each for each in found]


def compare(field: Field, op: Op, value: Tree) -> Predicate:
    """The comparison of a field with an operand, or with null.

    Raises:
        BadQuery: the operator takes no null.
    """
    if op in FLAGS:
        return EVERYTHING if value is None else Compare(field.name, op, value)
    if value is None:
        if op in (Op.EQ, Op.NE):
            return Compare(field.name, op, Literal_(None))
        raise BadQuery(f"{op} of {naming.camel(field.name)} cannot be null.", hint="Use isNull, or leave it out.")
    return Compare(field.name, op, operand(value))


def order(model: Model, entity: Entity, tree: Tree) -> tuple[Order, ...]:
    """``orderBy`` as sort criteria.

    Raises:
        BadQuery: a field that is no text is to be sorted as in a register.
    """
    found = []
    for item in criteria(tree, "orderBy"):
        path, leaf = path_of(model, entity, item, "orderBy")
        direction, _, alphabetical = str(leaf).partition("_")
        if alphabetical and _field_at(model, entity, path).type not in TEXTUAL:
            raise BadQuery(
                f"{'.'.join(map(naming.camel, path))} is no text, so it has no alphabetical order.",
                hint=f"Sort it by {direction}.",
            )
        plain = Order(path[:-1], path[-1], direction == "DESC")
        # What differs in case and accents alone is next to each other, but not in any order.
        found += [replace(plain, folded=True), plain] if alphabetical else [plain]
    return tuple(found)


def groups(model: Model, entity: Entity, tree: Tree) -> tuple[GroupKey, ...]:
    """``groupBy`` as group keys, each once."""
    found = []
    for item in criteria(tree, "groupBy"):
        path, leaf = path_of(model, entity, item, "groupBy")
        part: Any = None if leaf == "VALUE" else leaf
        if part == "DAY" and _field_at(model, entity, path).type is FieldType.DATE:
            part = None  # a date is a day
        found.append(GroupKey(path[:-1], path[-1], part))
    return tuple(dict.fromkeys(found))


def _field_at(model: Model, entity: Entity, path: tuple[str, ...]) -> Field:
    owner = entity
    for name in path[:-1]:
        owner = model[owner[name].reference.targets[0]]
    return owner[path[-1]]


def criteria(tree: Tree, where: str) -> Sequence[Any]:
    """The items of an argument, not too many.

    Raises:
        QueryTooLarge: there are.
    """
    if tree is not None and len(tree) > MAX_CRITERIA:
        raise QueryTooLarge(f"{where} has at most {MAX_CRITERIA} items, not {len(tree)}.")
    return tree or ()


def path_of(model: Model, entity: Entity, item: Any, where: str) -> tuple[tuple[str, ...], str]:
    """The names that lead to a field, and the word that stands at it.

    Raises:
        BadQuery: the item does not name exactly one field.
        QueryTooLarge: the path is too long.
    """
    path: list[str] = []
    owner = entity
    while isinstance(item, dict):
        if len(item) != 1:
            raise BadQuery(
                f"Each item of {where} names exactly one field, not {len(item)}.",
                hint=f"Write several fields as a list: {where}: [{{a: …}}, {{b: …}}].",
            )
        [(key, item)] = item.items()
        name = names.model_name(owner, key)
        path.append(name)
        if len(path) > MAX_FILTER_DEPTH:
            raise QueryTooLarge(f"{where} nests at most {MAX_FILTER_DEPTH} levels deep.")
        if isinstance(item, dict) and owner[name].parts:
            if len(item) != 1:
                raise BadQuery(f"Each item of {where} names exactly one field, not {len(item)}.")
            [(part, item)] = item.items()
            path[-1] = owner[name].parts[part].name
        elif isinstance(item, dict):
            owner = model[owner[name].reference.targets[0]]
    if item is None:
        raise BadQuery(f"An item of {where} is null.", hint="Leave it out.")
    return tuple(path), item


def period(arguments: dict[str, Tree]) -> Period:
    """``asOf`` as the time at which relationships are to hold: today if absent, any time if null."""
    if "asOf" not in arguments:
        return Period()
    return Period(always=True) if arguments["asOf"] is None else Period(arguments["asOf"])


def page(
    model: Model,
    entity: Entity,
    arguments: dict[str, Tree],
    order_: tuple[Order, ...],
    demands: Demands,
) -> Page:
    """``first``/``after`` or ``last``/``before`` as a page; the page size has a limit."""
    first, last = arguments.get("first"), arguments.get("last")
    after, before = arguments.get("after"), arguments.get("before")
    if (first is not None and last is not None) or (after is not None and before is not None):
        raise BadQuery("A page goes one way: first with after, or last with before.", hint="Leave out one of the two.")
    backward = last is not None or before is not None
    if backward and (first is not None or after is not None):
        raise BadQuery("first goes with after, last goes with before.", hint="Leave out one of the two.")
    size = last if backward else first
    cursor = before if backward else after
    place = None if cursor is None else demands.cursor(model, entity, order_, cursor)
    return Page(demands.page_size(size), backward, place)
