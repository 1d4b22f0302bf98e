"""The fields by which a request looks records up or sorts them, as far as an index could help."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from xrm_core.metadata.model import Entity, Field
from xrm_core.metadata.predicate import All, Any_, Compare, Op, Predicate, Related, Whole
from xrm_core.metadata.types import FieldType
from xrm_core.permissions.policy import Action
from xrm_core.query.figures_request import Aggregate
from xrm_core.query.request import Connection, Edges, Figures, Nodes, Relationships, ToMany, ToOne
from xrm_core.query.roots import AnyRecord, AnyRecords, Record, Request, Search
from xrm_core.query.scan import Scope

Why = Literal["filter", "rule", "order"]
_LOOKED_UP = frozenset({Op.EQ, Op.IN, Op.LT, Op.LTE, Op.GT, Op.GTE, Op.HAS, Op.HAS_ANY, Op.HAS_ALL, Op.IS_NULL})


@dataclass(frozen=True)
class IndexUse:
    """A field of an entity that a filter or a row rule compares, or that a list is sorted by, without an index."""

    entity: str
    field: str
    why: Why


def index_uses(scope: Scope, request: Request) -> Iterator[IndexUse]:
    """All of them; fields that have an index, or cannot have one, are left out."""
    match request:
        case Record(entity, _, selection):
            yield from _rule(scope, entity)
            yield from _selected(scope, selection)
        case AnyRecord(branches=branches) | AnyRecords(branches=branches):
            for entity, selection in branches.items():
                yield from _rule(scope, entity)
                yield from _selected(scope, selection)
        case Search(branches=branches):
            for entity, branch in branches.items():
                yield from _rule(scope, entity)
                for selection in branch.selections.values():
                    yield from _selected(scope, selection)
        case Connection():
            yield from _list(scope, request)
        case Aggregate(entity, where):
            yield from _rule(scope, entity)
            yield from _compared(scope, scope.model[entity], where, "filter")


def _list(scope: Scope, request: Connection) -> Iterator[IndexUse]:
    if request.entity not in scope.model:
        return  # relationships of all kinds, which have no table of their own
    entity = scope.model[request.entity]
    yield from _rule(scope, entity.name)
    yield from _compared(scope, entity, request.where, "filter")
    first = request.order[0] if request.order else None
    if first is not None and not first.path and not first.folded:
        yield from _use(entity, entity[first.field], "order")
    for part in request.parts:
        if isinstance(part, Nodes):
            yield from _selected(scope, part.selection)
        elif isinstance(part, Edges):
            for edge in part.parts:
                yield from _selected(scope, edge.selection) if edge.part == "node" else ()


def _selected(scope: Scope, selection: Any) -> Iterator[IndexUse]:
    for item in selection:
        match item:
            case ToOne(branches=branches):
                for inner in branches.values():
                    yield from _selected(scope, inner)
            case ToMany(request=request) | Relationships(request=request):
                yield from _list(scope, request)
            case Figures(request=request):
                yield from index_uses(scope, request)


def _rule(scope: Scope, entity: str) -> Iterator[IndexUse]:
    permission = scope.access.get(entity, Action.READ)
    if permission is not None:
        yield from _compared(scope, scope.model[entity], permission.rule, "rule")


def _compared(scope: Scope, entity: Entity, predicate: Predicate, why: Why) -> Iterator[IndexUse]:
    match predicate:
        case All(parts) | Any_(parts):
            for part in parts:
                yield from _compared(scope, entity, part, why)
        case Whole(part):
            yield from _compared(scope, entity, part, why)
        case Compare(name, op) if op in _LOOKED_UP:
            yield from _use(entity, entity[name], why)
        case Related(target=target, how="is" | "some", part=part):
            yield from _compared(scope, scope.model[target], part, why)


def _use(entity: Entity, field: Field, why: Why) -> Iterator[IndexUse]:
    virtual_or_system = field.virtual or field.system or field.holder != field.name
    boolean_or_json = field.type in (FieldType.BOOLEAN, FieldType.JSON)
    has_one = field.indexed or field.unique or field.relation is not None or field.type is FieldType.FILE
    leads = any(names[0] == field.name for names in (*entity.indexes, *entity.unique_together))
    if not (virtual_or_system or boolean_or_json or has_one or leads):
        yield IndexUse(entity.name, field.name, why)
