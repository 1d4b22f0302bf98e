"""Random documents as clients write them, out of a role's schema: any field, any argument, any form.

They have aliases, fragments of each kind, @include and @skip, variables with defaults, nulls and absent ones, several
root fields and several operations. Some are wrong on purpose: what is asked of them is only that whoever answers says
the same.
"""

import json
import random
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
)

from tests.graphql.kit import uid

BESIDE = "introspected"
"""Key of the introspection that stands beside the records if it is asked for."""

_TEXTS = ["", "a", "b%", "ä", "\\", '"', "😀", "a\nb"]
_VALUES: dict[str, Sequence[Any]] = {
    "Int": [-(2**31), -7, 0, 1, 2, 30, 2**31 - 1],
    "Float": [0.5, 2],
    "String": _TEXTS,
    "ID": [uid(number) for number in (1, 2, 101, 102, 201, 999)] + ["x"],
    "Decimal": ["2.5", 2, "-0.01", "0.0000001", "12345678901234567890.5", "-99999999999999999999999", "1E+2"],
    "BigInt": ["0", 3, str(2**53 + 1), str(-(2**63)), str(2**63 - 1)],
    "Date": ["1999-12-31", "2000-01-01", "0001-01-01", "9999-12-31"],
    "DateTime": [
        *("2026-03-01T10:00:00Z", "2026-03-01T11:00:00.5+01:00", "2026-03-29T02:59:59.999999+02:00"),
        *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999-12:00"),
    ],
    "Time": ["08:30", "23:59:59.999999", "00:00:00"],
    "Duration": ["PT1H", "P2DT3H", "PT0S", "P1157407DT9H46M40S"],
    "CurrencyCode": ["EUR", "USD"],
}
_BY_NAME: dict[str, Sequence[Any]] = {
    "first": [0, *[1, 2, 3, 3, 3, 3, 4, 5, 50, 50, 50, 50, 50, 50] * 4, -1, 1001],
    "last": [0, *[1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 50] * 4, -1, 1001],
    "depth": [0, 1, 2],
    "timeZone": [*["Europe/Berlin", "America/St_Johns", "UTC"] * 20, "Nowhere"],
    "language": ["en", "de"],
}
_WRONG = ("nothing", "__schema", "id { id }", "__typename(of: 1)", "... on Nothing { id }", "...Nowhere", "id @skip")
"""What no type has, or what is not said so of it."""
_VARIABLE = re.compile(r"\$(v\d+)")


class Word(str):
    """An enum value, or a variable: stands in a document without quotes."""

    __slots__ = ()


class ClientDocument:
    """One document. ``text`` and ``variables`` are what a client sends, ``operation_name`` which of its operations.

    Args:
        schema: of the role that asks.
        roots: root fields to choose from.
        chance: decides.
        cursors: cursors out of earlier answers.
        values: by the name of a scalar what to choose from beside what there is for all, such as ids of records.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        roots: Mapping[str, GraphQLField],
        chance: random.Random,
        cursors: Sequence[str],
        values: Mapping[str, Sequence[Any]] = MappingProxyType({}),
    ) -> None:
        self._values = values
        self._roots = roots
        self._chance = chance
        self._cursors = cursors
        self._numbers = 0
        self._declared: list[str] = []
        self._fragments: list[str] = []
        self._schema = schema
        self.variables: dict[str, Any] = {}
        self._defaults: dict[str, Any] = {}
        self._operations = [self._operation() for _ in range(chance.choice([1, 1, 1, 2]))]
        named = len(self._operations) > 1 or chance.random() < 0.5
        self._names = [f"Q{number}" if named else "" for number in range(len(self._operations))]
        self.operation_name = (
            chance.choice([*self._names, None, "Q9"] if chance.random() < 0.03 else self._names) or None
        )

    def text(self, *, before: str = "", behind: str = "") -> str:
        """The document, with a root field before or behind the others."""
        parts = []
        for name, (declared, selected, fragments) in zip(self._names, self._operations, strict=True):
            head = f"query {name}{declared}" if name or declared else ""
            parts += [f"{head} {{ {before} {selected} {behind} }}", *fragments]
        return "\n".join(parts)

    def inlined(self) -> str | None:
        """The operation that is chosen, with values in place of its variables; None if one of them has none, or null:
        that may stand in fewer places than a variable that is null.
        """
        chosen = self._names.index(self.operation_name) if self.operation_name in self._names else 0
        _, selected, fragments = self._operations[chosen]
        text = "\n".join((f"{{ {selected} }}", *fragments))
        given = {**self._defaults, **self.variables}
        values = {name: value for name, value in given.items() if value is not None}
        if not {found[1] for found in _VARIABLE.finditer(text)} <= values.keys():
            return None
        return _VARIABLE.sub(lambda found: printed(values[found[1]]), text)

    def argument(self, root: str, name: str) -> str:
        """A value for an argument of a root field, as it stands in a document, without variables."""
        return self.value(name, self._roots[root].args[name].type)

    def value(self, name: str, type_: Any) -> str:
        """A value of a type for something of this name."""
        return printed(self._argument(name, type_, plain=True))

    def _operation(self) -> tuple[str, str, list[str]]:
        self._declared, self._fragments = [], []
        chosen = self._chance.choices(list(self._roots), k=self._chance.choice([1, 1, 2, 3]))
        selected = [self._dressed(self._field(name, self._roots[name], 5, aliased=True), "Query") for name in chosen]
        if self._chance.random() < 0.2:
            selected.insert(0, self._dressed(f"{self._new('t')}: __typename", "Query"))
        return f"({', '.join(self._declared)})" if self._declared else "", " ".join(selected), self._fragments

    def _new(self, letter: str) -> str:
        self._numbers += 1
        return f"{letter}{self._numbers}"

    # -- selections -------------------------------------------------------------------------------------------------

    def _selection(self, type_: Any, depth: int, *, aliased: bool = False, groups: Sequence[Any] = ()) -> str:
        if isinstance(type_, GraphQLUnionType | GraphQLInterfaceType):
            return self._abstract(type_, depth)
        fields = [each for each in type_.fields.items() if depth > 0 or is_leaf_type(get_named_type(each[1].type))]
        found = [f"{self._new('t') + ': ' if aliased else ''}__typename"] if self._chance.random() < 0.2 else []
        for name, of in self._chance.sample(fields, min(len(fields), self._chance.randint(1, 4))):
            if name == "key" and type_.name.endswith("Aggregate"):
                found += [f"{self._new('g')}: key {{ {self._key(each)} }}" for each in groups]
            else:
                found.append(self._field(name, of, depth - 1, aliased=aliased))
        if type_.interfaces and self._chance.random() < 0.1:
            found.append(f"... on {type_.interfaces[0].name} {{ {self._new('i')}: id }}")
        if self._chance.random() < 0.003:
            found.append(self._chance.choice([*_WRONG]))
        return f"{{ {' '.join(self._dressed(each, type_.name) for each in found) or '__typename'} }}"

    def _abstract(self, type_: GraphQLUnionType | GraphQLInterfaceType, depth: int) -> str:
        """A selection on a union or an interface: fragments on some of the types that it may be."""
        types = self._schema.get_possible_types(type_)
        members = self._chance.sample(types, self._chance.randint(0, min(4, len(types))))
        found = [f"... on {each.name} {self._selection(each, depth, aliased=True)}" for each in members]
        if isinstance(type_, GraphQLInterfaceType) and self._chance.random() < 0.5:
            found.insert(0, "id")
        elif isinstance(type_, GraphQLUnionType) and types[0].interfaces and self._chance.random() < 0.2:
            found.append(f"... on {types[0].interfaces[0].name} {{ id }}")
        if not found or self._chance.random() < 0.3:
            found.append(f"{self._new('t')}: __typename")
        return f"{{ {' '.join(self._dressed(each, type_.name) for each in found)} }}"

    def _field(self, name: str, of: GraphQLField, depth: int, *, aliased: bool = False) -> str:
        alias = f"{self._new('a')}: " if aliased or self._chance.random() < 0.3 else ""
        given = self._arguments(of)
        arguments = f"({', '.join(f'{each}: {printed(value)}' for each, value in given.items())})" if given else ""
        inner: Any = get_named_type(of.type)
        if is_leaf_type(inner):
            text = f"{alias}{name}{arguments}"
            return f"{text} {text}" if self._chance.random() < 0.1 else text
        groups = self._plain(given.get("groupBy")) or ()
        text = f"{alias}{name}{arguments} {self._selection(inner, depth, groups=groups)}"
        if self._chance.random() < 0.15:  # the same again, with something else asked of it
            text += f" {alias}{name}{arguments} {self._selection(inner, min(depth, 1), aliased=True, groups=groups)}"
        return text

    def _key(self, group: Any) -> str:
        """A key of figures as it is selected: ``{owner: {name: VALUE}}`` → ``owner { name }``."""
        if not isinstance(group, Mapping) or not group:
            return "__typename"
        [(name, inner), *_] = group.items()
        if isinstance(inner, Mapping):
            return f"{self._new('g')}: {name} {{ {self._key(inner)} }}"
        part = f"(part: {inner})" if inner not in ("VALUE", None) else ""
        return f"{self._new('g')}: {name}{part}"

    def _dressed(self, text: str, type_name: str) -> str:
        """Fields of a type as they are, or in a fragment, or under a condition."""
        draw = self._chance.random()
        if draw < 0.6:
            return text
        condition = ""
        if self._chance.random() < 0.4:
            value = self._argument("if", GraphQLNonNull(self._schema.type_map["Boolean"]))
            condition = f" @{self._chance.choice(['include', 'skip'])}(if: {printed(value)})"
        if draw < 0.7:
            return f"...{condition} {{ {text} }}"
        if draw < 0.8:
            return f"... on {type_name}{condition} {{ {text} }}"
        name = self._new("F")
        self._fragments.append(f"fragment {name} on {type_name} {{ {text} }}")
        return f"...{name}{condition}"

    # -- arguments --------------------------------------------------------------------------------------------------

    def _arguments(self, of: GraphQLField) -> dict[str, Any]:
        given: dict[str, Any] = {}
        ways = [*[("last", "before"), ("first", "after")] * 9, ()]
        left_out = self._chance.choice(ways if "last" in of.args else [()])
        for name, argument in of.args.items():
            wanted = self._chance.random() < (0.02 if name in ("after", "before") else 0.4)
            if (wanted and name not in left_out) or isinstance(argument.type, GraphQLNonNull):
                given[name] = self._argument(name, argument.type)
        return given

    def _argument(self, name: str, type_: Any, depth: int = 3, *, plain: bool = False) -> Any:
        """A value, some of it in variables unless it is to be ``plain``."""
        if plain or self._chance.random() < 0.7:
            return self._value(name, type_, depth, plain=plain)
        return self._variable(name, type_, depth)

    def _variable(self, name: str, type_: Any, depth: int) -> Word:
        found, value = self._new("v"), self._value(name, type_, depth, plain=True)
        nullable = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        draw = self._chance.random()
        if draw < 0.6:
            self._declared.append(f"${found}: {type_}")
            self.variables[found] = value
        elif draw < 0.8:
            self._declared.append(f"${found}: {nullable} = {printed(value)}")
            self._defaults[found] = value
            if draw < 0.65:
                self.variables[found] = self._value(name, nullable, depth, plain=True)
            elif draw < 0.67:
                self.variables[found] = None
        else:
            self._declared.append(f"${found}: {type_}")
            if draw < 0.9 and type_ is nullable:
                self.variables[found] = None
            elif type_ is not nullable or draw > 0.99:
                self.variables[found] = value if draw < 0.99 else {"no": "such"}
        return Word(f"${found}")

    def _plain(self, value: Any) -> Any:
        """What a variable stands for, as far as it is known."""
        if isinstance(value, Word) and value.startswith("$"):
            return self._plain(self.variables.get(value[1:]))
        if isinstance(value, list):
            return [self._plain(each) for each in value]
        return {key: self._plain(each) for key, each in value.items()} if isinstance(value, Mapping) else value

    def _value(self, name: str, type_: Any, depth: int, *, plain: bool) -> Any:
        if isinstance(type_, GraphQLNonNull):
            return self._value(name, type_.of_type, depth, plain=plain)
        if isinstance(type_, GraphQLList):
            if self._chance.random() < 0.1:  # one, as a list of it
                return self._value(name, type_.of_type, depth, plain=plain)
            return [
                self._argument(name, type_.of_type, depth, plain=plain)
                for _ in range(self._chance.choice([0, 1, 1, 2]))
            ]
        if isinstance(type_, GraphQLInputObjectType):
            return self._object(type_, depth, plain=plain)
        if isinstance(type_, GraphQLEnumType):
            values = [*type_.values]
            if type_.name == "OrderDirection" and self._chance.random() < 0.8:
                values = ["ASC", "DESC"]  # the others are for texts alone
            return Word(self._chance.choice(values))
        if name in ("after", "before"):
            return self._chance.choice([*self._cursors[-20:], "zz"])
        if name in ("search", "text") and self._chance.random() < 0.7:
            return self._searched()
        values = _BY_NAME.get(name) or [*_VALUES.get(type_.name, ()), *self._values.get(type_.name, ())]
        return self._chance.choice(values) if values else self._chance.random() < 0.5

    def _searched(self) -> str:
        """A text to search for: a part of one that there is, perhaps with a typo in it."""
        known: str = self._chance.choice(self._values.get("String") or _TEXTS)
        begin, size = self._chance.randint(0, len(known)), self._chance.choice([3, 5, 9, 20])
        text = known[begin // 2 :][:size]
        return text[1:2] + text[:1] + text[2:] if self._chance.random() < 0.2 else text

    def _object(self, type_: GraphQLInputObjectType, depth: int, *, plain: bool) -> dict[str, Any]:
        single = type_.name.endswith(("OrderBy", "GroupBy")) or "OrderBy" in type_.name
        names = [
            each
            for each, of in type_.fields.items()
            if (depth > 0 or not isinstance(get_named_type(of.type), GraphQLInputObjectType)) and each != "isNull"
        ]
        alone = not names and "and" not in type_.fields  # of a record itself it is not asked
        if "isNull" in type_.fields and (alone or (depth < 3 and self._chance.random() < 0.03)):
            names = ["isNull"]
        count = 1 if single and self._chance.random() < 0.99 else self._chance.choice([0, 1, 1, 2])
        chosen = self._chance.sample(names, min(count, len(names)))
        required = [each for each, of in type_.fields.items() if isinstance(of.type, GraphQLNonNull)]
        return {
            each: self._argument(each, type_.fields[each].type, depth - 1, plain=plain)
            for each in dict.fromkeys((*required, *chosen))
        }


def printed(value: Any) -> str:
    """A value as it stands in a document."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {printed(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(printed(each) for each in value) + "]"
    return str(value) if isinstance(value, Word) else json.dumps(value)
