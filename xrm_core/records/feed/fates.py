"""What has become of records for somebody, and where in the log they notice it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, select

from xrm_core.metadata.model import Entity
from xrm_core.permissions.access import Permission
from xrm_core.permissions.caller import User
from xrm_core.query.context import context_values
from xrm_core.query.predicates import scan
from xrm_core.query.scan import Scope
from xrm_core.records.feed.backwards import Backwards, Trail
from xrm_core.records.feed.deciding import Decided, decided
from xrm_core.records.feed.former import Former, State, before, present, visible
from xrm_core.records.feed.noticing import Noticing

_MAKES = ("create", "restore")


class Kind(StrEnum):
    """What has become of a record, for whoever asks."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    REMOVE = "REMOVE"


@dataclass(frozen=True, slots=True)
class Told:
    """A record that has changed, and the place of its newest change that is noticed."""

    position: int
    entity: str
    record_id: str
    kind: Kind


@dataclass
class _Search:
    """How far back the newest noticed change of a record was looked for; ``state``: what it was there.

    ``entries`` are to be asked about, ``sure`` is the place of one before them that is noticed in any case.
    """

    trail: Trail
    seen: bool
    now: Sequence[bool]
    state: State | None
    shown: Sequence[bool] | None = None
    entries: Sequence[Any] = ()
    sure: int | None = None
    before: Sequence[State | None] = field(default_factory=list)


@dataclass(frozen=True)
class Fates:
    """Looks for them in the records of one entity, from the end of the log backwards and no further than it must.

    What is not sealed has no place in the log yet: it is told later, but belongs to what a record is now.

    Args:
        connection: of one snapshot.
        scope: of the caller, for the dialect of the connection.
        caller: who asks.
        entity: of the records.
        permission: the caller's to read them.
    """

    connection: Connection
    scope: Scope
    caller: User
    entity: Entity
    permission: Permission

    def of(self, ids: Sequence[str], base: int) -> dict[str, Told | None]:
        """What has become of some records since a place, None: nothing that the caller notices."""
        log = Backwards(self.connection, base, self._rule.fields | self._noticing.looked_at)
        trails, seen = log.trails(ids), self._visible_now(ids)
        states = present(self.connection, self.scope, self.entity, ids) if self._needs else {}
        shown = self._noticing.shown_now([id_ for id_ in ids if id_ in seen])
        pending = {
            id_: _Search(trail, id_ in seen, shown.get(id_, ()), states.get(id_)) for id_, trail in trails.items()
        }
        found: dict[str, Told | None] = {}
        while pending:
            pieces = log.piece({id_: search.trail for id_, search in pending.items()})
            searched = [pending[id_] for id_ in pieces]
            for search in searched:
                search.entries = pieces[search.trail.record_id]
                if search.seen:
                    self._cut(search)
                search.before = before(search.entries, search.state)
            visible_before = self._visible_before(searched)
            for search in searched:
                over, position = self._noticed(search, visible_before[search.trail.record_id])
                if over or not search.trail.left:
                    del pending[search.trail.record_id]
                    found[search.trail.record_id] = self._told(search, position)
                elif search.before:
                    search.state = search.before[-1]
        return found

    def _cut(self, search: _Search) -> None:
        """Ask nothing about what is not newer than a change that is noticed whatever the record was like."""
        for i, entry in enumerate(search.entries):
            if entry.position is not None and self._noticing.shows(entry):
                search.entries, search.sure = search.entries[:i], entry.position
                break

    def _noticed(self, search: _Search, seen_before: Sequence[bool]) -> tuple[bool, int | None]:
        """Whether the newest noticed change is in this piece, or none can be, and its place if it has one."""
        if not search.seen:  # it is the one after which the record was not visible any more
            return next(
                ((True, search.entries[i].position) for i, each in enumerate(seen_before) if each), (False, None)
            )
        sometimes = self._noticing.sometimes_shown(
            search.trail.record_id, search.entries, search.before, search.now, search.shown
        )
        for i, (entry, (noticed, earlier)) in enumerate(zip(search.entries, sometimes, strict=True)):
            search.shown = earlier
            came = entry.operation in _MAKES or (self._rule.exact and not seen_before[i])
            if came or (noticed and entry.position is not None):  # what was before it came could not be seen
                return True, entry.position
        return search.sure is not None, search.sure

    def _told(self, search: _Search, position: int | None) -> Told | None:
        if position is None:
            return None
        kind = Kind.REMOVE
        if search.seen:
            kind = Kind.CREATE if search.trail.first in _MAKES else Kind.UPDATE
        return Told(position, self.entity.name, search.trail.record_id, kind)

    def _visible_before(self, searched: Sequence[_Search]) -> Mapping[str, list[bool]]:
        """For each record, for each entry, whether it was visible before."""
        found = {search.trail.record_id: [False] * len(search.entries) for search in searched}
        places = [
            (search.trail.record_id, i, state)
            for search in searched
            if not search.seen or self._rule.exact
            for i, state in enumerate(search.before)
            if state is not None
        ]
        former = [Former.of(id_, state, self._rule.fields) for id_, _, state in places]
        for number in visible(self.connection, self.scope, self.caller, self.entity, self._rule.predicate, former):
            id_, i, _ = places[number]
            found[id_][i] = True
        return found

    def _visible_now(self, ids: Sequence[str]) -> set[str]:
        found = scan(self.scope, self.entity, id_only=True)
        conditions = [found.source.c.id.in_(ids), *([] if found.rule is None else [found.rule])]
        rows = self.connection.execute(select(found.source.c.id).where(*conditions), context_values(self.caller))
        return {str(row.id) for row in rows}

    @cached_property
    def _needs(self) -> bool:
        return bool(self._rule.fields or self._noticing.sometimes)

    @cached_property
    def _rule(self) -> Decided:
        return decided(self.entity, self.permission.rule, self.caller)

    @cached_property
    def _noticing(self) -> Noticing:
        return Noticing(self.connection, self.scope, self.caller, self.entity, self.permission)
