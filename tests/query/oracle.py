"""A naive second opinion: reads answered in plain Python, record by record and field by field.

It knows policies, rows and documents only; nothing of it comes from the compiler under test. Documents are the trees
that :mod:`tests.query.documents` draws.
"""

import datetime as dt
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.graphql.kit import SYSTEM, Rows
from tests.query.virtual_world import COMPUTED, NEEDS
from xrm_core import naming
from xrm_core.metadata.model import Entity, Field, Link, Model, Rollup
from xrm_core.metadata.types import COMPARABLE, NUMERIC, ORDERED, WHOLE, FieldType
from xrm_core.permissions.policy import Action, Effect, Policy

Tree = Mapping[str, Any]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Rights:
    """What a role may read, by its policies. ``rules`` are row rules in the words of the policy file."""

    model: Model
    policies: Sequence[Policy]
    rules: Mapping[str, Tree]

    def of(self, entity: str, effect: Effect) -> list[Policy]:
        return [
            each
            for each in self.policies
            if each.effect is effect and each.entity in (None, entity) and each.action in (None, Action.READ)
        ]

    def named(self, entity: str) -> bool:
        """Whether policies name the entity; if none does, rights on links follow from those on their ends."""
        return any(self.of(entity, effect) for effect in Effect)

    def readable(self, entity: str) -> bool:
        """Whether the entity is in the role's schema."""
        between = self.model[entity].between
        if between is not None:
            owner, target = (self.model[entity][name].reference.targets[0] for name in (between.source, between.target))
            if not self.readable(owner) or not self.readable(target):
                return False
            if not self.named(entity):
                return self.grants(owner, between.name)
        barred = any(self._always(each) and each.fields is None for each in self.of(entity, Effect.DENY))
        return bool(self.of(entity, Effect.ALLOW)) and not barred

    def has(self, entity: Entity, of: Field) -> bool:
        """Whether the field is in the role's schema."""
        if not self.readable(entity.name) or (of.relation is not None and not self.targets(of)):
            return False
        if not self.grants(entity.name, of.name) and (entity.between is None or self.named(entity.name)):
            return False
        return all(
            self.has(self.model[owner], self.model[owner][name]) for owner, name in NEEDS.get(_key(entity, of), ())
        )

    def grants(self, entity: str, name: str) -> bool:
        """Whether policies give a field or many-to-many relation on some rows."""
        granted = any(_grants(each, name) for each in self.of(entity, Effect.ALLOW))
        return granted and not any(self._always(each) and _names(each, name) for each in self.of(entity, Effect.DENY))

    def _always(self, policy: Policy) -> bool:
        """Whether a policy is about all rows by its form."""
        return policy.rule is None or self.rules[policy.rule] == {"and": []}

    def linked(self, entity: Entity) -> list[Link]:
        """Many-to-many relations of an entity in the role's schema."""
        return [
            each
            for each in entity.links.values()
            if all(self.has(self.model[each.through], self.model[each.through][end]) for end in (each.near, each.far))
        ]

    def targets(self, of: Field) -> list[str]:
        """Entities that a relation leads to in the role's schema."""
        return [each for each in of.reference.targets if self.readable(each)]


def _key(entity: Entity, of: Field) -> tuple[str, str]:
    return entity.name, of.name


def _grants(policy: Policy, name: str) -> bool:
    return policy.fields is None or name in policy.fields or name == "id"


def _names(policy: Policy, name: str) -> bool:
    return policy.fields is not None and name in policy.fields


@dataclass
class Oracle:
    """Answers documents about rows for one user."""

    rights: Rights
    rows: Rows
    user: str
    default_page: int = 50
    _index: dict[str, dict[str, Row]] = field(init=False)

    def __post_init__(self) -> None:
        self.model = self.rights.model
        self._index = {
            entity.name: {row["id"]: {**SYSTEM, **row} for row in self.rows.get(entity.name, [])}
            for entity in self.model
        }

    # -- rights -----------------------------------------------------------------------------------------------------

    def visible(self, entity: str) -> list[Row]:
        return [row for row in self._index[entity].values() if self.sees(entity, row)]

    def sees(self, entity: str, row: Row) -> bool:
        between = self.model[entity].between
        if between is not None:
            ends = [
                (target := self.model[entity][name].reference.targets[0], self._index[target][row[name]])
                for name in (between.source, between.target)
            ]
            if not all(self.sees(*end) for end in ends):
                return False
            if not self.rights.named(entity):
                return self._granted(*ends[0], between.name)
        allowed = any(self._rule(each, entity, row) for each in self.rights.of(entity, Effect.ALLOW))
        denied = any(
            each.fields is None and self._rule(each, entity, row) for each in self.rights.of(entity, Effect.DENY)
        )
        return allowed and not denied

    def _rule(self, policy: Policy, entity: str, row: Row) -> bool:
        return policy.rule is None or self.holds(entity, row, self.rights.rules[policy.rule], trusted=True)

    def value(self, entity: str, row: Row, name: str) -> Any:
        """A field's value as the caller sees it; ``price.amount`` is a part of one."""
        if "." in name:
            holder, _, part = name.partition(".")
            money = self.value(entity, row, holder)
            return money and money[part]
        derived = self.model[entity].between is not None and not self.rights.named(entity)
        return self._raw(entity, row, name, trusted=False) if derived or self._granted(entity, row, name) else None

    def _granted(self, entity: str, row: Row, name: str) -> bool:
        """Whether the caller may see a field of a record; of a computed field, also all that it is made of."""
        granted = any(
            _grants(each, name) and self._rule(each, entity, row) for each in self.rights.of(entity, Effect.ALLOW)
        )
        withheld = any(
            _names(each, name) and self._rule(each, entity, row) for each in self.rights.of(entity, Effect.DENY)
        )
        made_of = COMPUTED[entity, name].uses if (entity, name) in COMPUTED else ()
        return granted and not withheld and all(self._granted(entity, row, each) for each in made_of)

    def _raw(self, entity: str, row: Row, name: str, *, trusted: bool) -> Any:
        """A field's value without regard to rights on the field; roll-ups see what the caller sees, unless trusted."""
        if (entity, name) in COMPUTED:
            computed = COMPUTED[entity, name]
            return computed.work({each: self._raw(entity, row, each, trusted=trusted) for each in computed.uses})
        of = self.model[entity][name]
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
        found = self._index[target][id_]
        return (target, found) if trusted or self.sees(target, found) else None

    def related(self, entity: Entity, row: Row, inverse: str, *, trusted: bool = False) -> tuple[str, list[Row]]:
        """The records that refer to this one through a relation, if they can be seen."""
        source = entity.inverses[inverse]
        of = self.model[source.entity][source.field]
        candidates = self._index[source.entity].values() if trusted else self.visible(source.entity)
        found = []
        for each in candidates:
            link = each.get(of.name) if trusted else self.value(source.entity, each, of.name)
            if link and (link.get(entity.name) if of.reference.polymorphic else link) == row["id"]:
                found.append(each)
        return source.entity, found

    def joined(self, entity: Entity, row: Row, name: str, *, trusted: bool = False) -> list[tuple[Row, Row]]:
        """The links of a record in a many-to-many relation, each with the record on the other side."""
        link = entity.links[name]
        links = self._index[link.through].values() if trusted else self.visible(link.through)
        found = []
        for each in links:
            near, far = (
                each.get(end) if trusted else self.value(link.through, each, end) for end in (link.near, link.far)
            )
            other = self._index[link.target].get(far)
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
        if op in ("in", "notIn"):
            inside = actual is not None and any(comparable(of, actual) == comparable(of, each) for each in operand)
            return inside is (op == "in")
        if operand == "$user":
            operand = self.user
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
            case "contains":
                return operand in actual
            case "startsWith":
                return bool(actual.startswith(operand))
        return bool(actual.endswith(operand))

    # -- orders -----------------------------------------------------------------------------------------------------

    def along(self, entity: str, row: Row, path: Sequence[str]) -> Any:
        """A value through to-one relations (names of files), and its field."""
        for name in path[:-1]:
            found = self.target(entity, row, self.model[entity][name])
            if found is None:
                return None
            entity, row = found
        return self.value(entity, row, path[-1])

    def end(self, entity: str, path: Sequence[str]) -> Field:
        """The field to which a path leads."""
        for name in path[:-1]:
            entity = self.model[entity][name].reference.targets[0]
        return self.model[entity][path[-1]]

    def sorted(self, entity: str, rows: Iterable[Row], order: Sequence[tuple[Sequence[str], bool]]) -> list[Row]:
        """Rows in an order of (path, descending), the id last; empty values are the largest."""
        found = sorted(rows, key=lambda row: row["id"])
        for path, descending in reversed(order):
            of = self.end(entity, path)
            found.sort(key=lambda row: ordering(of, self.along(entity, row, path)), reverse=descending)
        return found

    # -- documents --------------------------------------------------------------------------------------------------

    def root(self, request: Tree) -> Any:
        """The answer to a root field."""
        entity = request["entity"]
        if request["kind"] == "record":
            row = self._index[entity].get(request["id"])
            return self.record(entity, row, request["selection"]) if row and self.sees(entity, row) else None
        if request["kind"] == "connection":
            return self.connection(entity, self.visible(entity), request)
        return self.aggregate(entity, request)

    def record(self, entity: str, row: Row, selection: Sequence[Tree]) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        for item in selection:
            match item["kind"]:
                case "typename":
                    answer[item["key"]] = naming.pascal(entity)
                case "value":
                    name = item["field"]
                    answer[item["key"]] = on_the_wire(self.model[entity][name], self.value(entity, row, name))
                case "one":
                    found = self.target(entity, row, self.model[entity][item["field"]])
                    inner = None if found is None else item["branches"].get(found[0], ())
                    answer[item["key"]] = None if found is None else self.record(*found, inner)
                case "many":
                    other, related = self.related(self.model[entity], row, item["field"])
                    answer[item["key"]] = self.connection(other, related, item["request"])
                case "linked":
                    answer[item["key"]] = self.connection_of_links(entity, row, item["field"], item["request"])
        return answer

    def connection(self, entity: str, rows: list[Row], request: Tree) -> dict[str, Any]:
        found = [row for row in rows if self.holds(entity, row, request["where"])]
        found = self.sorted(entity, found, request["order"])
        size = request["size"]
        size = self.default_page if size is None else size
        backward = request["backward"]
        page = (found[-size:] if size else []) if backward else found[:size]
        answer: dict[str, Any] = {}
        for part in request["parts"]:
            if part == "totalCount":
                answer[part] = len(found)
            elif part == "nodes":
                answer[part] = [self.record(entity, row, request["selection"]) for row in page]
            elif part == "edges":
                answer[part] = [{"node": self.record(entity, row, request["selection"])} for row in page]
            else:
                more = len(found) > size
                answer[part] = {"hasNextPage": more and not backward, "hasPreviousPage": more and backward}
        return answer

    def connection_of_links(self, entity: str, row: Row, name: str, request: Tree) -> dict[str, Any]:
        """A connection whose edges have the attributes of links."""
        link = self.model[entity].links[name]
        joined = self.joined(self.model[entity], row, name)
        joined = [(each, other) for each, other in joined if self.holds(link.through, each, request["where_link"])]
        links = {other["id"]: each for each, other in joined}
        inner = [*request["selection"], {"kind": "value", "key": "xid", "field": "id"}]
        answer = self.connection(link.target, [other for _, other in joined], {**request, "selection": inner})
        for edge in answer.get("edges", []):
            through = self.model[link.through]
            for of in request["attributes"]:
                value = self.value(link.through, links[edge["node"]["xid"]], of)
                edge[naming.camel(of)] = on_the_wire(through[of], value)
        for node in [*answer.get("nodes", []), *(edge["node"] for edge in answer.get("edges", []))]:
            node.pop("xid")
        return answer

    def aggregate(self, entity: str, request: Tree) -> list[dict[str, Any]]:
        rows = [row for row in self.visible(entity) if self.holds(entity, row, request["where"])]
        paths = list(dict.fromkeys(request["groups"]))
        groups: dict[tuple[Any, ...], list[Row]] = {} if paths else {(): []}
        for row in rows:
            groups.setdefault(tuple(self.along(entity, row, path) for path in paths), []).append(row)
        ends = [self.end(entity, path) for path in paths]

        def place(key: tuple[Any, ...]) -> list[Any]:
            return [ordering(of, value) for of, value in zip(ends, key, strict=True)]

        answers = []
        for key in sorted(groups, key=place)[: request["size"]]:
            answer: dict[str, Any] = {"count": len(groups[key])}
            if paths:
                answer["key"] = {}
                for path, of, value in zip(paths, ends, key, strict=True):
                    inner = answer["key"]
                    *way, last = ".".join(path).split(".")
                    for name in way:
                        inner = inner.setdefault(naming.camel(name), {})
                    inner[naming.camel(last)] = on_the_wire(of, value)
            for function, names in request["measures"].items():
                answer[function] = {
                    naming.camel(name): self._measure(entity, groups[key], function, name) for name in names
                }
            answers.append(answer)
        return answers

    def _measure(self, entity: str, rows: list[Row], function: str, name: str) -> Any:
        of = self.model[entity][name]
        if of.parts:
            return self._measure(entity, rows, function, f"{name}.amount")
        values = [value for row in rows if (value := self.value(entity, row, name)) is not None]
        if function == "countDistinct":
            return len({comparable(of, value) for value in values})
        if not values:
            return None
        if function in ("min", "max"):
            choose = min if function == "min" else max
            return on_the_wire(of, choose(values, key=lambda value: comparable(of, value)))
        if of.type is FieldType.DURATION:
            total = Decimal(sum(seconds(value) for value in values))
            mean = (total / len(values)).quantize(Decimal(1), ROUND_HALF_UP)
            return iso(int(total if function == "sum" else mean))
        total = sum((Decimal(str(value)) for value in values), Decimal())
        if function == "sum":
            return str(int(total)) if of.type in WHOLE else on_the_wire(of, total)
        if of.type is FieldType.BIG_INTEGER:
            return Near(float(total / len(values)))
        return float((total / len(values)).quantize(Decimal("0.000001"), ROUND_HALF_UP))


def applicable(function: str, of: Field) -> bool:
    """Whether a field has an aggregate function."""
    if of.parts:  # amounts of several currencies are refused
        return function != "countDistinct" and len(of.currencies) == 1
    if function in ("sum", "avg"):
        return of.type in NUMERIC and of.name != "version"
    return of.type in (COMPARABLE if function == "countDistinct" else ORDERED)


def model_name(entity: Entity, graphql_name: str) -> str:
    """The name in the file of a field or inverse."""
    names: Iterator[str] = (
        name for each in ([f.name for f in entity.all_fields()], entity.inverses, entity.links) for name in each
    )
    return next(name for name in names if naming.camel(name) == graphql_name)


def comparable(of: Field, value: Any) -> Any:
    """A value as Python compares it like the databases do."""
    match of.type:
        case FieldType.DECIMAL:
            return Decimal(str(value))
        case FieldType.DATETIME:
            return dt.datetime.fromisoformat(value)
        case FieldType.BOOLEAN | FieldType.INTEGER | FieldType.BIG_INTEGER:
            return value
        case FieldType.DURATION:
            return seconds(value)
        case _:
            return value.encode()


def ordering(of: Field, value: Any) -> tuple[bool, Any]:
    """A value with empty ones after all others."""
    return (True, 0) if value is None else (False, comparable(of, value))


def on_the_wire(of: Field, value: Any) -> Any:
    """A value as JSON has it."""
    if value is None:
        return None
    match of.type:
        case FieldType.DECIMAL:
            return f"{Decimal(str(value)):.{of.scale}f}"
        case FieldType.DATETIME:
            moment = dt.datetime.fromisoformat(value).astimezone(dt.UTC)
            fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
            return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}+00:00"
        case FieldType.MONEY:
            return {"amount": on_the_wire(of.parts["amount"], value["amount"]), "currency": value["currency"]}
        case FieldType.BIG_INTEGER:
            return str(value)
        case FieldType.DURATION:
            return iso(seconds(value))
    return value


class Near(float):
    """The average of large numbers: a float that is right in fifteen digits."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, float) and math.isclose(self, other, rel_tol=1e-15, abs_tol=1e-6)

    __hash__ = float.__hash__


def seconds(text: str) -> int:
    """The length of a duration such as ``P1DT2H``."""
    sizes = {"W": 604_800, "D": 86_400, "H": 3_600, "M": 60, "S": 1}
    return sum(int(number) * sizes[letter] for number, letter in re.findall(r"(\d+)([WDHMS])", text))


def iso(length: int) -> str:
    """So many seconds in ISO 8601, the largest units first."""
    clock = dt.timedelta(seconds=length % 86_400)
    hours, rest = divmod(clock.seconds, 3_600)
    parts = [f"{count}{letter}" for count, letter in ((hours, "H"), (rest // 60, "M"), (rest % 60, "S")) if count]
    days = f"{length // 86_400}D" if length >= 86_400 else ""
    return f"P{days}{'T' if parts else ''}{''.join(parts)}" if length else "PT0S"
