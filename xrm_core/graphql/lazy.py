"""A GraphQL schema that looks at its types when they are needed, not all of them at its start.

graphql-core's own schema walks through all types when it is made, which for 500 entities takes seconds and hundreds of
MiB. Validation and execution need few of them: they follow the fields of a document, and look up by name the types that
stand in it (of variables, of fragments). Only who wants all of them (introspection, printing) makes all of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from threading import RLock
from types import MappingProxyType
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    GraphQLUnionType,
    get_named_type,
    specified_directives,
)
from graphql.type import introspection_types
from graphql.type.schema import InterfaceImplementations

Makers = Mapping[str, Callable[[], Any]]
"""Name → function that gives the type of that name."""


class LazySchema(GraphQLSchema):
    """The schema of some root types.

    Args:
        query: root of queries.
        mutation: root of mutations.
        subscription: root of subscriptions.
        known: types that documents name most, so that looking one up does not make all of them.
        implementations: each interface by name, with the types that implement it.
    """

    def __init__(
        self,
        query: GraphQLObjectType,
        mutation: GraphQLObjectType | None,
        known: Makers,
        implementations: Mapping[str, Iterable[GraphQLObjectType]] = MappingProxyType({}),
        subscription: GraphQLObjectType | None = None,
    ) -> None:
        # Not super().__init__, which walks through all types.
        self.assume_valid = True
        self._validation_errors = []  # generated names and types are checked where they are made, and by tests
        self.description = None
        self.extensions = {}
        self.ast_node = None
        self.extension_ast_nodes = ()
        self.query_type = query
        self.mutation_type = mutation
        self.subscription_type = subscription
        self.directives = specified_directives
        self._sub_type_map = {}
        self._implementations_map = {
            name: InterfaceImplementations(list(types), []) for name, types in implementations.items()
        }
        self.type_map = _TypeMap(self, known)

    def every_type(self) -> dict[str, GraphQLNamedType]:
        """All types by name, in alphabetical order.

        Raises:
            TypeError: two types have the same name.
        """
        roots = [
            self.query_type,
            self.mutation_type,
            self.subscription_type,
            *introspection_types.values(),
            GraphQLString,
        ]
        waiting: list[Any] = [root for root in roots if root is not None]
        waiting += [argument.type for directive in self.directives for argument in directive.args.values()]
        found: dict[str, GraphQLNamedType] = {}
        done: set[GraphQLNamedType] = set()
        while waiting:  # not by recursion: relations make chains of types as long as a model is large
            type_ = get_named_type(waiting.pop())
            if found.setdefault(type_.name, type_) is not type_:
                raise TypeError(f"two types are called {type_.name}")
            if type_ not in done:
                done.add(type_)
                waiting += _mentioned(type_)
        return dict(sorted(found.items()))


def _mentioned(type_: GraphQLNamedType) -> Iterator[Any]:
    if isinstance(type_, GraphQLUnionType):
        yield from type_.types
    if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        yield from type_.interfaces
        for field in type_.fields.values():
            yield field.type
            yield from (argument.type for argument in field.args.values())
    if isinstance(type_, GraphQLInputObjectType):
        yield from (field.type for field in type_.fields.values())


class _TypeMap(dict[str, GraphQLNamedType]):
    """The types by name; those that nobody has asked for yet are not in it."""

    def __init__(self, schema: LazySchema, known: Makers) -> None:
        super().__init__(introspection_types)
        roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
        self.update({root.name: root for root in roots if root is not None})
        arguments = (argument for directive in schema.directives for argument in directive.args.values())
        scalars = (GraphQLString, *(get_named_type(argument.type) for argument in arguments))
        self.update({scalar.name: scalar for scalar in scalars})
        self._schema = schema
        self._known = known
        self._lock = RLock()
        self._complete = False

    def _all(self) -> None:
        with self._lock:
            if not self._complete:
                found = self._schema.every_type()
                self.clear()
                self.update(found)
                self._complete = True

    def _find(self, name: object) -> bool:
        if dict.__contains__(self, name):
            return True
        if isinstance(name, str) and name in self._known and not self._complete:
            self[name] = self._known[name]()
            return True
        self._all()
        return dict.__contains__(self, name)

    def __contains__(self, name: object) -> bool:
        return self._find(name)

    def __getitem__(self, name: str) -> GraphQLNamedType:
        self._find(name)
        return dict.__getitem__(self, name)

    def get(self, name: str, default: Any = None) -> Any:
        """The type of that name, or the default."""
        return dict.__getitem__(self, name) if self._find(name) else default

    def __iter__(self) -> Iterator[str]:
        self._all()
        return dict.__iter__(self)

    def __len__(self) -> int:
        self._all()
        return dict.__len__(self)

    def keys(self) -> Any:
        """All names."""
        self._all()
        return dict.keys(self)

    def values(self) -> Any:
        """All types."""
        self._all()
        return dict.values(self)

    def items(self) -> Any:
        """All of both."""
        self._all()
        return dict.items(self)
