"""Selections of a document → the values of :mod:`xrm_core.query.request`: fragments, aliases, directives resolved."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
)

from xrm_core.errors import BadQuery
from xrm_core.graphql import names
from xrm_core.graphql.arguments import Arguments, Tree, operand
from xrm_core.graphql.demands import Demands
from xrm_core.graphql.meanings import (
    AggregateField,
    ConnectionField,
    EdgeField,
    FileField,
    FileFieldPart,
    InverseField,
    LabelField,
    LinkEdgeField,
    LinkField,
    Meanings,
    MoneyField,
    MoneyPart,
    NetworkField,
    NetworkFieldPart,
    PageInfoPart,
    RelationField,
    RelationshipsField,
    Root,
    ScalarField,
)
from xrm_core.graphql.where import groups, order, page, period, predicate
from xrm_core.metadata.model import AMOUNT, Entity, Field, Model
from xrm_core.metadata.predicate import Literal_, Param
from xrm_core.query.relationship_view import view
from xrm_core.query.request import (
    Aggregate,
    AggregatePart,
    Connection,
    ConnectionPart,
    Count,
    EdgePart,
    Edges,
    FilePart,
    FileValue,
    GroupKey,
    Item,
    KeyPart,
    Keys,
    Label,
    Measures,
    MoneyValue,
    Network,
    NetworkPart,
    Nodes,
    PageInfo,
    Record,
    Relationships,
    Request,
    Selection,
    ToMany,
    ToOne,
    TotalCount,
    TypeName,
    Value,
)

RECORD_ID = "record_id"
TYPE_KEY = "__xrm_type"
"""Key of the type in records of polymorphic relations, for the executor alone."""

Fields = dict[str, list[FieldNode]]
"""Response key → the fields of that key, whose selections are merged."""


class Selections:
    """Translates the selections of one operation.

    Args:
        model: the model.
        schema: graphql-core's view of the role's schema.
        meanings: what its fields stand for.
        fragments: fragments of the document by name.
        arguments: reads arguments.
        demands: holds sizes to limits.
        typenames: records of polymorphic relations carry their type, for the executor to tell them apart.
    """

    def __init__(
        self,
        model: Model,
        schema: GraphQLSchema,
        meanings: Meanings,
        fragments: Mapping[str, FragmentDefinitionNode],
        arguments: Arguments,
        demands: Demands,
        *,
        typenames: bool = False,
    ) -> None:
        self.model = model
        self.schema = schema
        self.meanings = meanings
        self.fragments = fragments
        self.arguments = arguments
        self.demands = demands
        self._typenames = typenames

    def collect(self, sets: Sequence[SelectionSetNode | None], type_: GraphQLObjectType) -> Fields:
        """The fields of selection sets on a type, by response key, in the order of the document."""
        found: Fields = {}
        for selections in sets:
            if selections is not None:
                self._collect(selections, type_, found, set())
        return found

    def _collect(self, selections: SelectionSetNode, type_: GraphQLObjectType, found: Fields, seen: set[str]) -> None:
        for node in selections.selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                found.setdefault(key, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if self._applies(node.type_condition.name.value if node.type_condition else None, type_):
                    self._collect(node.selection_set, type_, found, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                fragment = self.fragments[node.name.value]
                if self._applies(fragment.type_condition.name.value, type_):
                    self._collect(fragment.selection_set, type_, found, seen)

    def _included(self, node: Any) -> bool:
        for directive in node.directives or ():
            if directive.name.value in ("skip", "include"):
                value = self.arguments.is_true(directive.arguments[0].value)
                if value is (directive.name.value == "skip"):
                    return False
        return True

    def _applies(self, condition: str | None, type_: GraphQLObjectType) -> bool:
        if condition is None or condition == type_.name:
            return True
        named = self.schema.type_map.get(condition)
        return isinstance(named, GraphQLUnionType) and type_ in named.types

    # -- roots ------------------------------------------------------------------------------------------------------

    def root(self, root: Root, nodes: list[FieldNode], definition: GraphQLField) -> Request:
        """The request that a root field makes."""
        entity = self.model[root.entity]
        arguments = self.read(nodes[0], definition)
        type_: Any = get_named_type(definition.type)
        sets = [node.selection_set for node in nodes]
        match root.kind:
            case "connection":
                return self._connection(entity, arguments, sets, type_)
            case "aggregate":
                return self._aggregate(entity, arguments, sets, type_)
            case _:
                return Record(entity.name, operand(arguments["id"]), self.record(sets, type_))

    def changed(self, entity: str, nodes: list[FieldNode], definition: GraphQLField) -> Record:
        """The request for a record that a mutation has changed; its id arrives as the parameter :data:`RECORD_ID`."""
        type_: Any = get_named_type(definition.type)
        return Record(entity, Param(RECORD_ID), self.record([node.selection_set for node in nodes], type_))

    def read(self, node: FieldNode, definition: GraphQLField) -> dict[str, Tree]:
        """The arguments of a field."""
        return self.arguments.read(node.arguments or (), definition.args)

    # -- records ----------------------------------------------------------------------------------------------------

    def record(self, sets: Sequence[SelectionSetNode | None], type_: GraphQLObjectType) -> Selection:
        """A selection on a record."""
        return tuple(self._item(key, nodes, type_) for key, nodes in self.collect(sets, type_).items())

    def _item(self, key: str, nodes: list[FieldNode], type_: GraphQLObjectType) -> Item:
        name = nodes[0].name.value
        if name == "__typename":
            return TypeName(key, type_.name)
        sets = [node.selection_set for node in nodes]
        match self.meanings.get(type_.name, name):
            case ScalarField(field):
                return Value(key, field)
            case MoneyField(field):
                return MoneyValue(key, field, tuple(self._money_parts(sets, get_named_type(type_.fields[name].type))))
            case FileField(field):
                return FileValue(key, field, tuple(self._file_parts(sets, get_named_type(type_.fields[name].type))))
            case RelationField(field):
                return ToOne(key, field, dict(self._branches(sets, get_named_type(type_.fields[name].type))))
            case InverseField(inverse, target):
                definition = type_.fields[name]
                request = self._connection(
                    self.model[target], self.read(nodes[0], definition), sets, get_named_type(definition.type)
                )
                return ToMany(key, inverse, request)
            case LinkField(link, target, through):
                definition = type_.fields[name]
                arguments, inner = self.read(nodes[0], definition), get_named_type(definition.type)
                where = predicate(self.model, self.model[through], arguments.get("whereLink"), self.demands)
                request = self._connection(self.model[target], arguments, sets, inner)
                return ToMany(key, link, replace(request, where_link=where))
            case RelationshipsField():
                return self._relationships(key, nodes, type_)
            case NetworkField():
                return self._network(key, nodes, type_)
            case LabelField():
                given = self.read(nodes[0], type_.fields[name])
                return Label(key, operand(given.get("language") or Literal_("en")))
        raise BadQuery(f"The field {name} of {type_.name} cannot be read.")

    def _file_parts(
        self, sets: Sequence[SelectionSetNode | None], type_: GraphQLObjectType
    ) -> Iterator[tuple[str, FilePart] | TypeName]:
        for key, nodes in self.collect(sets, type_).items():
            meaning = self.meanings.get(type_.name, nodes[0].name.value)
            yield (key, meaning.part) if isinstance(meaning, FileFieldPart) else TypeName(key, type_.name)

    def _network(self, key: str, nodes: list[FieldNode], type_: GraphQLObjectType) -> Network:
        definition = type_.fields[nodes[0].name.value]
        arguments = self.read(nodes[0], definition)
        size, depth = self.demands.page_size(arguments.get("first")), self.demands.steps(arguments.get("depth"))
        inner: Any = get_named_type(definition.type)
        with self.demands.inside(size):
            fields = self.collect([node.selection_set for node in nodes], inner).items()
            parts = tuple(self._network_part(each, found, inner) for each, found in fields)
            with self.demands.inside(depth):
                pass  # every step may look at so many records
        return Network(key, depth, arguments.get("types"), period(arguments), size, parts)

    def _network_part(self, key: str, nodes: list[FieldNode], type_: GraphQLObjectType) -> NetworkPart:
        name = nodes[0].name.value
        match self.meanings.get(type_.name, name):
            case NetworkFieldPart(part):
                inner: Any = get_named_type(type_.fields[name].type)
                return NetworkPart(key, part, self.record([node.selection_set for node in nodes], inner))
        return NetworkPart(key, "__typename", name=type_.name)

    def _relationships(self, key: str, nodes: list[FieldNode], type_: GraphQLObjectType) -> Relationships:
        definition = type_.fields[nodes[0].name.value]
        arguments = self.read(nodes[0], definition)
        sets = [node.selection_set for node in nodes]
        inner = get_named_type(definition.type)
        request = self._connection(view(self.model), arguments, sets, inner)
        direction = arguments.get("direction")
        return Relationships(
            key, request, arguments.get("types"), None if direction == "BOTH" else direction, period(arguments)
        )

    def _money_parts(
        self, sets: Sequence[SelectionSetNode | None], type_: GraphQLObjectType
    ) -> Iterator[tuple[str, str] | TypeName]:
        for key, nodes in self.collect(sets, type_).items():
            meaning = self.meanings.get(type_.name, nodes[0].name.value)
            yield (key, meaning.part) if isinstance(meaning, MoneyPart) else TypeName(key, type_.name)

    def _branches(self, sets: Sequence[SelectionSetNode | None], type_: Any) -> Iterator[tuple[str, Selection]]:
        for member in type_.types if isinstance(type_, GraphQLUnionType) else (type_,):
            selection = self.record(sets, member)
            if self._typenames and isinstance(type_, GraphQLUnionType):
                selection = (TypeName(TYPE_KEY, member.name), *selection)
            yield self.meanings.entities[member.name], selection

    # -- connections ------------------------------------------------------------------------------------------------

    def _connection(
        self, entity: Entity, arguments: dict[str, Tree], sets: Sequence[SelectionSetNode | None], type_: Any
    ) -> Connection:
        by = order(self.model, entity, arguments.get("orderBy"))
        part = page(self.model, entity, arguments, by, self.demands)
        where = predicate(self.model, entity, arguments.get("where"), self.demands)
        with self.demands.inside(part.size):
            parts = tuple(self._part(key, nodes, type_) for key, nodes in self.collect(sets, type_).items())
        return Connection(entity.name, where, by, part, parts)

    def _part(self, key: str, nodes: list[FieldNode], type_: GraphQLObjectType) -> ConnectionPart:
        name = nodes[0].name.value
        if name == "__typename":
            return TypeName(key, type_.name)
        meaning = self.meanings.get(type_.name, name)
        sets = [node.selection_set for node in nodes]
        inner = get_named_type(type_.fields[name].type)
        match meaning:
            case ConnectionField("nodes"):
                return Nodes(key, self.record(sets, inner))
            case ConnectionField("edges"):
                return Edges(key, tuple(self._edge(*each, inner) for each in self.collect(sets, inner).items()))
            case ConnectionField("pageInfo"):
                return PageInfo(
                    key,
                    tuple(
                        (each, meaning.part)
                        if isinstance(meaning := self.meanings.get("PageInfo", fields[0].name.value), PageInfoPart)
                        else TypeName(each, "PageInfo")
                        for each, fields in self.collect(sets, inner).items()
                    ),
                )
        return TotalCount(key)

    def _edge(self, key: str, nodes: list[FieldNode], type_: GraphQLObjectType) -> EdgePart:
        name = nodes[0].name.value
        match self.meanings.get(type_.name, name):
            case EdgeField("node"):
                inner = get_named_type(type_.fields[name].type)
                sets = [node.selection_set for node in nodes]
                return EdgePart(key, "node", self.record(sets, inner))
            case EdgeField("cursor"):
                return EdgePart(key, "cursor")
            case LinkEdgeField(field):
                inner = get_named_type(type_.fields[name].type)
                if isinstance(inner, GraphQLObjectType):  # money
                    parts = tuple(self._money_parts([node.selection_set for node in nodes], inner))
                    return EdgePart(key, "link", (MoneyValue(key, field, parts),))
                return EdgePart(key, "link", (Value(key, field),))
        return EdgePart(key, "__typename", name=type_.name)

    # -- aggregates -------------------------------------------------------------------------------------------------

    def _aggregate(
        self, entity: Entity, arguments: dict[str, Tree], sets: Sequence[SelectionSetNode | None], type_: Any
    ) -> Aggregate:
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
