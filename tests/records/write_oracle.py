"""A naive second opinion on writes: who may create, change, link and delete what, worked out in plain Python.

It knows policies and rows only, and looks at each policy in turn; nothing of it comes from the door under test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.query.oracle_rights import Rights
from tests.query.oracle_sight import Sight
from xrm_core.metadata.model import Entity, Link
from xrm_core.permissions.policy import Action, Effect, Policy

Row = dict[str, Any]
State = Mapping[str, Mapping[str, Row]]
"""Entity → id → record, as stored."""


class Denied(Exception):
    """The write is not allowed. ``before``: to the record as it is, whatever was to become of it."""

    def __init__(self, reason: str, *, before: bool = False) -> None:
        super().__init__(reason)
        self.before = before


@dataclass
class WriteOracle:
    """What one user may write in one state of the data.

    Args:
        rights: policies for all actions.
        state: all records.
        user: id of who asks.
        team: of who asks.
        teams: that one and those below it.
        shares: what is shared with whom.
    """

    rights: Rights
    state: State
    user: str
    team: str | None = None
    teams: tuple[str, ...] = ()
    shares: Sequence[Row] = ()

    def __post_init__(self) -> None:
        self.model = self.rights.model
        rows = {name: list(found.values()) for name, found in self.state.items()}
        self.sight = Sight(self.rights, rows, self.user, self.team, self.teams, self.shares)

    def after(self, entity: str, id_: str, row: Row | None) -> "WriteOracle":
        """The same when a record is as given, or gone."""
        records = {each: found for each, found in self.state[entity].items() if each != id_}
        return replace(self, state={**self.state, entity: records if row is None else {**records, id_: row}})

    def readable(self, entity: str, id_: str) -> bool:
        """Whether the user sees the record."""
        row = self.state[entity].get(id_)
        return row is not None and self.sight.sees(entity, row)

    def knows(self, entity: str, name: str) -> bool:
        """Whether the user may read a field in full, or write it, on some records: a mask alone tells nothing of it."""
        kind = self.model[entity]
        actions = (Action.READ, Action.CREATE, Action.UPDATE)
        given = (each for action in actions for each in self._of(kind, action, Effect.ALLOW))
        return kind.between is not None or any(each.fields is None or name in each.fields for each in given)

    # -- what may be done ---------------------------------------------------------------------------------------------

    def delete(self, entity: str, id_: str) -> "WriteOracle":
        """The state when a record is deleted. Raises Denied."""
        self._require(entity, Action.DELETE, self._stored(entity, id_), (), before=True)
        return self.after(entity, id_, None)

    def update(self, entity: str, id_: str, changes: Mapping[str, Any], new: Row, drawn: "Drawn") -> "WriteOracle":
        """The state when a record is changed. Raises Denied."""
        names = self._mine(entity, changes)
        self._require(entity, Action.UPDATE, self._stored(entity, id_), names, before=True)
        self._require_targets(entity, changes)
        found = self.after(entity, id_, new)._linked(entity, id_, changes, drawn)
        found._require(entity, Action.UPDATE, new, names)
        return found

    def create(self, entity: str, rows: Sequence[tuple[Mapping[str, Any], Row]], drawn: "Drawn") -> "WriteOracle":
        """The state when records are created: of each what is given, and what would be stored. Raises Denied."""
        for given, _ in rows:
            self._require_targets(entity, given)
        found = self
        for _, new in rows:
            found = found.after(entity, new["id"], new)
        for given, new in rows:
            found = found._linked(entity, new["id"], given, drawn)
        for given, new in rows:
            found._require(entity, Action.CREATE, new, self._mine(entity, given))
        return found

    # -- links --------------------------------------------------------------------------------------------------------

    def _linked(self, entity: str, id_: str, given: Mapping[str, Any], drawn: "Drawn") -> "WriteOracle":
        found = self
        for name, change in given.items():
            link = self.model[entity].links.get(name)
            if link is not None and change is not None:
                try:
                    found = found._one_linked(link, id_, change, drawn)
                except Denied as denied:
                    raise Denied(f"{name}: {denied}") from None
        return found

    def _one_linked(self, link: Link, id_: str, change: Mapping[str, Any], drawn: "Drawn") -> "WriteOracle":
        through = self.model[link.through]
        there = {}
        for each in self.sight.visible(link.through):
            near, far = (self.sight.value(link.through, each, end) for end in (link.near, link.far))
            if near == id_ and far is not None:
                there[far] = each["id"]
        wanted = {each["id"]: {name: each[name] for name in each if name != "id"} for each in change.get("add", ())}
        gone = set(change.get("remove", ())) & there.keys()
        if change.get("set") is not None:
            wanted = {each: {} for each in change["set"]}
            gone = there.keys() - wanted.keys()
        found = self
        for other in sorted(gone):
            found = found.delete(link.through, there[other])
        for other, attributes in wanted.items():
            if other in there and attributes:
                new = drawn.changed(through, found.state[link.through][there[other]], attributes)
                found = found.update(link.through, there[other], attributes, new, drawn)
        fresh = [{link.near: id_, link.far: other, **wanted[other]} for other in wanted if other not in there]
        return found.create(link.through, [(given, drawn.new(through, given)) for given in fresh], drawn)

    # -- rights -------------------------------------------------------------------------------------------------------

    def _stored(self, entity: str, id_: str) -> Row:
        found = self.state[entity].get(id_)
        if found is None:
            raise Denied("there is none", before=True)
        return found

    def _mine(self, entity: str, given: Mapping[str, Any]) -> list[str]:
        """What of the values the entity's own rights are about."""
        links = self.model[entity].links
        return [name for name in given if name not in links or links[name].owned]

    def _require_targets(self, entity: str, given: Mapping[str, Any]) -> None:
        for name, value in given.items():
            of = self.model[entity].fields.get(name)
            if of is not None and of.relation is not None and value is not None:
                target, id_ = (
                    next(iter(value.items())) if of.reference.polymorphic else (of.reference.targets[0], value)
                )
                if not self.readable(target, id_):
                    raise Denied(f"{name} leads to what cannot be read")

    def _require(self, entity: str, action: Action, row: Row, names: Sequence[str], *, before: bool = False) -> None:
        kind = self.model[entity]
        if not self._row(kind, action, row):
            raise Denied(f"not such a {entity}", before=before)
        for name in names:
            of = kind.field(name)
            if of is not None and not of.writable:
                raise Denied(f"{name} is set by the platform", before=before)
            if not self._field(kind, action, row, name):
                raise Denied(f"not {name} of such a {entity}", before=before)

    def _row(self, kind: Entity, action: Action, row: Row) -> bool:
        if not all(self.readable(*end) for end in self._ends(kind, row)):
            return False
        if self._follows(kind, action):
            assert kind.between is not None
            owner, id_ = self._ends(kind, row)[0]
            above, record = self.model[owner], self.state[owner][id_]
            return self._row(above, Action.UPDATE, record) and self._field(
                above, Action.UPDATE, record, kind.between.name
            )
        return any(self._rule(each, kind, row) for each in self._of(kind, action, Effect.ALLOW)) and not any(
            each.fields is None and self._rule(each, kind, row) for each in self._of(kind, action, Effect.DENY)
        )

    def _field(self, kind: Entity, action: Action, row: Row, name: str) -> bool:
        if self._follows(kind, action):
            return True
        given = [each for each in self._of(kind, action, Effect.ALLOW) if each.fields is None or name in each.fields]
        withheld = [each for each in self._of(kind, action, Effect.DENY) if each.fields and name in each.fields]
        return any(self._rule(each, kind, row) for each in given) and not any(
            self._rule(each, kind, row) for each in withheld
        )

    def _follows(self, kind: Entity, action: Action) -> bool:
        """Whether rights on links follow from those on the relation, as no policy names their entity."""
        named = any(self._of(kind, action, effect) for effect in Effect)
        return kind.between is not None and not named

    def _of(self, kind: Entity, action: Action, effect: Effect) -> list[Policy]:
        return [
            each
            for each in self.rights.policies
            if each.effect is effect and each.entity == kind.name and each.action in (None, action)
        ]

    def _rule(self, policy: Policy, kind: Entity, row: Row) -> bool:
        return self.sight._rule(policy, kind.name, row)

    def _ends(self, kind: Entity, row: Row) -> list[tuple[str, str]]:
        """The records that one joins."""
        if kind.between is not None:
            names = (kind.between.source, kind.between.target)
            return [(kind[name].reference.targets[0], row[name]) for name in names]
        if kind.relationship is not None:
            return [next(iter(row[name].items())) for name in ("source", "target")]
        return []


class Drawn:
    """How records are stored: made by whoever draws the writes, since it is no matter of rights."""

    def new(self, kind: Entity, given: Mapping[str, Any]) -> Row:
        """A new record of these values."""
        raise NotImplementedError

    def changed(self, kind: Entity, row: Row, given: Mapping[str, Any]) -> Row:
        """A record after a change."""
        raise NotImplementedError
