"""Changes of what a user cannot see: by a naive reference, everything that they can see stays as it is."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from tests.graphql.kit import World
from tests.query.oracle_rights import Rights
from tests.query.oracle_sight import Row, Sight
from tests.query.random_rights import Conditions
from tests.query.random_values import fitting
from xrm_core.metadata.model import Entity, Field
from xrm_core.permissions.policy import MASKS
from xrm_core.records.stored import to_columns

Rows = dict[str, dict[str, Row]]
"""Entity → id → record."""


class StoredConditions(Conditions):
    """Row rules about stored fields: what virtual ones are worth in any model, the reference does not know."""

    def _fields(self, entity: Entity) -> list[Field]:
        return [each for each in super()._fields(entity) if not each.virtual]


@dataclass(frozen=True)
class Change:
    """One field of a record gets another value; ``field`` None: the record goes."""

    entity: str
    id: str
    field: str | None
    value: Any = None


class HiddenChanges:
    """Changes records where a user cannot see it.

    Args:
        rights: of the user.
        rows: all records; they are changed along.
        user: the user's id.
        chance: decides.
    """

    def __init__(self, rights: Rights, rows: Rows, user: str, chance: random.Random) -> None:
        self._rights = rights
        self.rows = rows
        self._user = user
        self._chance = chance
        self._words = repr(rights.rules)

    def make(self, worlds: Mapping[str, World], tries: int) -> list[Change]:
        """Change what is hidden, in the rows and in each world alike; says what was changed."""
        done = []
        possible = list(self._possible())
        before = self._truth(self.rows)
        for change in self._chance.sample(possible, min(tries, len(possible))):
            if change.id not in self.rows[change.entity] or self._leads_nowhere(change):
                continue
            rows = self._changed(change)
            if self._shown(self.rows, change) != self._shown(rows, change):
                continue  # a mask would let it through
            if self._may_decide(change):  # what is hidden may decide about what is seen
                left = _ids(rows)
                if self._truth(rows, change) != {key: held for key, held in before.items() if key[1] in left}:
                    continue
                before = self._truth(rows, change)
            taken = {_carried_out(world, change) for world in worlds.values()}
            assert len(taken) == 1, change
            if True in taken:
                self.rows = rows
                done.append(change)
        return done

    def _shown(self, rows: Rows, change: Change) -> Any:
        """What an answer has of the field, if only behind a mask."""
        if change.field is None or not any(each.effect in MASKS for each in self._rights.policies):
            return None
        sight, row = self._sight(rows), rows[change.entity][change.id]
        return sight.shown(change.entity, row, change.field) if sight.sees(change.entity, row) else None

    def _may_decide(self, change: Change) -> bool:
        """Whether a row rule can be about it: all but values of fields that no rule names."""
        if change.field is None or self._rights.model[change.entity][change.field].relation is not None:
            return True
        return f"'{change.field}'" in self._words

    def _leads_nowhere(self, change: Change) -> bool:
        """Whether it refers to a record that has gone since it was drawn."""
        of = self._rights.model[change.entity].fields.get(change.field or "")
        if of is None or of.relation is None or change.value is None:
            return False
        polymorphic = of.reference.polymorphic
        target, id_ = next(iter(change.value.items())) if polymorphic else (of.reference.targets[0], change.value)
        return id_ not in self.rows[target]

    def _possible(self) -> Iterator[Change]:
        sight = self._sight(self.rows)
        for entity in self._rights.model:
            for id_, row in self.rows[entity.name].items():
                sees = sight.sees(entity.name, row)
                if not sees:
                    yield Change(entity.name, id_, None)
                for of in entity.fields.values():
                    if of.writable and of.file is None and not (sees and self._shows(sight, entity, row, of)):
                        yield Change(entity.name, id_, of.name, self._other(of, entity))

    @staticmethod
    def _shows(sight: Sight, entity: Entity, row: Row, of: Field) -> bool:
        derived = entity.between is not None and not sight.rights.named(entity.name)
        return derived or sight._granted(entity.name, row, of.name)

    def _other(self, of: Field, entity: Entity) -> Any:
        if of.relation is None:
            known = fitting(of)
        else:
            targets = of.reference.targets
            if entity.relationship is not None:
                targets = tuple(pair[0 if of.name == "source" else 1] for pair in entity.relationship.pairs)
            ids = [(target, id_) for target in targets for id_ in self.rows[target]]
            known = [{target: id_} if of.reference.polymorphic else id_ for target, id_ in ids]
        return self._chance.choice(known if of.required else [None, *known]) if known else None

    def _changed(self, change: Change) -> Rows:
        records = dict(self.rows[change.entity])
        if change.field is None:
            del records[change.id]
        else:
            records[change.id] = {**records[change.id], change.field: change.value}
        return {**self.rows, change.entity: records}

    def _truth(self, rows: Rows, change: Change | None = None) -> dict[Any, Any]:
        """What decides about each record: whether it is seen, and for which policies its row rule holds."""
        if change is not None and change.field is None and any(_refers(rows, change.id)):
            return {}
        sight = self._sight(rows)
        found: dict[Any, Any] = {}
        for entity in self._rights.model:
            policies = [each for each in self._rights.policies if each.entity == entity.name]
            for id_, row in rows[entity.name].items():
                held = [sight._rule(each, entity.name, row) for each in policies]
                found[entity.name, id_] = (sight.sees(entity.name, row), held)
        return found

    def _sight(self, rows: Rows) -> Sight:
        return Sight(self._rights, {name: list(found.values()) for name, found in rows.items()}, self._user)


def _ids(rows: Rows) -> set[str]:
    return {id_ for found in rows.values() for id_ in found}


def _refers(rows: Rows, id_: str) -> Iterator[bool]:
    """For each value of each record, whether it leads to a record."""
    for found in rows.values():
        for row in found.values():
            for name, value in row.items():
                yield name != "id" and (value == id_ or (isinstance(value, Mapping) and id_ in value.values()))


def _carried_out(world: World, change: Change) -> bool:
    """Change the table itself, so that not even the version tells; False if the database does not take it."""
    table, kind = world.tables[change.entity], world.model[change.entity]
    try:
        with world.database.begin() as connection:
            if change.field is None:
                connection.execute(delete(table).where(table.c.id == change.id))
            else:
                columns = to_columns(kind, {change.field: change.value})
                connection.execute(update(table).where(table.c.id == change.id).values(columns))
    except IntegrityError:
        return False
    return True
