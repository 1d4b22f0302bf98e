"""Which changes of a record somebody notices who can see it: those of what is shown to them on this very record."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import orjson
from sqlalchemy import Connection, case, literal_column, select

from xrm_core.metadata.model import Entity
from xrm_core.metadata.predicate import NOTHING, Any_, Predicate
from xrm_core.metadata.uses import uses
from xrm_core.permissions.access import Permission
from xrm_core.permissions.caller import User
from xrm_core.query.context import context_values
from xrm_core.query.predicates import compile_rule, unguarded
from xrm_core.query.scan import Scope
from xrm_core.records.feed.deciding import Decided, decided
from xrm_core.records.feed.former import Former, State, visible

_NOTHING_CHANGED = SimpleNamespace(fields="{}")
STAMPS = frozenset({"version", "updated_at", "updated_by"})
"""What every change changes."""


@dataclass(frozen=True)
class Shown:
    """Stored fields that are shown where a rule holds, if only behind a mask; None: all, of which stamps tell."""

    rule: Predicate
    fields: frozenset[str] | None

    def touched(self, names: frozenset[str]) -> bool:
        """Whether a change of fields with these names is one of its own."""
        return self.fields is None or not self.fields.isdisjoint(names)

    def has_value(self, state: State | None) -> bool:
        """Whether there is anything to show in a state."""
        return self.fields is None or any((state or {}).get(name) is not None for name in self.fields)


@dataclass(frozen=True)
class Noticing:
    """What a caller notices of records of an entity.

    Args:
        connection: of one snapshot.
        scope: of the caller, for the dialect of the connection.
        caller: who.
        entity: of the records.
        permission: the caller's to read them.
    """

    connection: Connection
    scope: Scope
    caller: User
    entity: Entity
    permission: Permission

    @cached_property
    def always(self) -> frozenset[str] | None:
        """Stored fields that are shown on every record; None: every change shows."""
        names = [name for name, rule in self.permission.field_rules.items() if rule is None]
        if not STAMPS.isdisjoint(names):
            return None
        return frozenset(each for name in names for each in self._stored(name))

    @cached_property
    def rules(self) -> Mapping[str, Predicate]:
        """Fields that are shown on some records only, if only behind a mask, with the rule of where."""
        found: dict[str, Predicate] = {}
        for name, rule in self.permission.field_rules.items():
            if rule is not None:
                masks = [each for _, each in self.permission.masks.get(name, ())]
                parts = [each for each in (rule, *masks) if each != NOTHING]
                found[name] = parts[0] if len(parts) == 1 else Any_(tuple(parts))
        return found

    @cached_property
    def sometimes(self) -> Sequence[Shown]:
        """Their stored fields, together by their rules."""
        found: dict[Predicate, list[str]] = {}
        for name, rule in self.rules.items():
            found.setdefault(rule, []).append(name)
        return [
            Shown(rule, None if not STAMPS.isdisjoint(names) else frozenset(s for n in names for s in self._stored(n)))
            for rule, names in found.items()
        ]

    @cached_property
    def needs(self) -> frozenset[str]:
        """The fields of former states that have to be known."""
        return frozenset().union(*(each.fields for each in self._decided)) if self.sometimes else frozenset()

    @cached_property
    def looked_at(self) -> frozenset[str]:
        """These, and those of which it is asked whether they had a value."""
        return self.needs.union(*(each.fields or () for each in self.sometimes))

    def shows(self, entry: Any) -> bool:
        """Whether a change is noticed whatever the record is like."""
        return self.always is None or not self.always.isdisjoint(orjson.loads(entry.fields))

    def shown_now(self, ids: Sequence[str]) -> dict[str, list[bool]]:
        """For each record, for each of ``sometimes``, whether it holds of it as it is now."""
        if not self.sometimes or not ids:
            return {}
        row = unguarded(self.scope, self.entity, self.scope.tables[self.entity.name].alias())
        one: Any = literal_column("1")
        columns = [
            case((compile_rule(self.scope, self.entity, row, each.rule), one), else_=literal_column("0")).label(f"n{i}")
            for i, each in enumerate(self.sometimes)
        ]
        query = select(row.source.c.id, *columns).where(row.source.c.id.in_(ids))
        rows = self.connection.execute(query, context_values(self.caller))
        return {str(id_): [bool(each) for each in held] for id_, *held in rows}

    def sometimes_shown(
        self,
        id_: str,
        entries: Sequence[Any],
        before: Sequence[State | None],
        now: Sequence[bool],
        later: Sequence[bool] | None = None,
    ) -> Iterator[tuple[bool, list[bool]]]:
        """Of each change whether it is noticed by what is shown on some records only, and what was shown before it.

        What depends on other records, shares or the time is known of the record as it is now only: what is shown so
        counts as shown then.

        Args:
            id_: of the record.
            entries: about it, the newest first.
            before: what it was before each of them.
            now: of :meth:`shown_now`.
            later: what was shown after the first of the entries; None: that is now.
        """
        after = list(now if later is None else later)
        if not self.sometimes:
            yield from ((False, after) for _ in entries)
            return
        numbers = [number for number, state in enumerate(before) if state is not None]
        former = [Former.of(id_, before[number] or {}, self.needs) for number in numbers]
        held = [
            {
                numbers[each]
                for each in visible(self.connection, self.scope, self.caller, self.entity, d.predicate, former)
            }
            for d in self._decided
        ]
        for number, entry in enumerate(entries):
            names = frozenset(orjson.loads(entry.fields))
            noticed, earlier = False, []
            for i, each in enumerate(self.sometimes):
                exact, was = self._decided[i].exact, number in held[i]
                shown = was or (now[i] and not exact)
                if (each.touched(names) and (after[i] or shown)) or (
                    exact and after[i] != was and before[number] is not None and each.has_value(before[number])
                ):
                    noticed = True
                earlier.append(shown)
            yield noticed, earlier
            after = earlier

    def shown_of(self, id_: str, names: Sequence[str], before: State | None) -> list[str]:
        """Those of some fields that are shown on a record as it is now, or were before a change.

        Args:
            id_: of the record.
            names: of fields that the caller may read on some records.
            before: what it was.
        """
        if not any(name in self.rules for name in names):
            return list(names)
        now = self.shown_now([id_]).get(id_, [False] * len(self.sometimes))
        [(_, earlier)] = self.sometimes_shown(id_, [_NOTHING_CHANGED], [before], now)
        held = {each.rule for i, each in enumerate(self.sometimes) if now[i] or earlier[i]}
        return [name for name in names if name not in self.rules or self.rules[name] in held]

    @cached_property
    def _decided(self) -> list[Decided]:
        return [decided(self.entity, each.rule, self.caller) for each in self.sometimes]

    def _stored(self, name: str) -> Iterator[str]:
        """A field, or, if it is computed, what of the record it is made of."""
        field = self.entity.fields.get(name)
        yield name
        if field is not None and field.virtual:
            yield from (used for owner, used in uses(self.scope.model, self.entity, field) if owner == self.entity.name)
