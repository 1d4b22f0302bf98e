"""The network around a record: whom relationships reach in a few steps, as one recursive part of the statement.

Each step is a scan of a kind of relationship with its row rule, which has both ends visible: a way through a record
that the caller cannot see does not exist. The walk keeps what it has reached at each depth once, so circles end.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from sqlalchemy import CTE, FromClause, Integer, Select, case, cast, func, literal_column, select, true, union_all
from sqlalchemy.sql import ColumnElement

from xrm_core.metadata.model import Entity, Field, Relation
from xrm_core.metadata.relationships import SOURCE, TARGET, VALID_FROM, VALID_TO
from xrm_core.metadata.types import FieldType
from xrm_core.query.predicates import operand, scan, size
from xrm_core.query.relationship_view import (
    DIRECTIONS,
    FORWARD,
    date,
    holds,
    kinds,
    nothing,
    of_type,
    participants,
    text_of,
    usable,
    wanted,
)
from xrm_core.query.request import Network
from xrm_core.query.scan import Condition, Page, Row, Scan, Scope

EDGES_PER_NODE = 10
"""At most so many edges for each record that is asked for."""


def node_view(scope: Scope) -> Entity:
    """What a node has, as an entity without a table."""
    records = Relation(tuple(participants(scope.model)), "", by_entity=True)
    fields = (Field("depth", FieldType.INTEGER), Field("record", FieldType.RELATION, relation=records))
    return Entity("network_node", "network_nodes", {field.name: field for field in fields})


def edge_view(scope: Scope) -> Entity:
    """What an edge has, as an entity without a table."""
    fields = (
        Field("type", FieldType.ENUM, enum=tuple(each.name for each in kinds(scope.model))),
        Field("direction", FieldType.ENUM, enum=DIRECTIONS),
        Field("from", FieldType.UUID),
        Field("to", FieldType.UUID),
        Field(VALID_FROM, FieldType.DATE),
        Field(VALID_TO, FieldType.DATE),
    )
    return Entity("network_edge", "network_edges", {field.name: field for field in fields})


class NetworkRows:
    """The nodes and edges around one record; ``walk`` and ``reached`` belong to the statement around them.

    Args:
        scope: what the statement is compiled for.
        entity: of the record.
        owner: the row of the record.
        request: how far, by which relationships, on which day.
    """

    def __init__(self, scope: Scope, entity: Entity, owner: Row, request: Network) -> None:
        self.scope = scope
        self._request = request
        self._size = size(request.size)
        self.walk = self._walk(entity, owner)
        near = func.min(self.walk.c.depth).label("depth")
        found = select(self.walk.c.entity, self.walk.c.id, near).group_by(self.walk.c.entity, self.walk.c.id)
        inner = found.subquery()
        page = select(inner).order_by(inner.c.depth, inner.c.id, inner.c.entity).limit(self._size)
        self.reached = page.cte("xrm_reached")

    def nodes(self, entity: Entity) -> Row:
        """The records reached, the nearest first; ``entity`` is the :func:`node_view`."""
        record = entity["record"]
        columns = self.reached.c
        ids = (
            case((columns.entity == text_of(name), columns.id)).label(record.column_to(name))
            for name in record.reference.targets
        )
        found = select(columns.id, columns.depth, *ids).order_by(columns.depth, columns.id, columns.entity)
        return Page(found.limit(self._size).subquery())

    @cached_property
    def members(self) -> FromClause | None:
        """The records reached as one JSON text, which stands beside the edges on SQLite; None elsewhere.

        SQLite walks again for each part of a union that refers to ``reached``.
        """
        if self.scope.dialect.name != "sqlite":
            return None
        pair = func.json_array(self.reached.c.entity, self.reached.c.id)
        return select(func.json_group_array(pair).label("pairs")).subquery("xrm_members")

    def _reached(self, name: str) -> Select[Any]:
        """Ids of the records of an entity that were reached."""
        if self.members is None:
            return select(self.reached.c.id).where(self.reached.c.entity == text_of(name))
        each = func.json_each(self.members.c.pairs).table_valued("value")
        entity, id_ = (func.json_extract(each.c.value, literal_column(path)) for path in ("'$[0]'", "'$[1]'"))
        return select(id_).where(entity == text_of(name))

    def edges(self) -> Row:
        """The relationships between the records reached."""
        found = union_all(*list(self._edges()) or [nothing(edge_view(self.scope))]).subquery()
        page = select(found).order_by(found.c.id).limit(self._size * literal_column(str(EDGES_PER_NODE)))
        return Page(page.subquery())

    def _walk(self, entity: Entity, owner: Row) -> CTE:
        start: Select[Any] = select(
            text_of(entity.name).label("entity"),
            owner.source.c.id.label("id"),
            cast(literal_column("0"), Integer).label("depth"),
        ).correlate(owner.source)
        walk = start.cte("xrm_walk", recursive=True)
        steps = [step for kind, *pair in self._pairs() for step in self._steps(walk, kind, *pair)]
        deeper = walk.c.depth < operand(self._request.depth, Integer())
        further = (walk.c.depth + literal_column("1")).label("depth")
        if not steps:
            return walk
        if self.scope.dialect.name == "postgresql":  # where the walk may stand in its own definition once
            laterals = [
                select(there.label("entity"), id_.label("id")).select_from(row.source).where(*conditions)
                for row, there, id_, conditions in steps
            ]
            step = union_all(*(each.correlate(walk) for each in laterals)).lateral("xrm_step")
            onward: Select[Any] = select(step.c.entity, step.c.id, further).select_from(walk.join(step, true()))
            return walk.union(onward.where(deeper))
        return walk.union(
            *(
                select(there, id_, further).select_from(walk, row.source).where(deeper, *conditions)
                for row, there, id_, conditions in steps
            )
        )

    def _pairs(self) -> Iterator[tuple[Entity, str, str]]:
        for kind in usable(self.scope):
            if wanted(kind.name, self._request.types) and kind.relationship is not None:
                for source, target in kind.relationship.pairs:
                    yield kind, source, target

    def _steps(
        self, walk: CTE, kind: Entity, source: str, target: str
    ) -> Iterator[tuple[Scan, ColumnElement[Any], ColumnElement[Any], list[Condition]]]:
        """From each end of a pair to the other: the scan, where it leads, and when."""
        for near, here, far, there in ((SOURCE, source, TARGET, target), (TARGET, target, SOURCE, source)):
            row = scan(self.scope, kind)
            onward = row.column(kind[far], kind[far].column_to(there))
            conditions = [
                row.column(kind[near], kind[near].column_to(here)) == walk.c.id,
                walk.c.entity == text_of(here),
                onward.is_not(None),
                *self._kept(row),
            ]
            yield row, text_of(there), onward, conditions

    def _kept(self, row: Scan) -> Iterator[Condition]:
        found = (
            row.rule,
            holds(self.scope, row, self._request.period),
            of_type(self.scope, row.entity.name, self._request.types),
        )
        return (each for each in found if each is not None)

    def _edges(self) -> Iterator[Select[Any]]:
        for kind, source, target in self._pairs():
            row = scan(self.scope, kind)
            places = ((kind[SOURCE], source), (kind[TARGET], target))
            ends = [row.column(field, field.column_to(name)) for field, name in places]
            values: dict[str, Any] = {
                "id": row.source.c.id,
                "type": text_of(kind.name),
                "direction": text_of(FORWARD),
                "from": ends[0],
                "to": ends[1],
                VALID_FROM: date(self.scope, row, VALID_FROM),
                VALID_TO: date(self.scope, row, VALID_TO),
            }
            columns = [value.label(name) for name, value in values.items()]
            query: Select[Any] = select(*columns).select_from(row.source)
            yield query.where(ends[0].in_(self._reached(source)), ends[1].in_(self._reached(target)), *self._kept(row))
