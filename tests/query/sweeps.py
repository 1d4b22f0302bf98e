"""Everything that a list of a schema can be asked for, one by one: operators, orders, figures and groups."""

import random
from collections.abc import Iterator
from typing import Any

from graphql import GraphQLEnumType, GraphQLField, GraphQLInputObjectType, get_named_type, is_leaf_type

from tests.query.client_documents import ClientDocument

_LOGIC = ("and", "or", "not")


def filters(root: str, of: GraphQLField, drawn: ClientDocument) -> Iterator[str]:
    """Root fields: the list under each of its conditions."""
    for tree in conditions(of, drawn):
        yield f"{root}(where: {tree}) {{ nodes {{ id }} }}"


def conditions(of: GraphQLField, drawn: ClientDocument) -> Iterator[str]:
    """Each operator of each field of a list, with a drawn value, and a condition on each of its relations."""
    yield from _conditions(get_named_type(of.args["where"].type), drawn)


def _conditions(type_: Any, drawn: ClientDocument) -> Iterator[str]:
    for name, of in type_.fields.items():
        inner = get_named_type(of.type)
        if name in _LOGIC or (name == "isNull" and "and" in type_.fields):
            continue
        if name == "ignoring":
            for op in ("eq", "in", "contains", "endsWith"):
                value = drawn.value(op, type_.fields[op].type)
                yield from (f"{{{op}: {value}, ignoring: {each}}}" for each in inner.values)
        elif isinstance(inner, GraphQLInputObjectType) and not {"and", "some"} & inner.fields.keys():
            yield from (f"{{{name}: {each}}}" for each in _conditions(inner, drawn))
        else:
            yield f"{{{name}: {drawn.value(name, of.type)}}}"


def orders(root: str, of: GraphQLField) -> Iterator[str]:
    """Root fields: the list by each of its own fields, up and down."""
    for path in _paths(get_named_type(of.args["orderBy"].type), 2):
        for word in ("ASC", "DESC"):
            yield f"{root}(orderBy: [{_nested(path, word)}]) {{ nodes {{ id }} }}"


def values(root: str, of: GraphQLField) -> Iterator[str]:
    """The root field with all that records say themselves."""
    type_: Any = get_named_type(of.type)
    record: Any = get_named_type(type_.fields["nodes"].type)
    yield f"{root} {{ totalCount nodes {{ {' '.join(_leaves(record, 2))} }} }}"


def _leaves(type_: Any, depth: int) -> Iterator[str]:
    for name, of in type_.fields.items():
        inner: Any = get_named_type(of.type)
        if is_leaf_type(inner):
            yield name
        elif depth and inner.name in ("File", "Money"):
            yield f"{name} {{ {' '.join(_leaves(inner, 0))} }}"


def figures(root: str, of: GraphQLField) -> Iterator[str]:
    """Root fields: all figures at once, but for those of money, which may be refused: these one by one."""
    type_: Any = get_named_type(of.type)
    groups: Any = get_named_type(of.args["groupBy"].type)
    money = {name for name, each in groups.fields.items() if _is_money(each)}
    together = []
    for function, measure in type_.fields.items():
        inner: Any = get_named_type(measure.type)
        if function == "key" or is_leaf_type(inner):
            continue
        if names := [name for name in inner.fields if name not in money]:
            together.append(f"{function} {{ {' '.join(names)} }}")
        yield from (f"{root} {{ {function} {{ {name} }} }}" for name in inner.fields if name in money)
    yield f"{root} {{ count {' '.join(together)} }}"


def _is_money(of: Any) -> bool:
    inner: Any = get_named_type(of.type)
    return isinstance(inner, GraphQLInputObjectType) and "currency" in inner.fields and "id" not in inner.fields


def groups(root: str, of: GraphQLField, chance: random.Random) -> Iterator[str]:
    """Root fields: groups by each field in each of its parts."""
    keys: Any = get_named_type(of.args["groupBy"].type)
    for path in _paths(keys, 2):
        for part in _end(keys, path).values:
            key = _key(path, f"(part: {part})" if part != "VALUE" else "")
            more = chance.choice(["", ", totals: CUBE", ', timeZone: "America/St_Johns"', ', timeZone: "Asia/Tokyo"'])
            yield f"{root}(groupBy: [{_nested(path, part)}]{more}) {{ key {{ {key} }} count totalOver }}"


def _paths(type_: Any, depth: int) -> Iterator[tuple[str, ...]]:
    for name, of in type_.fields.items():
        inner: Any = get_named_type(of.type)
        if isinstance(inner, GraphQLEnumType):
            yield (name,)
        elif depth:
            yield from ((name, *path) for path in _paths(inner, depth - 1) if len(path) < depth)


def _end(type_: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        type_ = get_named_type(type_.fields[name].type)
    return type_


def _nested(path: tuple[str, ...], leaf: str) -> str:
    for name in reversed(path):
        leaf = f"{{{name}: {leaf}}}"
    return leaf


def _key(path: tuple[str, ...], part: str) -> str:
    found = f"{path[-1]}{part}"
    for name in reversed(path[:-1]):
        found = f"{name} {{ {found} }}"
    return found
