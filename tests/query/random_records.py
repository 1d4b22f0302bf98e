"""Records of any model, drawn at random, with ids and times of their own, in an order in which they can be stored."""

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any

from sqlalchemy import Connection

from tests.graphql.kit import uid
from tests.query.random_values import fitting
from xrm_core.metadata.model import Entity, Field, Model
from xrm_core.permissions.caller import system
from xrm_core.records.door import Records
from xrm_core.storage import file_store
from xrm_core.storage.file_store import StoredFile

Record = dict[str, Any]
_FILES = {
    uid(901): ("notes & more.txt", "text/plain", b"hello"),
    uid(902): ("Ö.pdf", "application/pdf", b"%PDF-1"),
    uid(903): ("a.png", "image/png", b"\x89PNG\r\n\x1a\n"),
}
_MOMENTS = ["2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05.678+00:00", "2025-12-31T23:59:59.999999+00:00"]


def records(model: Model, chance: random.Random) -> list[tuple[str, Record]]:
    """Entity and record of each, every one behind those to which it refers."""
    return _Records(model, chance).found


def store(door: Records, connection: Connection, rows: list[tuple[str, Record]]) -> None:
    """Write files and records, as a restored history is: through the door, with ids and times given."""
    caller = system(door.model, "test", sets_system_fields=True)
    for id_, (name, kind, content) in _FILES.items():
        file = StoredFile(id_, name, kind, len(content), hashlib.sha256(content).hexdigest())
        file_store.add(connection, file, BytesIO(content), None)
    for entity, record in rows:
        door.create(connection, caller, entity, record)


class _Records:
    def __init__(self, model: Model, chance: random.Random) -> None:
        self._model = model
        self._chance = chance
        self._ids: dict[str, list[str]] = {entity.name: [] for entity in model}
        self._taken: set[Any] = set()
        self.found: list[tuple[str, Record]] = []
        entities = [entity for entity in model if entity.kind == "entity"]
        for entity in entities * len(entities):  # those first without which others cannot be
            if not self._ids[entity.name]:
                self._add(entity, self._own)
        for entity in chance.choices(entities, k=6 * len(entities)):
            self._add(entity, self._own)
        for entity in model:
            if entity.kind != "entity":
                for _ in range(chance.choice([0, 3, 6])):
                    self._add(entity, self._own if entity.kind == "link" else self._relationship)

    def _add(self, entity: Entity, draw: Callable[[Entity], Record | None]) -> None:
        record = draw(entity)
        if record is None or any(record.get(name) is None for name in self._needed(entity)):
            return
        keys = list(self._keys(entity, record))
        if self._taken.isdisjoint(keys):
            self._taken.update(keys)
            record |= self._system()
            self._ids[entity.name].append(record["id"])
            self.found.append((entity.name, record))

    @staticmethod
    def _needed(entity: Entity) -> Iterator[str]:
        return (of.name for of in entity.fields.values() if of.required and of.writable)

    def _system(self) -> Record:
        created, updated = sorted(self._chance.choices(_MOMENTS, k=2))
        times = {"created_at": created, "updated_at": updated, "version": self._chance.randint(1, 2)}
        people = {"created_by": self._chance.choice([None, uid(1)]), "updated_by": uid(2)}
        return {"id": uid(len(self.found) + 1), **times, **people}

    def _own(self, entity: Entity) -> Record:
        told = {name for names in entity.unique_together for name in names}  # a default is not known here
        return {
            of.name: self._value(of)
            for of in entity.fields.values()
            if of.writable and (of.required or of.unique or of.name in told or self._chance.random() < 0.75)
        }

    def _value(self, of: Field) -> Any:
        if of.relation is not None:
            return self._target(of)
        known = fitting(of)
        if of.file is not None:
            known = [id_ for id_, (_, kind, content) in _FILES.items() if not of.file.problem(kind, len(content))]
        empty = not of.required and self._chance.random() < 0.1
        return None if empty or not known else self._chance.choice(known)

    def _target(self, of: Field) -> Any:
        known = [(target, id_) for target in of.reference.targets for id_ in self._ids[target]]
        if not known:
            return None
        target, id_ = self._chance.choice(known)
        return {target: id_} if of.reference.polymorphic else id_

    def _keys(self, entity: Entity, record: Record) -> Iterator[Any]:
        """What no other record may have."""
        groups = [(of.name,) for of in entity.fields.values() if of.unique and of.writable]
        for names in (*groups, *entity.unique_together):
            values = tuple(str(record.get(name)) for name in names)
            if all(record.get(name) is not None for name in names):
                yield entity.name, names, values

    def _relationship(self, entity: Entity) -> Record | None:
        assert entity.relationship is not None
        record = self._own(entity)
        source, target = self._chance.choice(entity.relationship.pairs)
        if not self._ids[source] or not self._ids[target]:
            return None
        near, far = self._chance.choice(self._ids[source]), self._chance.choice(self._ids[target])
        pair = entity.name, frozenset((near, far))
        alone = (entity.name, near) if entity.relationship.one_at_a_time else pair
        if near == far or pair in self._taken or alone in self._taken:
            return None
        self._taken |= {pair, alone}
        dates = sorted(self._chance.sample(["2020-02-29", "2026-01-01", "2999-12-31"], 2))
        period = {
            "valid_from": self._chance.choice([None, dates[0]]),
            "valid_to": self._chance.choice([None, dates[1]]),
        }
        return {**record, "source": {source: near}, "target": {target: far}, **period}


def texts(rows: list[tuple[str, Record]]) -> list[str]:
    """The texts that occur in records, the most frequent first."""
    found = Counter(value for _, record in rows for value in _strings(record))
    return [text for text, _ in found.most_common(40)]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, str):
        yield value
