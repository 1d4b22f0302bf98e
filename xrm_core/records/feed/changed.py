"""Which records have changed for somebody: each once, at its newest place in the log.

A record that they can see now has changed; one that they could see after the place they come from, and not now, was
removed. Others do not exist for them. What they can see is asked of the records as they are now, of which they get the
values, and not as of a place in the log: so nobody gets anything that is not theirs any more.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import Connection, and_, exists, or_, select

from xrm_core.metadata.model import Entity
from xrm_core.metadata.predicate import EVERYTHING, All, Any_, Linked, Not, Predicate, Related
from xrm_core.metadata.uses import uses
from xrm_core.permissions.access import Permission
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import Action
from xrm_core.query.context import context_values
from xrm_core.query.predicates import scan
from xrm_core.query.scan import Scope
from xrm_core.records.feed.deciding import Decided, decided
from xrm_core.records.feed.former import Former, present, states, visible
from xrm_core.storage.change_tables import CHANGE

_AT_ONCE = 200  # records that are looked at together
_MOST = 20_000  # that are looked at for one page
_STAMPS = frozenset({"version", "updated_at", "updated_by"})


class Kind(StrEnum):
    """What has become of a record, for whoever asks."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    REMOVE = "REMOVE"


@dataclass(frozen=True, slots=True)
class Told:
    """A record that has changed, and the place of its newest change."""

    position: int
    entity: str
    record_id: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Found:
    """The changes of a page. ``after`` is the place up to which nothing is left out; ``more``: there may be others."""

    told: Sequence[Told]
    after: int
    more: bool


@dataclass(frozen=True)
class Feed:
    """The log as one caller may know it, within a transaction that reads one snapshot.

    Args:
        connection: of the transaction.
        scope: of the caller, for the dialect of the connection.
        caller: who asks.
    """

    connection: Connection
    scope: Scope
    caller: User

    def changes(self, entities: Sequence[str], base: int, after: int, head: int, first: int) -> Found:
        """The records of some entities that have changed, in the order of their newest changes.

        Args:
            entities: which the caller may read.
            base: the place up to which the caller knows everything.
            after: the place up to which this run has told already; ``base`` at its beginning.
            head: where the log ends.
            first: at most so many.
        """
        told: list[Told] = []
        for _ in range(_MOST // _AT_ONCE):
            rows = self._newest(entities, after, head)
            for each in self._told(rows, base):
                if len(told) == first:
                    return Found(told, told[-1].position if told else after, more=True)
                told.append(each)
            if len(rows) < _AT_ONCE:
                return Found(told, head, more=False)
            after = rows[-1].position
        return Found(told, after, more=True)

    def met_before(
        self, name: str, ids: Sequence[str], base: int, where: Predicate, values: Mapping[str, Any]
    ) -> set[str]:
        """Those of some records that met a condition in a former state, or may have.

        Args:
            name: of their entity.
            ids: records that the caller can see.
            base: states from there on count.
            where: the condition, of the caller's own words.
            values: of its parameters.
        """
        entity, permission = self.scope.model[name], self.scope.access.get(name, Action.READ)
        found = decided(entity, where, self.caller)
        always = permission and all(permission.field_rules.get(each, EVERYTHING) is None for each in found.fields)
        if not ids or not found.exact or not always or _looks_up(where):
            return set(ids)
        former = self._former(entity, found, self._entries(ids, base))
        held = visible(self.connection, self.scope, self.caller, entity, found.predicate, former, values)
        return {former[number].record_id for number in held}

    def incomplete(self, entities: Sequence[str]) -> list[str]:
        """Entities of which records may come or go without a change of their own."""
        return [name for name in entities if not self._is_exact(self.scope.model[name])]

    def _newest(self, entities: Sequence[str], after: int, head: int) -> Sequence[Any]:
        later = CHANGE.alias()
        has_later = exists().where(
            later.c.record_id == CHANGE.c.record_id, later.c.id > CHANGE.c.id, later.c.position <= head
        )
        query = select(CHANGE.c.position, CHANGE.c.entity, CHANGE.c.record_id)
        query = query.where(CHANGE.c.position > after, CHANGE.c.position <= head, CHANGE.c.entity.in_(entities))
        return self.connection.execute(query.where(~has_later).order_by(CHANGE.c.position).limit(_AT_ONCE)).all()

    def _told(self, rows: Sequence[Any], base: int) -> Iterator[Told]:
        by_entity: dict[str, list[str]] = {}
        for row in rows:
            by_entity.setdefault(row.entity, []).append(str(row.record_id))
        kinds: dict[str, Kind] = {}
        for name, ids in by_entity.items():
            kinds |= self._kinds(self.scope.model[name], ids, base)
        for row in rows:
            kind = kinds.get(str(row.record_id))
            if kind is not None:
                yield Told(row.position, row.entity, str(row.record_id), kind)

    def _kinds(self, entity: Entity, ids: Sequence[str], base: int) -> dict[str, Kind]:
        """What has become of each record; one that the caller knows nothing of is left out."""
        permission = self.scope.access.get(entity.name, Action.READ)
        if permission is None:
            return {}
        entries = self._entries(ids, base)
        seen, known = self._visible_now(entity, ids), _noticed(self.scope, entity, permission)
        rule = decided(entity, permission.rule, self.caller)
        found: dict[str, Kind] = {}
        in_doubt = []
        for id_ in ids:
            if id_ in seen and entries[id_][0].operation in ("create", "restore"):
                found[id_] = Kind.CREATE
            elif id_ in seen and any(_shows(entry, known) for entry in entries[id_]):
                found[id_] = Kind.UPDATE
            else:
                in_doubt.append(id_)
        could_see = self._could_see(entity, rule, {id_: entries[id_] for id_ in in_doubt})
        for id_ in in_doubt:
            if id_ not in seen and any(could_see[id_]):
                found[id_] = Kind.REMOVE
            elif id_ in seen and rule.exact and not all(could_see[id_]):
                found[id_] = Kind.UPDATE  # it has become visible by what cannot be seen of it
        return found

    def _visible_now(self, entity: Entity, ids: Sequence[str]) -> set[str]:
        found = scan(self.scope, entity, id_only=True)
        conditions = [found.source.c.id.in_(ids), *([] if found.rule is None else [found.rule])]
        rows = self.connection.execute(select(found.source.c.id).where(*conditions), context_values(self.caller))
        return {str(row.id) for row in rows}

    def _entries(self, ids: Sequence[str], base: int) -> dict[str, list[Any]]:
        """What the log says of records since ``base``; what is not sealed yet belongs to what they are now, too."""
        since = or_(CHANGE.c.position > base, CHANGE.c.position.is_(None))
        query = select(CHANGE.c.record_id, CHANGE.c.operation, CHANGE.c.fields)
        rows = self.connection.execute(
            query.where(and_(CHANGE.c.record_id.in_(ids), since)).order_by(CHANGE.c.record_id, CHANGE.c.id)
        )
        return {str(id_): list(group) for id_, group in itertools.groupby(rows, lambda row: row.record_id)}

    def _could_see(self, entity: Entity, rule: Decided, entries: Mapping[str, list[Any]]) -> dict[str, list[bool]]:
        """For each record, of each of its former states, whether it was visible."""
        former = self._former(entity, rule, entries)
        held = visible(self.connection, self.scope, self.caller, entity, rule.predicate, former)
        found: dict[str, list[bool]] = {id_: [] for id_ in entries}
        for number, each_state in enumerate(former):
            found[each_state.record_id].append(number in held)
        return found

    def _former(self, entity: Entity, rule: Decided, entries: Mapping[str, list[Any]]) -> list[Former]:
        now = present(self.connection, self.scope, entity, list(entries)) if rule.fields and entries else {}
        return [former for id_, each in entries.items() for former in states(id_, each, now.get(id_), rule.fields)]

    def _is_exact(self, entity: Entity) -> bool:
        permission = self.scope.access.get(entity.name, Action.READ)
        if permission is None:
            return True
        rules = [permission.rule, *(rule for rule in permission.field_rules.values() if rule is not None)]
        rules += [rule for masks in permission.masks.values() for _, rule in masks]
        return all(decided(entity, rule, self.caller).exact for rule in dict.fromkeys(rules))


def _noticed(scope: Scope, entity: Entity, permission: Permission) -> frozenset[str] | None:
    """Fields of which the caller sees a change; None: of every one, since they see that there was some change."""
    if not _STAMPS.isdisjoint(permission.field_rules):
        return None
    found: set[str] = set(permission.field_rules)
    for name in permission.field_rules:
        field = entity.fields.get(name)
        if field is not None and field.virtual:
            found |= {used for owner, used in uses(scope.model, entity, field) if owner == entity.name}
    return frozenset(found)


def _looks_up(where: Predicate) -> bool:
    """Whether a condition of a caller's words enters another record, which they may not be able to see."""
    match where:
        case All(parts) | Any_(parts):
            return any(_looks_up(part) for part in parts)
        case Not(part):
            return _looks_up(part)
    return isinstance(where, Related | Linked)


def _shows(entry: Any, known: frozenset[str] | None) -> bool:
    return known is None or not known.isdisjoint(orjson.loads(entry.fields))
