"""Selections of figures → aggregates: groups with their keys, and functions over fields."""

from collections.abc import Iterator, Sequence
from typing import Any

from graphql import FieldNode, GraphQLObjectType, SelectionSetNode, get_named_type

from xrm_core.errors import BadQuery
from xrm_core.graphql import names
from xrm_core.graphql.arguments import Tree
from xrm_core.graphql.collecting import Collector
from xrm_core.graphql.meanings import AggregateField
from xrm_core.graphql.where import groups, predicate
from xrm_core.metadata.model import AMOUNT, Entity, Field
from xrm_core.metadata.predicate import Literal_
from xrm_core.query.request import Aggregate, AggregatePart, Count, GroupKey, KeyPart, Keys, Measures, TypeName


class Figures(Collector):
    """Translates selections of figures."""

    def aggregate(
        self, entity: Entity, arguments: dict[str, Tree], sets: Sequence[SelectionSetNode | None], type_: Any
    ) -> Aggregate:
        """The aggregate that a field asks for."""
        by = groups(self.model, entity, arguments.get("groupBy"))
        size = arguments.get("first")
        limit = self.demands.page_size(Literal_(self.demands.limits.largest_page) if size is None else size)
        where = predicate(self.model, entity, arguments.get("where"), self.demands)
        parts = tuple(self._figure(entity, by, key, nodes, type_) for key, nodes in self.collect(sets, type_).items())
        return Aggregate(entity.name, where, by, parts, limit)

    def _figure(
        self, entity: Entity, by: tuple[GroupKey, ...], key: str, nodes: list[FieldNode], type_: GraphQLObjectType
    ) -> AggregatePart:
        name = nodes[0].name.value
        if name == "__typename":
            return TypeName(key, type_.name)
        sets = [node.selection_set for node in nodes]
        inner = get_named_type(type_.fields[name].type)
        match self.meanings.get(type_.name, name):
            case AggregateField("key"):
                return Keys(key, tuple(self._keys(entity, by, (), sets, inner)))
            case AggregateField("count"):
                return Count(key)
            case AggregateField(function):
                return Measures(
                    key,
                    function,  # type: ignore[arg-type] # key and count are dealt with above
                    tuple(
                        TypeName(each, inner.name)
                        if fields[0].name.value == "__typename"
                        else (each, _measured(entity[names.model_name(entity, fields[0].name.value)]))
                        for each, fields in self.collect(sets, inner).items()
                    ),
                )
        raise BadQuery(f"The field {name} of {type_.name} cannot be read.")

    def _keys(
        self,
        entity: Entity,
        by: tuple[GroupKey, ...],
        path: tuple[str, ...],
        sets: Sequence[SelectionSetNode | None],
        type_: GraphQLObjectType,
    ) -> Iterator[KeyPart | TypeName]:
        for key, nodes in self.collect(sets, type_).items():
            graphql_name = nodes[0].name.value
            if graphql_name == "__typename":
                yield TypeName(key, type_.name)
                continue
            field = entity[names.model_name(entity, graphql_name)]
            if field.parts:
                inner = get_named_type(type_.fields[graphql_name].type)
                yield KeyPart(key, None, tuple(self._currency(field, by, path, nodes, inner)))
            elif field.relation is None:
                yield KeyPart(key, _known(GroupKey(path, field.name), by, graphql_name))
            else:
                inner = get_named_type(type_.fields[graphql_name].type)
                target = self.model[field.reference.targets[0]]
                parts = self._keys(target, by, (*path, field.name), [node.selection_set for node in nodes], inner)
                yield KeyPart(key, None, tuple(parts))

    def _currency(
        self,
        field: Field,
        by: tuple[GroupKey, ...],
        path: tuple[str, ...],
        nodes: Sequence[FieldNode],
        type_: GraphQLObjectType,
    ) -> Iterator[KeyPart | TypeName]:
        for key, fields in self.collect([node.selection_set for node in nodes], type_).items():
            name = fields[0].name.value
            if name == "__typename":
                yield TypeName(key, type_.name)
            else:
                yield KeyPart(key, _known(GroupKey(path, field.parts[name].name), by, f"{nodes[0].name.value}.{name}"))


def _known(group: GroupKey, by: tuple[GroupKey, ...], name: str) -> GroupKey:
    if group not in by:
        raise BadQuery(f"key.{name} is not one of the fields in groupBy.", hint="Add it there, or leave it out.")
    return group


def _measured(field: Field) -> str:
    """Figures over money are over its amounts."""
    return field.parts[AMOUNT].name if field.parts else field.name
