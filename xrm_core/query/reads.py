"""Which records a request shows of entities whose reads are logged: it is marked, and its answer says it.

A record of such an entity carries a mark in the answer, of which the client sees nothing: its key is a random name of
this process, and the marks are cut out of the text before it leaves. So the ids come from the very rows that are shown,
and what is not logged costs nothing.
"""

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from xrm_core.metadata.model import Entity, Model
from xrm_core.metadata.predicate import All, Any_, Compare, Linked, Not, OfFile, Predicate, Related, Search, Whole
from xrm_core.metadata.types import FieldType
from xrm_core.metadata.uses import uses
from xrm_core.query.figures_request import Aggregate, GroupKey, Measures
from xrm_core.query.request import (
    AsOf,
    Connection,
    Edges,
    Figures,
    FileValue,
    History,
    Item,
    MoneyValue,
    Network,
    Nodes,
    Order,
    Relationships,
    Seen,
    Selection,
    ToMany,
    ToOne,
    Value,
)
from xrm_core.query.roots import AnyRecord, AnyRecords, Record, Request
from xrm_core.query.roots import Search as SearchRequest

KEY = f"__xrm_{secrets.token_hex(16)}"
"""Nobody else can know it, so nothing that stands in a record looks like a mark."""

_MARK = re.compile(rf'"{KEY}"\s?:\s?(?:"(\d+):([0-9a-f-]{{36}})"|null)\s?,?\s?'.encode())

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Read:
    """That a request shows fields of records of an entity. ``shown``: the ids are in the answer; else it asks for
    figures or filters by the fields, which shows no record by itself.
    """

    entity: str
    fields: tuple[str, ...]
    shown: bool = True


def logs_reads(model: Model) -> bool:
    """Whether reads of any entity are logged."""
    return any(entity.log_reads for entity in model)


def cut(text: bytes) -> tuple[bytes, dict[int, list[str]]]:
    """An answer without its marks, and the ids that were marked by the number of their :class:`Read`, each once."""
    found: dict[int, dict[str, None]] = {}

    def note(mark: re.Match[bytes]) -> bytes:
        if mark[1] is not None:
            found.setdefault(int(mark[1]), {})[mark[2].decode()] = None
        return b""

    clean = _MARK.sub(note, text)
    return clean, {number: list(ids) for number, ids in found.items()}


def of_file(model: Model) -> Iterator[tuple[str, str]]:
    """The fields that hold files, and whose reads are logged, as those of sealed ones are: entity and field."""
    for entity in model:
        for field in entity.fields.values():
            if field.type is FieldType.FILE and (field.sealing is not None or is_logged(entity, {field.name})):
                yield entity.name, field.name


class Marker:
    """Marks requests; ``reads`` is what they show, by the numbers of the marks."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._shown: list[Read] = []
        self._used: dict[str, set[str]] = {}

    @property
    def reads(self) -> tuple[Read, ...]:
        """What the requests show, then what they only use."""
        found = list(self._shown)
        for entity, fields in self._used.items():
            told = {name for read in self._shown if read.entity == entity for name in read.fields}
            if not any(read.entity == entity for read in self._shown) or fields - told:
                found.append(Read(entity, tuple(sorted(fields)), shown=False))
        return tuple(found)

    def request(self, request: Request) -> Request:
        """The same request with marks."""
        match request:
            case Record():
                return replace(request, selection=self._selection(request.entity, request.selection))
            case AnyRecord() | AnyRecords():
                return replace(request, branches=self._branches(request.branches))
            case Connection():
                return self._connection(request)
            case Aggregate():
                return self._aggregate(request)
            case SearchRequest():
                return self._search(request)

    def _branches(self, branches: Mapping[str, Selection]) -> dict[str, Selection]:
        return {name: self._selection(name, selection) for name, selection in branches.items()}

    def _selection(self, name: str, selection: Selection) -> Selection:
        entity = self._model.entities.get(name)
        items = tuple(self._item(item) for item in selection)
        if entity is None:  # a view of relationships, whose records come by their relations
            return items
        fields = self._fields(entity, (field for item in selection for field in _shown(item)))
        if not is_logged(entity, fields):
            return items
        self._shown.append(Read(name, tuple(sorted(fields))))
        return (Seen(KEY, len(self._shown) - 1), *items)

    def _item(self, item: Item) -> Item:
        match item:
            case ToOne():
                return replace(item, branches=self._branches(item.branches))
            case ToMany() | Relationships():
                return replace(item, request=self._connection(item.request))
            case Figures():
                return replace(item, request=self._aggregate(item.request))
            case Network():
                parts = (replace(each, selection=self._selection("", each.selection)) for each in item.parts)
                return replace(item, parts=tuple(parts))
        return item

    def _connection(self, request: Connection) -> Connection:
        parts: list[Any] = []
        for part in request.parts:
            match part:
                case Nodes():
                    parts.append(replace(part, selection=self._selection(request.entity, part.selection)))
                case Edges():
                    edges = (
                        replace(each, selection=self._selection(request.entity, each.selection))
                        if each.part == "node"
                        else each
                        for each in part.parts
                    )
                    parts.append(replace(part, parts=tuple(edges)))
                case _:
                    parts.append(part)
        entity = self._model.entities.get(request.entity)
        if entity is not None:
            self._use(entity, (), self._asked(entity, request.where, request.order))
        return replace(request, parts=tuple(parts))

    def _aggregate(self, request: Aggregate) -> Aggregate:
        entity = self._model[request.entity]
        measured = [
            (entity.name, pair[1])
            for part in request.parts
            if isinstance(part, Measures)
            for pair in part.parts
            if isinstance(pair, tuple)
        ]
        self._use(entity, measured, self._asked(entity, request.where, request.groups))
        return request

    def _search(self, request: SearchRequest) -> SearchRequest:
        branches, seen = {}, {}
        for name, branch in request.branches.items():
            entity = self._model[name]
            selections = {key: self._selection(name, each) for key, each in branch.selections.items()}
            branches[name] = replace(branch, selections=selections)
            told = self._fields(entity, [each.name for each in entity.fields.values() if each.searched])
            told |= {entity.display} if entity.display else set()
            if is_logged(entity, told):
                self._shown.append(Read(name, tuple(sorted(told))))
                seen[name] = len(self._shown) - 1
        return replace(request, branches=branches, seen=seen)

    def _asked(self, entity: Entity, where: Predicate, keys: Iterable[Order | GroupKey]) -> Iterator[Place]:
        """What a list or figures are filtered, sorted and grouped by."""
        yield from _in_predicate(self._model, entity, where)
        for key in keys:
            owner = entity
            for name in key.path:
                yield owner.name, name
                owner = self._model[owner[name].reference.targets[0]]
            yield owner.name, key.field

    def _use(self, entity: Entity, *places: Iterable[Place]) -> None:
        """Note what is used: of the entity itself in any case, if all reads of it are logged."""
        found: dict[str, set[str]] = {entity.name: set()}
        for place in (each for some in places for each in some):
            found.setdefault(place[0], set()).add(place[1])
        for name, fields in found.items():
            owner = self._model.entities.get(name)
            if owner is None:
                continue
            used = self._fields(owner, fields) - {"id"}  # to compare an id says nothing of a record
            if (owner is entity or used) and is_logged(owner, used):
                self._used.setdefault(name, set()).update(used)

    def _fields(self, entity: Entity, names: Iterable[str]) -> set[str]:
        """These fields, with those of the entity of which virtual ones are made; others' are noted as used."""
        found: set[str] = set()
        pending: list[Place] = [(entity.name, name.partition(".")[0]) for name in names]
        done: set[Place] = set()
        while pending:
            place = pending.pop()
            if place in done:
                continue
            done.add(place)
            owner = self._model[place[0]]
            if owner is entity:
                found.add(place[1])
            elif place[1] != "id" and is_logged(owner, {place[1]}):
                self._used.setdefault(owner.name, set()).add(place[1])
            field = owner.fields.get(place[1])
            if field is not None and field.virtual:
                pending.extend(uses(self._model, owner, field))
        return found


def tells_logged(model: Model, entity: Entity, asked: str | Predicate) -> bool:
    """Whether a field, or what a condition asks for, tells something of which reads are logged, also by its parts."""
    places = [(entity.name, asked)] if isinstance(asked, str) else _in_predicate(model, entity, asked)
    pending, done = list(places), set[Place]()
    while pending:
        place = pending.pop()
        owner = model.entities.get(place[0])
        if owner is None or place in done:
            continue
        done.add(place)
        if place[1] != "id" and is_logged(owner, {place[1]}):
            return True
        field = owner.fields.get(place[1])
        if field is not None and field.virtual:
            pending.extend(uses(model, owner, field))
    return False


def is_logged(entity: Entity, fields: set[str]) -> bool:
    """Whether a read of these fields of an entity is logged."""
    return "*" in entity.log_reads or not fields.isdisjoint(entity.log_reads)


def _shown(item: Item) -> Iterator[str]:
    """The fields that an item shows."""
    if isinstance(item, History | AsOf):
        yield from item.fields
    elif field := _field(item):
        yield field


def _field(item: Item) -> str:
    match item:
        case Value(field=name) | MoneyValue(field=name) | FileValue(field=name) | ToOne(relation=name):
            return name
        case ToMany(inverse=name) | Figures(inverse=name):
            return name
    return ""


def _in_predicate(model: Model, entity: Entity, predicate: Predicate) -> Iterator[Place]:
    match predicate:
        case All(parts) | Any_(parts):
            for part in parts:
                yield from _in_predicate(model, entity, part)
        case Not(part) | Whole(part):
            yield from _in_predicate(model, entity, part)
        case Compare(field=name) | Linked(name=name) | OfFile(field=name):
            yield entity.name, name.partition(".")[0]
        case Search():
            yield from ((entity.name, field.name) for field in entity.fields.values() if field.searched)
        case Related(name, target, _, part):
            yield entity.name, name
            yield from _in_predicate(model, model[target], part)
