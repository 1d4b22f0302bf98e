"""Selections of a document → the values of :mod:`xrm_core.query.request`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    SelectionSetNode,
    get_named_type,
)

from xrm_core.errors import BadQuery
from xrm_core.graphql.arguments import Arguments, Tree, length_of, operand
from xrm_core.graphql.costs import AS_OF, CHANGE, CHANGES, SHARES, WRITTEN, look_up
from xrm_core.graphql.demands import Demands
from xrm_core.graphql.hits import HitReader
from xrm_core.graphql.meanings import (
    AsOfField,
    ConnectionField,
    EdgeField,
    FiguresField,
    FileField,
    FileFieldPart,
    HistoryField,
    HistoryPart,
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
    ShareField,
    SharesField,
)
from xrm_core.graphql.nested_costs import nested_in
from xrm_core.graphql.scans import rollups, scans_of, scans_of_keys
from xrm_core.graphql.where import order, page, period, predicate
from xrm_core.metadata.model import Entity, Model
from xrm_core.metadata.predicate import Literal_, Param, Predicate
from xrm_core.query.figures_request import Aggregate
from xrm_core.query.network import EDGES_PER_NODE
from xrm_core.query.relationship_view import view
from xrm_core.query.request import (
    AsOf,
    CauseParts,
    ChangeParts,
    Connection,
    ConnectionPart,
    EdgePart,
    Edges,
    Figures,
    FilePart,
    FileValue,
    History,
    Item,
    Label,
    MoneyValue,
    Network,
    NetworkPart,
    Nodes,
    PageInfo,
    Relationships,
    Selection,
    Shares,
    ToMany,
    ToOne,
    TotalCount,
    TypeName,
    Value,
)
from xrm_core.query.roots import AnyRecord, AnyRecords, Record, Request
from xrm_core.records.bulk import MOST

RECORD_ID = "record_id"
TYPE_KEY = "__xrm_type"
"""Key of the type in records of unions and interfaces, for the executor alone."""


class Selections(HitReader):
    """Translates the selections of one operation.

    Args:
        model: the model.
        schema: graphql-core's view of the role's schema.
        meanings: what its fields stand for.
        fragments: fragments of the document by name.
        arguments: reads arguments.
        demands: holds sizes to limits.
        typenames: records of unions and interfaces carry their type, for the executor to tell them apart.
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
        super().__init__(model, schema, meanings, fragments, arguments, demands)
        self._typenames = typenames

    # -- roots ------------------------------------------------------------------------------------------------------

    def root(self, root: Root, nodes: list[FieldNode], definition: GraphQLField) -> Request:
        """The request that a root field makes."""
        arguments = self.read(nodes[0], definition)
        type_: Any = get_named_type(definition.type)
        sets = [node.selection_set for node in nodes]
        costs = self.demands.costs
        with costs.at(response_key(nodes)):
            match root.kind:
                case "node":
                    costs.add(look_up(self._entities(type_)))
                    with costs.inside():
                        return AnyRecord(operand(arguments["id"]), dict(self.branches(sets, type_)))
                case "nodes":
                    with costs.inside(self.demands.ids(arguments["ids"], self._entities(type_))):
                        return AnyRecords(arguments["ids"], dict(self.branches(sets, type_)))
                case "search":
                    return self.search(definition, arguments, sets)
                case "connection":
                    return self._connection(self.model[root.entity], arguments, sets, type_)
                case "trash":
                    costs.scans(1)  # its records lie among those of all entities
                    return replace(self._connection(self.model[root.entity], arguments, sets, type_), trashed=True)
                case "aggregate":
                    return self.aggregate(self.model[root.entity], arguments, sets, type_)
                case _:
                    costs.add(1)
                    with costs.inside():
                        merged = root.kind == "merged_into"
                        return Record(root.entity, operand(arguments["id"]), self.record(sets, type_), merged)

    def changed(self, entity: str, nodes: list[FieldNode], definition: GraphQLField) -> Record:
        """The request for a record that a mutation has changed; its id arrives as the parameter :data:`RECORD_ID`."""
        type_: Any = get_named_type(definition.type)
        costs = self.demands.costs
        with costs.at(response_key(nodes)):
            costs.add(CHANGE + 1)
            self._nested(nodes[0], definition)
            with costs.inside():
                return Record(entity, Param(RECORD_ID), self.record([node.selection_set for node in nodes], type_))

    def upserted(self, nodes: list[FieldNode], definition: GraphQLField) -> None:
        """What it costs to write a record by key, and to answer with it."""
        type_: Any = get_named_type(definition.type)
        costs = self.demands.costs
        with costs.at(response_key(nodes)):
            costs.add(CHANGE)
            self._nested(nodes[0], definition)
            for key, inner in self.each([node.selection_set for node in nodes], type_):
                if isinstance(self.meanings.get(type_.name, inner[0].name.value), Root):
                    with costs.at(key), costs.inside():
                        costs.add(1)
                        record: Any = get_named_type(type_.fields[inner[0].name.value].type)
                        self.record([node.selection_set for node in inner], record)

    def written(self, entity: Entity, nodes: list[FieldNode], definition: GraphQLField) -> None:
        """What it costs to write many records: a point each; those that a filter finds may be as many as can be."""
        costs = self.demands.costs
        with costs.at(response_key(nodes)):
            costs.add(CHANGE)
            self._nested(nodes[0], definition)
            links = nested_in(nodes[0], definition, "set")  # each of the records gets them
            for argument in ("input", "ids"):
                length = length_of(nodes[0], argument)
                if length is not None:
                    costs.add(WRITTEN, length)
                    if links is not None:
                        costs.add(WRITTEN, length, links)
            filters = tuple(each for each in nodes[0].arguments or () if each.name.value == "where")
            where = self.arguments.read(filters, definition.args).get("where")
            if where is not None:
                found = predicate(self.model, entity, where, self.demands)
                costs.add(WRITTEN * MOST)
                if links is not None:
                    costs.add(WRITTEN * MOST, links)
                costs.scans(1 + scans_of(self.model, entity, found))

    def _nested(self, node: FieldNode, definition: GraphQLField, argument: str = "input") -> None:
        """A point for each record that is created together with another, and for each link."""
        count = nested_in(node, definition, argument)
        if count is not None:
            self.demands.costs.add(WRITTEN, count)

    def _entities(self, type_: Any) -> int:
        return len(self.schema.get_possible_types(type_))

    def read(self, node: FieldNode, definition: GraphQLField) -> dict[str, Tree]:
        """The arguments of a field."""
        return self.arguments.read(node.arguments or (), definition.args)

    # -- records ----------------------------------------------------------------------------------------------------

    def record(self, sets: Sequence[SelectionSetNode | None], type_: GraphQLObjectType) -> Selection:
        """A selection on a record."""
        return tuple(self._item(key, nodes, type_) for key, nodes in self.each(sets, type_))

    def _item(self, key: str, nodes: list[FieldNode], type_: GraphQLObjectType) -> Item:
        name = nodes[0].name.value
        if name == "__typename":
            return TypeName(key, type_.name)
        sets = [node.selection_set for node in nodes]
        costs = self.demands.costs
        match self.meanings.get(type_.name, name):
            case ScalarField(field):
                owner = self.model.entities.get(self.meanings.entities.get(type_.name, ""))
                costs.scans(0 if owner is None else rollups(owner, owner[field]))
                return Value(key, field)
            case MoneyField(field):
                return MoneyValue(key, field, tuple(self._money_parts(sets, get_named_type(type_.fields[name].type))))
            case FileField(field):
                costs.add(1)
                return FileValue(key, field, tuple(self._file_parts(sets, get_named_type(type_.fields[name].type))))
            case RelationField(field):
                costs.add(1)
                return ToOne(key, field, dict(self.branches(sets, get_named_type(type_.fields[name].type))))
            case InverseField(inverse, target):
                definition = type_.fields[name]
                request = self._connection(
                    self.model[target], self.read(nodes[0], definition), sets, get_named_type(definition.type)
                )
                return ToMany(key, inverse, request)
            case LinkField(link, target, through):
                definition = type_.fields[name]
                arguments, inner = self.read(nodes[0], definition), get_named_type(definition.type)
                where = self._where_link(through, arguments)
                request = self._connection(self.model[target], arguments, sets, inner)
                return ToMany(key, link, replace(request, where_link=where))
            case FiguresField(inverse, target, through):
                return Figures(key, inverse, self._figures(self.model[target], through, nodes, type_.fields[name]))
            case RelationshipsField():
                return self._relationships(key, nodes, type_)
            case NetworkField():
                return self._network(key, nodes, type_)
            case LabelField():
                given = self.read(nodes[0], type_.fields[name])
                return Label(key, operand(given.get("language") or Literal_("en")))
            case SharesField():
                costs.add(SHARES)
                return Shares(key, tuple(self._share_parts(sets, get_named_type(type_.fields[name].type))))
            case AsOfField(fields):
                definition = type_.fields[name]
                costs.add(AS_OF)
                parts = self._pairs_of(sets, get_named_type(definition.type))
                return AsOf(key, operand(self.read(nodes[0], definition)["at"]), fields, tuple(parts))
            case HistoryField(fields):
                return self._history(key, nodes, type_, fields)
        raise BadQuery(f"The field {name} of {type_.name} cannot be read.")

    def _history(
        self, key: str, nodes: list[FieldNode], type_: GraphQLObjectType, fields: Mapping[str, str]
    ) -> History:
        definition = type_.fields[nodes[0].name.value]
        arguments = self.read(nodes[0], definition)
        size, before = self.demands.page_size(arguments.get("first")), arguments.get("before")
        self.demands.costs.add(CHANGES, size)
        parts = self._history_parts([node.selection_set for node in nodes], get_named_type(definition.type))
        return History(key, size, None if before is None else operand(before), fields, tuple(parts))

    def _history_parts(
        self, sets: Sequence[SelectionSetNode | None], type_: GraphQLObjectType
    ) -> Iterator[tuple[str, str] | ChangeParts | CauseParts | TypeName]:
        for key, nodes in self.each(sets, type_):
            meaning = self.meanings.get(type_.name, nodes[0].name.value)
            if not isinstance(meaning, HistoryPart):
                yield TypeName(key, type_.name)
            elif meaning.part in ("changes", "causes"):
                inner = self._pairs_of(
                    [node.selection_set for node in nodes], get_named_type(type_.fields[meaning.part].type)
                )
                yield (ChangeParts if meaning.part == "changes" else CauseParts)(key, tuple(inner))
            else:
                yield key, meaning.part

    def _pairs_of(
        self, sets: Sequence[SelectionSetNode | None], type_: GraphQLObjectType
    ) -> Iterator[tuple[str, str] | TypeName]:
        for key, nodes in self.each(sets, type_):
            meaning = self.meanings.get(type_.name, nodes[0].name.value)
            yield (key, meaning.part) if isinstance(meaning, HistoryPart) else TypeName(key, type_.name)

    def _figures(
        self, entity: Entity, through: str | None, nodes: list[FieldNode], definition: GraphQLField
    ) -> Aggregate:
        arguments, sets = self.read(nodes[0], definition), [node.selection_set for node in nodes]
        found = self.aggregate(entity, arguments, sets, get_named_type(definition.type), nested=True)
        return found if through is None else replace(found, where_link=self._where_link(through, arguments))

    def _where_link(self, through: str, arguments: dict[str, Tree]) -> Predicate:
        where = predicate(self.model, self.model[through], arguments.get("whereLink"), self.demands)
        self.demands.costs.scans(scans_of(self.model, self.model[through], where))
        return where

    def _file_parts(
        self, sets: Sequence[SelectionSetNode | None], type_: GraphQLObjectType
    ) -> Iterator[tuple[str, FilePart] | TypeName]:
        for key, nodes in self.collect(sets, type_).items():
            meaning = self.meanings.get(type_.name, nodes[0].name.value)
            yield (key, meaning.part) if isinstance(meaning, FileFieldPart) else TypeName(key, type_.name)

    def _share_parts(
        self, sets: Sequence[SelectionSetNode | None], type_: GraphQLObjectType
    ) -> Iterator[tuple[str, str] | TypeName]:
        for key, nodes in self.collect(sets, type_).items():
            meaning = self.meanings.get(type_.name, nodes[0].name.value)
            yield (key, meaning.part) if isinstance(meaning, ShareField) else TypeName(key, type_.name)

    def _network(self, key: str, nodes: list[FieldNode], type_: GraphQLObjectType) -> Network:
        definition = type_.fields[nodes[0].name.value]
        arguments = self.read(nodes[0], definition)
        size, depth = self.demands.page_size(arguments.get("first")), self.demands.steps(arguments.get("depth"))
        inner: Any = get_named_type(definition.type)
        self.demands.walk(size, depth)
        with self.demands.costs.inside(size):
            fields = self.each([node.selection_set for node in nodes], inner)
            parts = tuple(self._network_part(each, found, inner) for each, found in fields)
        return Network(key, depth, arguments.get("types"), period(arguments), size, parts)

    def _network_part(self, key: str, nodes: list[FieldNode], type_: GraphQLObjectType) -> NetworkPart:
        name = nodes[0].name.value
        match self.meanings.get(type_.name, name):
            case NetworkFieldPart(part):
                inner: Any = get_named_type(type_.fields[name].type)
                with self.demands.costs.inside(Literal_(EDGES_PER_NODE if part == "edges" else 1)):
                    self.demands.costs.add(1)
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

    def branches(self, sets: Sequence[SelectionSetNode | None], type_: Any) -> Iterator[tuple[str, Selection]]:
        """The selections on a record type, or on each of those that a union or an interface stands for, by entity."""
        abstract = isinstance(type_, GraphQLUnionType | GraphQLInterfaceType)
        for member in self.schema.get_possible_types(type_) if abstract else (type_,):
            selection = self.record(sets, member)
            if self._typenames and abstract:
                selection = (TypeName(TYPE_KEY, member.name), *selection)
            yield self.meanings.entities[member.name], selection

    # -- connections ------------------------------------------------------------------------------------------------

    def _connection(
        self, entity: Entity, arguments: dict[str, Tree], sets: Sequence[SelectionSetNode | None], type_: Any
    ) -> Connection:
        by = order(self.model, entity, arguments.get("orderBy"))
        part = page(self.model, entity, arguments, by, self.demands)
        where = predicate(self.model, entity, arguments.get("where"), self.demands)
        costs = self.demands.costs
        with costs.inside(part.size):
            parts = tuple(self._part(key, nodes, type_) for key, nodes in self.each(sets, type_))
        costs.add(_copies(parts), part.size)
        counts = sum(isinstance(each, TotalCount) for each in parts)
        costs.scans(counts + scans_of(self.model, entity, where) + scans_of_keys(self.model, entity, by))
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
                return Edges(key, tuple(self._edge(*each, inner) for each in self.each(sets, inner)))
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


def _copies(parts: Sequence[ConnectionPart]) -> int:
    """How often a list answers with the records of its page: one that is asked for in several ways, in each of them."""
    found = 0
    for part in parts:
        if isinstance(part, Edges):
            found += max(1, sum(each.part == "node" for each in part.parts))
        else:
            found += isinstance(part, Nodes)
    return found or any(isinstance(part, PageInfo) for part in parts)


def response_key(nodes: Sequence[FieldNode]) -> str:
    """The key in the answer of a field, all of whose nodes have the same."""
    return (nodes[0].alias or nodes[0].name).value
