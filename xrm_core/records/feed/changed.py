"""Which records have changed for somebody: each once, where the newest change is that they notice.

A record that they can see now has changed; one that they could see after the place they come from, and not now, was
removed. Others do not exist for them. What they can see is asked of the records as they are now, of which they get the
values, and not as of a place in the log: so nobody gets anything that is not theirs any more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, exists, or_, select

from xrm_core.metadata.model import Entity
from xrm_core.metadata.predicate import EVERYTHING, All, Any_, Linked, Not, Predicate, Related
from xrm_core.permissions.caller import User
from xrm_core.permissions.policy import Action
from xrm_core.query.scan import Scope
from xrm_core.records.feed.backwards import Backwards
from xrm_core.records.feed.deciding import decided
from xrm_core.records.feed.fates import Fates, Kind, Told
from xrm_core.records.feed.former import Former, State, before, present, visible
from xrm_core.records.feed.noticing import STAMPS
from xrm_core.storage.change_tables import CHANGE

__all__ = ["Feed", "Found", "Kind", "Told"]

_AT_ONCE = 200  # entries that are looked at together
_MOST = 20_000  # that are looked at for one page, at most


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
        """The records of some entities that have changed, in the order of the newest changes that the caller notices.

        Args:
            entities: which the caller may read.
            base: the place up to which the caller knows everything.
            after: the place up to which this run has told already; ``base`` at its beginning.
            head: where the log ends.
            first: at most so many.
        """
        told: list[Told] = []
        known: dict[str, Told | None] = {}
        for _ in range(_MOST // _AT_ONCE):
            rows = self._entries(entities, after, head)
            unknown: dict[str, list[str]] = {}
            for row in rows:
                if (id_ := str(row.record_id)) not in known:
                    known[id_] = None
                    unknown.setdefault(row.entity, []).append(id_)
            for name, ids in unknown.items():
                permission = self.scope.access.get(name, Action.READ)
                if permission is not None:
                    known |= Fates(self.connection, self.scope, self.caller, self.scope.model[name], permission).of(
                        ids, base
                    )
            for row in rows:
                each = known[str(row.record_id)]
                if each is None or each.position != row.position:
                    continue
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
        log = Backwards(self.connection, base, found.fields)
        trails, met = log.trails(ids), set[str]()
        states: dict[str, State | None] = dict(present(self.connection, self.scope, entity, ids))
        while trails:
            former: list[Former] = []
            for id_, entries in log.piece(trails).items():
                earlier = before(entries, states.get(id_))
                former += [Former.of(id_, state, found.fields) for state in earlier if state is not None]
                states[id_] = earlier[-1] if earlier else None
            held = visible(self.connection, self.scope, self.caller, entity, found.predicate, former, values)
            met |= {former[number].record_id for number in held}
            trails = {id_: trail for id_, trail in trails.items() if trail.left and id_ not in met}
        return met

    def incomplete(self, entities: Sequence[str]) -> list[str]:
        """Entities of which records may come or go without a change of their own."""
        return [name for name in entities if not self._is_exact(self.scope.model[name])]

    def _entries(self, entities: Sequence[str], after: int, head: int) -> Sequence[Any]:
        """The next entries; of records of which every change is noticed the newest only."""
        later = CHANGE.alias()
        has_later = exists().where(
            later.c.record_id == CHANGE.c.record_id, later.c.id > CHANGE.c.id, later.c.position <= head
        )
        plain = [name for name in entities if self._sees_every_change(name)]
        query = select(CHANGE.c.position, CHANGE.c.entity, CHANGE.c.record_id)
        query = query.where(CHANGE.c.position > after, CHANGE.c.position <= head, CHANGE.c.entity.in_(entities))
        if plain:
            query = query.where(or_(CHANGE.c.entity.not_in(plain), ~has_later))
        return self.connection.execute(query.order_by(CHANGE.c.position).limit(_AT_ONCE)).all()

    def _sees_every_change(self, name: str) -> bool:
        permission = self.scope.access.get(name, Action.READ)
        if permission is None or permission.rule != EVERYTHING:
            return False
        return any(permission.field_rules.get(each, EVERYTHING) is None for each in STAMPS)

    def _is_exact(self, entity: Entity) -> bool:
        permission = self.scope.access.get(entity.name, Action.READ)
        if permission is None:
            return True
        rules = [permission.rule, *(rule for rule in permission.field_rules.values() if rule is not None)]
        rules += [rule for masks in permission.masks.values() for _, rule in masks]
        return all(decided(entity, rule, self.caller).exact for rule in dict.fromkeys(rules))


def _looks_up(where: Predicate) -> bool:
    """Whether a condition of a caller's words enters another record, which they may not be able to see."""
    match where:
        case All(parts) | Any_(parts):
            return any(_looks_up(part) for part in parts)
        case Not(part):
            return _looks_up(part)
    return isinstance(where, Related | Linked)
