"""Selections of figures → aggregates: groups with their keys, and functions over fields."""

from collections.abc import Iterator, Sequence
from typing import Any

from graphql import FieldNode, GraphQLObjectType, SelectionSetNode, get_named_type

from xrm_core import naming
from xrm_core.errors import BadQuery, QueryTooLarge
from xrm_core.graphql import names
from xrm_core.graphql.arguments import Tree
from xrm_core.graphql.collecting import Collector
from xrm_core.graphql.having import group_order, having, measured
from xrm_core.graphql.meanings import AggregateField
from xrm_core.graphql.scans import SLOW, rollups, scans_of, scans_of_keys
from xrm_core.graphql.where import groups, predicate
from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.predicate import Literal_, Param, Predicate
from xrm_core.metadata.types import FieldType
from xrm_core.query.figures_request import (
    Aggregate,
    AggregatePart,
    Count,
    GroupKey,
    KeyPart,
    Keys,
    Measures,
    Over,
    Totals,
)
from xrm_core.query.request import TypeName

MAX_CUBE = 5
"""Keys of a cube: it has a set of groups for each combination of them."""


class GroupReader(Collector):
    """Translates selections of figures."""

    def aggregate(
        self,
        entity: Entity,
        arguments: dict[str, Tree],
        sets: Sequence[SelectionSetNode | None],
        type_: Any,
        *,
        nested: bool = False,
    ) -> Aggregate:
        """The aggregate that a field asks for; ``nested``: of the records of a relation."""
        by = groups(self.model, entity, arguments.get("groupBy"))
        totals = arguments.get("totals") if by else None
        if totals == "CUBE" and len(by) > MAX_CUBE:
            raise QueryTooLarge(f"totals: CUBE takes at most {MAX_CUBE} keys, not {len(by)}.", hint="Use ROLLUP.")
        where = predicate(self.model, entity, arguments.get("where"), self.demands)
        parts = tuple(self._figure(entity, by, key, nodes, type_) for key, nodes in self.collect(sets, type_).items())
        self._add_scans(entity, where, by, parts, totals)
        return Aggregate(
            entity.name,
            where,
            by,
            parts,
            self._limit(arguments.get("first"), by, nested=nested),
            having(entity, arguments.get("having"), self.demands),
            group_order(self.model, entity, by, arguments.get("orderBy")),
            totals,
            self.demands.zone(arguments.get("timeZone")),
        )

    def _add_scans(
        self,
        entity: Entity,
        where: Predicate,
        by: tuple[GroupKey, ...],
        parts: Sequence[AggregatePart],
        totals: Totals | None,
    ) -> None:
        """One for each set of groups; more for what has to be worked out for each record first."""
        sets = {None: 1, "ROLLUP": len(by) + 1, "CUBE": 2 ** len(by)}[totals]
        measured_fields = (field for part in parts if isinstance(part, Measures) for field in _fields(part))
        worked_out = SLOW * sum(rollups(entity, entity[name]) for name in measured_fields)
        keys = scans_of_keys(self.model, entity, by)
        self.demands.costs.scans(sets + scans_of(self.model, entity, where) + keys + worked_out)

    def _limit(self, size: Tree, by: tuple[GroupKey, ...], *, nested: bool) -> Literal_ | Param:
        """The greatest number of groups. Those of a relation are demanded for each record of the list around it."""
        usual = self.demands.limits.default_page if nested else self.demands.limits.largest_page
        limit = self.demands.page_size(Literal_(usual if by else 1) if size is None else size)
        if by:
            self.demands.costs.add(1, limit)
        else:
            self.demands.costs.add(1)
        return limit

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
            case AggregateField("totalOver"):
                return Over(key, {group: _key_name(group) for group in by})
            case AggregateField(function):
                return Measures(
                    key,
                    function,  # type: ignore[arg-type] # key and count are dealt with above
                    tuple(
                        TypeName(each, inner.name)
                        if fields[0].name.value == "__typename"
                        else (each, measured(entity, fields[0].name.value).name)
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
                given = self.arguments.read(nodes[0].arguments or (), type_.fields[graphql_name].args)
                yield KeyPart(key, _known(path, field, given.get("part"), by, graphql_name))
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
                yield KeyPart(key, _known(path, field.parts[name], None, by, f"{nodes[0].name.value}.{name}"))


def _fields(part: Measures) -> Iterator[str]:
    return (each[1] for each in part.parts if not isinstance(each, TypeName))


def _known(path: tuple[str, ...], field: Field, part: str | None, by: tuple[GroupKey, ...], name: str) -> GroupKey:
    """The key of ``by`` that a field of ``key`` means."""
    found = [group for group in by if (group.path, group.field) == (path, field.name)]
    if part is not None:
        wanted = None if part == "VALUE" or (part == "DAY" and field.type is FieldType.DATE) else part
        found = [group for group in found if group.part == wanted]
    if len(found) > 1:
        raise BadQuery(f"groupBy has several parts of {name}.", hint=f"Say which: {name}(part: MONTH).")
    if not found:
        raise BadQuery(f"key.{name} is not one of the fields in groupBy.", hint="Add it there, or leave it out.")
    return found[0]


def _key_name(group: GroupKey) -> str:
    """``account.sector``, ``closeDate:MONTH``."""
    path = ".".join(naming.camel(each) for each in (*group.path, group.field))
    return path if group.part is None else f"{path}:{group.part}"
