"""Writes drawn at random for any model, most of them such as its files allow, and what would be stored of them."""

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from uuid_utils import uuid7

from tests.query.oracle_sight import Sight
from tests.query.random_values import fitting
from tests.records.write_oracle import Drawn, Row, State
from xrm_core.metadata.frozen import thaw
from xrm_core.metadata.model import SYSTEM_FIELDS, Entity, Field, Model
from xrm_core.metadata.types import TEXTUAL
from xrm_core.permissions.policy import Action
from xrm_core.records.stored import canonical

UNKNOWN = "01900000-0000-7000-8000-00000000dead"


@dataclass(frozen=True)
class Write:
    """One write; ``id`` is None for a new record, ``values`` are empty for what is deleted."""

    action: Action
    entity: str
    id: str | None
    values: Mapping[str, Any]


class RandomWrites(Drawn):
    """Draws writes about the records of a state, and says what they would leave behind.

    Args:
        model: of which records.
        state: those that there are.
        user: id of who writes.
        chance: decides.
        team: of who writes.
    """

    def __init__(self, model: Model, state: State, user: str, chance: random.Random, team: str | None = None) -> None:
        self._model = model
        self._state = state
        self._user = user
        self._team = team
        self._chance = chance
        self._now = dt.datetime.now(dt.UTC).isoformat()

    def draw(self, sight: Sight) -> Write:
        """A write by who sees records so: now and then they send back what they were shown, masks and all."""
        chance = self._chance
        kind = chance.choice(list(self._model))
        action = chance.choice([Action.CREATE, Action.UPDATE, Action.UPDATE, Action.DELETE])
        known = list(self._state[kind.name])
        if action is Action.CREATE or not known:
            return Write(Action.CREATE, kind.name, None, self._whole(kind))
        id_ = UNKNOWN if chance.random() < 0.03 else chance.choice(known)
        if action is Action.DELETE:
            return Write(action, kind.name, id_, {})
        return Write(
            action, kind.name, id_, self._some(kind) | self._read(kind, self._state[kind.name].get(id_), sight)
        )

    def new(self, kind: Entity, given: Mapping[str, Any]) -> Row:
        """A new record: values, else defaults, else nothing."""
        fields = {name: value for name, value in given.items() if name in kind.fields}
        defaults = {of.name: self._default(of) for of in kind.fields.values() if of.default is not None}
        system = {"id": str(uuid7()), "created_at": self._now, "created_by": self._user, "version": 1}
        system |= {"updated_at": self._now, "updated_by": self._user}
        return {**dict.fromkeys(kind.fields), **canonical(kind, {**defaults, **fields}), **system}

    def changed(self, kind: Entity, row: Row, given: Mapping[str, Any]) -> Row:
        """The record with other values, and the next version."""
        fields = {name: value for name, value in given.items() if name in kind.fields}
        system = {"updated_at": self._now, "updated_by": self._user, "version": row["version"] + 1}
        return {**row, **canonical(kind, fields), **system}

    def _default(self, of: Field) -> Any:
        if of.relation is not None:
            return {"$user": self._user, "$team": self._team}.get(str(of.default))
        return thaw(of.default)

    def _whole(self, kind: Entity) -> dict[str, Any]:
        writable = [of for of in kind.fields.values() if of.writable and of.file is None]
        found = {of.name: self._value(of, kind) for of in writable if of.required or self._chance.random() < 0.5}
        return found | self._forbidden() | self._links(kind, 0.2)

    def _some(self, kind: Entity) -> dict[str, Any]:
        names = [of for of in kind.fields.values() if of.writable and of.file is None]
        picked = self._chance.sample(names, min(len(names), self._chance.choice([0, 1, 1, 2, 3])))
        found = {of.name: self._value(of, kind) for of in picked}
        return found | self._forbidden() | self._links(kind, 0.4)

    def _read(self, kind: Entity, row: Row | None, sight: Sight) -> dict[str, Any]:
        """What an answer shows of one of the texts of a record."""
        texts = [of.name for of in kind.fields.values() if of.writable and of.type in TEXTUAL]
        if row is None or not texts or self._chance.random() > 0.3:
            return {}
        name = self._chance.choice(texts)
        return {name: sight.shown(kind.name, row, name)}

    def _forbidden(self) -> dict[str, Any]:
        """Now and then, what only the platform may set."""
        if self._chance.random() > 0.03:
            return {}
        of = self._chance.choice(SYSTEM_FIELDS)
        return {of.name: 7 if of.name == "version" else UNKNOWN}

    def _value(self, of: Field, kind: Entity) -> Any:
        if of.relation is not None:
            return self._target(of, kind)
        known = fitting(of)
        empty = not of.required and self._chance.random() < 0.1
        return None if empty or not known else self._chance.choice(known)

    def _target(self, of: Field, kind: Entity) -> Any:
        targets = of.reference.targets
        if kind.relationship is not None:
            place = 0 if of.name == "source" else 1
            targets = tuple(pair[place] for pair in kind.relationship.pairs)
        known = [(target, id_) for target in targets for id_ in self._state[target]]
        if not known or (not of.required and self._chance.random() < 0.15):
            return None
        target, id_ = self._chance.choice(known)
        return {target: id_} if of.reference.polymorphic else id_

    def _links(self, kind: Entity, often: float) -> dict[str, Any]:
        found = {}
        for link in kind.links.values():
            others = list(self._state[link.target])
            if not others or self._chance.random() > often:
                continue
            picked = self._chance.sample(others, min(len(others), self._chance.choice([0, 1, 2])))
            through = self._model[link.through]
            ends = (link.near, link.far)
            attributes = [of for of in through.fields.values() if of.writable and of.name not in ends]
            match self._chance.choice(["set", "add", "remove"]):
                case "add":
                    found[link.name] = {"add": [{"id": id_, **self._attributes(attributes)} for id_ in picked]}
                case word:
                    found[link.name] = {word: picked}
        return found

    def _attributes(self, attributes: list[Field]) -> dict[str, Any]:
        return {
            of.name: self._chance.choice(fitting(of))
            for of in attributes
            if fitting(of) and (of.required or self._chance.random() < 0.5)
        }
