"""The naive second opinion: which records and values a user sees, and for which of them a condition holds."""

import datetime as dt
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.graphql.kit import KEY, SYSTEM, Rows
from tests.query.oracle_rights import Rights, Tree, gives, withholds
from tests.query.oracle_values import comparable, model_name
from tests.query.virtual_world import COMPUTED
from xrm_core import naming
from xrm_core.metadata.model import Entity, Field, Rollup
from xrm_core.metadata.types import TEXTUAL, WHOLE, FieldType
from xrm_core.permissions.policy import Effect, Policy

Row = Mapping[str, Any]


@dataclass
class Sight:
    """What one user sees of rows."""

    rights: Rights
    rows: Rows
    user: str
    team: str | None = None
    teams: tuple[str, ...] = ()
    shares: Sequence[Row] = ()
    index: dict[str, dict[str, Row]] = field(init=False)

    def __post_init__(self) -> None:
        self.model = self.rights.model
        self.index = {
            entity.name: {row["id"]: {**SYSTEM, **row} for row in self.rows.get(entity.name, [])}
            for entity in self.model
        }

    # -- rights -----------------------------------------------------------------------------------------------------

    def visible(self, entity: str) -> list[Row]:
        return [row for row in self.index[entity].values() if self.sees(entity, row)]

    def sees(self, entity: str, row: Row) -> bool:
        between = self.model[entity].between
        if between is not None:
            ends = [
                (target := self.model[entity][name].reference.targets[0], self.index[target][row[name]])
                for name in (between.source, between.target)
            ]
            if not all(self.sees(*end) for end in ends):
                return False
            if not self.rights.named(entity):
                return self._granted(*ends[0], between.name)
        if self.model[entity].relationship is not None:
            ends = [next(iter(row[name].items())) for name in ("source", "target")]
            if not all(self.sees(target, self.index[target][id_]) for target, id_ in ends):
                return False
        allowed = any(self._rule(each, entity, row) for each in self.rights.of(entity, Effect.ALLOW))
        denied = any(
            each.fields is None and self._rule(each, entity, row) for each in self.rights.of(entity, Effect.DENY)
        )
        return allowed and not denied

    def _rule(self, policy: Policy, entity: str, row: Row) -> bool:
        if policy.rule is None:
            return True
        rule = self.rights.rules[policy.rule]
        if ("'$team'" in repr(rule) and not self.team) or ("'$teams'" in repr(rule) and not self.teams):
            return policy.effect is Effect.DENY
        return self.holds(entity, row, rule, trusted=True)

    def value(self, entity: str, row: Row, name: str) -> Any:
        """A field's value as the caller sees it; ``price.amount`` is a part of one."""
        if "." in name:
            holder, _, part = name.partition(".")
            money = self.value(entity, row, holder)
            return money and money[part]
        derived = self.model[entity].between is not None and not self.rights.named(entity)
        return self._raw(entity, row, name, trusted=False) if derived or self._granted(entity, row, name) else None

    def shown(self, entity: str, row: Row, name: str) -> Any:
        """A field's value as an answer shows it to the caller: where it is hidden, perhaps behind a mask."""
        found = self.value(entity, row, name)
        of, text = self.model[entity].field(name), row.get(name)
        if found is not None or text is None or of is None or of.type not in TEXTUAL or of.virtual:
            return found
        denied = any(
            withholds(each, name) and self._rule(each, entity, row) for each in self.rights.of(entity, Effect.DENY)
        )
        for mask in () if denied else ("last_4", "initial", "hash"):
            for each in self.rights.of(entity, Effect(mask)):
                if name in (each.fields or ()) and self._rule(each, entity, row):
                    return _masked(mask, f"{entity}.{name}", text)
        return None

    def _granted(self, entity: str, row: Row, name: str) -> bool:
        """Whether the caller may see a field of a record; of a computed field, also all that it is made of."""
        granted = any(
            gives(each, name) and self._rule(each, entity, row) for each in self.rights.of(entity, Effect.ALLOW)
        )
        withheld = any(
            withholds(each, name) and self._rule(each, entity, row) for each in self.rights.of(entity, Effect.DENY)
        )
        of = self.model[entity].field(name)
        made_of = COMPUTED[entity, name].uses if of is not None and of.computed else ()
        return granted and not withheld and all(self._granted(entity, row, each) for each in made_of)

    def _raw(self, entity: str, row: Row, name: str, *, trusted: bool) -> Any:
        """A field's value without regard to rights on the field; roll-ups see what the caller sees, unless trusted."""
        of = self.model[entity][name]
        if of.computed:
            computed = COMPUTED[entity, name]
            return computed.work({each: self._raw(entity, row, each, trusted=trusted) for each in computed.uses})
        return row.get(name) if of.rollup is None else self._rolled_up(entity, row, of, of.rollup, trusted)

    def _rolled_up(self, entity: str, row: Row, of: Field, rollup: Rollup, trusted: bool) -> Any:
        other, found = self.related(self.model[entity], row, rollup.relation, trusted=trusted)
        found = [each for each in found if self.holds(other, each, rollup.where, trusted=trusted)]
        if rollup.function == "count":
            return len(found)

        def see(each: Row, name: str) -> Any:
            return self._raw(other, each, name, trusted=True) if trusted else self.value(other, each, name)

        if rollup.function in ("first", "last"):
            by = self.model[other][rollup.order_by]
            found = [each for each in found if see(each, by.name) is not None]
            found.sort(key=lambda each: (comparable(by, see(each, by.name)), each["id"]))
            return see(found[-1 if rollup.function == "last" else 0], rollup.field) if found else None
        values = [value for each in found if (value := see(each, rollup.field)) is not None]
        if rollup.function in ("min", "max"):
            choose = min if rollup.function == "min" else max
            return choose(values, key=lambda value: comparable(of, value)) if values else None
        total = sum((Decimal(str(value)) for value in values), Decimal())
        if rollup.function == "sum":
            return int(total) if of.type in WHOLE else total
        return (total / len(values)).quantize(Decimal(1).scaleb(-of.scale), ROUND_HALF_UP) if values else None

    def target(self, entity: str, row: Row, of: Field, *, trusted: bool = False) -> tuple[str, Row] | None:
        """The record that a relation leads to, if it can be seen."""
        link = row.get(of.name) if trusted else self.value(entity, row, of.name)
        if not link:
            return None
        target, id_ = next(iter(link.items())) if of.reference.polymorphic else (of.reference.targets[0], link)
        found = self.index[target][id_]
        return (target, found) if trusted or self.sees(target, found) else None

    def related(self, entity: Entity, row: Row, inverse: str, *, trusted: bool = False) -> tuple[str, list[Row]]:
        """The records that refer to this one through a relation, if they can be seen."""
        source = entity.inverses[inverse]
        of = self.model[source.entity][source.field]
        candidates = self.index[source.entity].values() if trusted else self.visible(source.entity)
        found = []
        for each in candidates:
            link = each.get(of.name) if trusted else self.value(source.entity, each, of.name)
            if link and (link.get(entity.name) if of.reference.polymorphic else link) == row["id"]:
                found.append(each)
        return source.entity, found

    def joined(self, entity: Entity, row: Row, name: str, *, trusted: bool = False) -> list[tuple[Row, Row]]:
        """The links of a record in a many-to-many relation, each with the record on the other side."""
        link = entity.links[name]
        links = self.index[link.through].values() if trusted else self.visible(link.through)
        found = []
        for each in links:
            near, far = (
                each.get(end) if trusted else self.value(link.through, each, end) for end in (link.near, link.far)
            )
            other = self.index[link.target].get(far)
            if near == row["id"] and other is not None and (trusted or self.sees(link.target, other)):
                found.append((each, other))
        return found

    # -- conditions -------------------------------------------------------------------------------------------------

    def holds(self, entity: str, row: Row, tree: Tree, *, trusted: bool = False) -> bool:
        """Whether a filter (GraphQL names), or a row rule (names of files, ``trusted``), holds for a record."""
        return all(self._part(self.model[entity], row, key, value, trusted) for key, value in tree.items())

    def _part(self, entity: Entity, row: Row, key: str, value: Any, trusted: bool) -> bool:
        if key == "and":
            return all(self.holds(entity.name, row, each, trusted=trusted) for each in value)
        if key == "or":
            return any(self.holds(entity.name, row, each, trusted=trusted) for each in value)
        if key == "not":
            return not self.holds(entity.name, row, value, trusted=trusted)
        if key == "$shared":
            return any(self._shared(each, entity.name, row, value) for each in self.shares)
        name = key if trusted else model_name(entity, key)
        if name in entity.inverses:
            other, related = self.related(entity, row, name, trusted=trusted)
            return all(self._many(other, related, how, part, trusted) for how, part in value.items())
        if name in entity.links:
            others = [other for _, other in self.joined(entity, row, name, trusted=trusted)]
            target = entity.links[name].target
            return all(self._many(target, others, how, part, trusted) for how, part in value.items())
        of = entity[name]
        if of.relation is not None:
            return self._relation(entity, row, of, dict(value), trusted)
        actual = self._raw(entity.name, row, name, trusted=True) if trusted else self.value(entity.name, row, name)
        if of.parts:
            return all(
                inner is (actual is None)
                if part == "isNull"
                else all(self._compare(of.parts[part], actual and actual[part], *each) for each in inner.items())
                for part, inner in value.items()
            )
        return all(self._compare(of, actual, op, operand) for op, operand in value.items())

    def _shared(self, share: Row, entity: str, row: Row, level: str) -> bool:
        mine = share["grantee"] in (f"user:{self.user}", f"team:{self.team}", "role:role")
        same = (share["entity"], share["record_id"]) == (entity, row["id"])
        lasts = share["until"] is None or share["until"] > dt.datetime.now(dt.UTC).isoformat()
        return mine and same and lasts and share["level"] in (level, "update")

    def _many(self, entity: str, rows: list[Row], how: str, part: Tree, trusted: bool) -> bool:
        found = [self.holds(entity, row, part, trusted=trusted) for row in rows]
        return {"some": any, "every": all, "none": lambda each: not any(each)}[how](found)

    def _relation(self, entity: Entity, row: Row, of: Field, value: dict[str, Any], trusted: bool) -> bool:
        found = self.target(entity.name, row, of, trusted=trusted)
        given = "isNull" in value
        if given and value.pop("isNull") is not (found is None):
            return False
        if of.reference.polymorphic:
            return all(
                found is not None
                and naming.camel(found[0]) == naming.camel(target)
                and self.holds(*found, part, trusted=trusted)
                for target, part in value.items()
            )
        if given and not value:
            return True
        return found is not None and self.holds(*found, value, trusted=trusted)

    def _compare(self, of: Field, actual: Any, op: str, operand: Any) -> bool:
        if op == "isNull":
            return bool(operand) is (actual is None)
        if op == "isEmpty":
            return bool(operand) is not bool(actual)
        if op in ("has", "hasAny", "hasAll"):
            found, wanted = set(actual or ()), {operand} if op == "has" else set(operand)
            return actual is not None and (bool(found & wanted) if op == "hasAny" else wanted <= found)
        if isinstance(operand, str) and operand in ("$user", "$team", "$teams", "$now"):
            now = dt.datetime.now(dt.UTC).isoformat()  # no record has a moment near to it
            today = now[:10] if of.type is FieldType.DATE else now
            operand = {"$user": self.user, "$team": self.team, "$teams": self.teams, "$now": today}[operand]
        if op in ("in", "notIn"):
            inside = actual is not None and any(comparable(of, actual) == comparable(of, each) for each in operand)
            return inside is (op == "in")
        if operand is None:
            return (actual is None) is (op == "eq")
        if op == "ne":
            return actual is None or comparable(of, actual) != comparable(of, operand)
        if actual is None:
            return False
        one, other = comparable(of, actual), comparable(of, operand)
        match op:
            case "eq":
                return bool(one == other)
            case "lt":
                return bool(one < other)
            case "lte":
                return bool(one <= other)
            case "gt":
                return bool(one > other)
            case "gte":
                return bool(one >= other)
            case "number":
                return _same_number(actual, operand)
            case "contains":
                return operand in actual
            case "startsWith":
                return bool(actual.startswith(operand))
        return bool(actual.endswith(operand))


def _masked(mask: str, place: str, text: str) -> str:
    if mask == "last_4":
        return f"****{text[-4:]}" if len(text) >= 8 else "****"
    if mask == "initial":
        return f"{text[:1]}."
    return hmac.new(KEY, f"{place}:{text}".encode(), "sha256").hexdigest()[:16]


def _same_number(one: str, other: str) -> bool:
    """Phone numbers without zeros and country codes before them: one ends with the other, which is not too short."""
    digits = (re.sub(r"[^0-9]", "", each.replace("(0)", "")).lstrip("0") for each in (one, other))
    short, long = sorted(digits, key=len)
    return short != "" and (short == long or (len(short) > 6 and long.endswith(short)))
