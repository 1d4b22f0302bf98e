"""Everything that introspection offers: each root field, with each value of each argument, one at a time."""

import random
import re
from collections.abc import Iterable, Iterator
from typing import TypeVar

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from tests.graphql.kit import uid

_T = TypeVar("_T")
Probes = dict[str, list[str]]
"""Name of a scalar → values as they stand in documents."""

PROBES: Probes = {
    "Int": ["800000000", "1", "-1"],
    "BigInt": ['"800000000"', "1"],
    "Float": ["0.5"],
    "Decimal": ['"800000000"'],
    "String": ['"zqa"', '"zqb"', '"T-00000"', '""'],
    "ID": [f'"{uid(number)}"' for number in (11, 13, 14, 15, 22, 31, 33, 52, 900, 990, 4711)],
    "Boolean": ["true", "false"],
    "Date": ['"2026-01-01"'],
    "DateTime": ['"2026-01-01T00:00:00Z"'],
}


def documents(schema: GraphQLSchema, depth: int, levels: int) -> Iterator[str]:
    """The documents; arguments nest as deep as ``depth`` says, records without arguments as deep as ``levels``."""
    for word, name, of in _roots(schema):
        yield _document(schema, word, name, of, {}, levels)
        for argument, given in of.args.items():
            for value in _values(given.type, depth):
                yield _document(schema, word, name, of, {argument: value}, 0)


def sample(schema: GraphQLSchema, number: int, chance: random.Random) -> list[str]:
    """Some of the documents: all queries without arguments, flat, a third of the number nested, so many with an
    argument, and half as many mutations, which come last.
    """
    roots = [each for each in _roots(schema) if each[0] == "query"]
    mutations = [each for each in _roots(schema) if each[0] == "mutation"]
    found = [_document(schema, *each, {}, 0) for each in roots]
    found += [_document(schema, *each, {}, 1) for each in chance.sample(roots, min(number // 3, len(roots)))]
    for kind, count in ((roots, number), (mutations, number // 2)):
        asked = [each for each in kind if each[2].args]
        for word, name, of in chance.choices(asked, k=count) if asked else ():
            argument = chance.choice(list(of.args))
            value = next(_values(of.args[argument].type, 3, chance), "null")
            found.append(_document(schema, word, name, of, {argument: value}, 0))
    return found


def _roots(schema: GraphQLSchema) -> Iterator[tuple[str, str, GraphQLField]]:
    for word, root in (("query", schema.query_type), ("mutation", schema.mutation_type)):
        yield from ((word, name, of) for name, of in (root.fields if root else {}).items())


def _document(schema: GraphQLSchema, word: str, name: str, of: GraphQLField, given: dict[str, str], levels: int) -> str:
    inner = _selection(schema, of.type, levels)
    if "groupBy" in given:
        inner = inner.removesuffix("}") + _key(given["groupBy"]) + "}"
    return f"{word} {{ {_call(name, of, given)}{inner} }}"


def _key(group: str) -> str:
    """What is grouped by, as it is selected: ``[{owner: {name: VALUE}}]`` → ``key { owner { name } }``."""
    selected = re.sub(r"(\w+): \{", r"\1 {", group.strip("[]"))
    return " key " + re.sub(r"(\w+): (\w+)", r"\1(part: \2)", selected).replace("(part: VALUE)", "") + " "


def _call(name: str, of: GraphQLField, given: dict[str, str]) -> str:
    """A field with these arguments, and with those that it must have."""
    needed = {
        key: next(_values(each.type, 1), "null")
        for key, each in of.args.items()
        if is_required_argument(each) and key not in given
    }
    arguments = ", ".join(f"{key}: {value}" for key, value in {**needed, **given}.items())
    return f"{name}({arguments})" if arguments else name


def _values(type_: GraphQLInputType, depth: int, chance: random.Random | None = None) -> Iterator[str]:
    """Values of a type, in each of which one thing is said; in a random order if ``chance`` is given."""

    def shuffled(found: Iterable[_T]) -> list[_T]:
        each = list(found)
        return each if chance is None else chance.sample(each, len(each))

    if isinstance(type_, GraphQLNonNull):
        yield from _values(type_.of_type, depth, chance)
    elif isinstance(type_, GraphQLList):
        yield from (f"[{value}]" for value in _values(type_.of_type, depth, chance))
    elif isinstance(type_, GraphQLEnumType):
        yield from shuffled(type_.values)
    elif isinstance(type_, GraphQLInputObjectType):
        fields = type_.fields.items() if depth > 0 else ()
        needed = [(key, each.type) for key, each in fields if isinstance(each.type, GraphQLNonNull)]
        required = {key: next(_values(each, depth - 1), "null") for key, each in needed}
        for key, each in shuffled(fields):
            for value in _values(each.type, depth - 1, chance):
                yield "{" + ", ".join(f"{name}: {part}" for name, part in {**required, key: value}.items()) + "}"
    else:
        yield from shuffled(PROBES.get(type_.name, ['"x"']))


def _selection(schema: GraphQLSchema, type_: GraphQLOutputType, depth: int) -> str:
    """All fields that need no arguments, as deep as ``depth`` says."""
    named = get_named_type(type_)
    if is_leaf_type(named):
        return ""
    if isinstance(named, GraphQLUnionType | GraphQLInterfaceType):
        inner = " ".join(
            f"... on {each.name}{_selection(schema, each, depth)}" for each in schema.get_possible_types(named)
        )
        return f" {{ __typename {inner} }}"
    assert isinstance(named, GraphQLObjectType)
    found = ["__typename"]
    for name, of in named.fields.items():
        if any(is_required_argument(each) for each in of.args.values()) or name == "key":
            continue
        # a page and its records count as one level
        inside = depth if name in ("nodes", "edges", "node") else depth - 1
        if is_leaf_type(get_named_type(of.type)) or name == "nodes" or (depth > 0 and name != "edges"):
            page = "(first: 3)" if "first" in of.args else ""
            found.append(f"{name}{page}{_selection(schema, of.type, inside)}")
    return f" {{ {' '.join(found)} }}"
