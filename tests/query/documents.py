"""Hypothesis strategies: rows, policies with row rules, and read documents as trees, and those trees as GraphQL."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.graphql.kit import Rows, uid
from tests.query.oracle_rights import Rights
from tests.query.oracle_values import applicable
from xrm_core import naming
from xrm_core.metadata.model import Entity, Field, Link, Model
from xrm_core.metadata.predicate import FLAGS, LISTS, Op, operators
from xrm_core.metadata.types import COMPARABLE, FieldType
from xrm_core.permissions.policy import Action, Effect, Policy

Draw = Callable[[st.SearchStrategy[Any]], Any]

FUNCTIONS = ("sum", "avg", "min", "max", "countDistinct")
FIRST_ID = {"person": 0, "firm": 100, "deal": 200, "visit": 300, "secret": 400, "firm_advisor": 600, "firm_ally": 700}
ENTITIES = tuple(FIRST_ID)
COUNTS = {"person": 3, "firm": 6, "deal": 6, "visit": 5, "secret": 3, "firm_advisor": 6, "firm_ally": 6}

_TEXTS = ["", "a", "A", "ab", "b%", "_", "ä", "\\", "'", '"', "Z", "😀", "a\nb"]
_DATES = ["0999-12-31", "1999-12-31", "2000-01-01", "2024-02-29"]
_MOMENTS = ["2026-03-01T10:00:00+00:00", "2026-03-01T10:00:00.5+00:00", "2026-03-01T11:00:00.000001+01:00"]
_JSON: list[dict[str, Any]] = [{}, {"a": None}, {"bb": [1, 0.5, "ä", {}], "a": True}, {"\\": '"', "😀": -(2**63)}]


def values(of: Field) -> st.SearchStrategy[Any]:
    """Values of a field: few, so that equal ones are frequent."""
    match of.type:
        case FieldType.INTEGER:
            return st.sampled_from([-(2**31), -7, 0, 1, 2, 2**31 - 1])
        case FieldType.BIG_INTEGER:
            return st.sampled_from([-(2**63), -(10**12), -1, 0, 3, 2**53 + 1, 2**63 - 1])
        case FieldType.TIME:
            return st.sampled_from(["00:00:00", "08:30:00", "08:30:00.000001", "08:30:00.5", "23:59:59.999999"])
        case FieldType.DURATION:
            return st.sampled_from(["PT0S", "PT59S", "PT1H", "P1D", "P1DT1S", "P1157407DT9H46M40S"])
        case FieldType.SET:
            return st.lists(st.sampled_from(of.enum), unique=True).map(lambda found: sorted(found, key=of.enum.index))
        case FieldType.JSON:
            return st.sampled_from(_JSON)
        case FieldType.MONEY:
            amounts = st.sampled_from(["-1", "0", "2.5" if of.scale else "2", "9999999999"]).map(Decimal)
            return st.fixed_dictionaries({"amount": amounts, "currency": st.sampled_from(of.currencies)})
        case FieldType.DECIMAL:
            return st.sampled_from(["-1.5", "-0.01", "0", "0.01", "2", "2.5", "1000000000"]).map(Decimal)
        case FieldType.BOOLEAN:
            return st.booleans()
        case FieldType.DATE:
            return st.sampled_from(_DATES)
        case FieldType.DATETIME:
            return st.sampled_from(_MOMENTS)
        case FieldType.UUID:
            return st.sampled_from([uid(number) for number in (1, 2, 101, 102, 201, 999)])
        case FieldType.ENUM:
            return st.sampled_from(of.enum)
    return st.sampled_from(_TEXTS)


@st.composite
def rows(draw: Any, model: Model) -> Rows:
    """Some records of each entity, linked at random."""
    counts = {name: draw(st.integers(0, most)) for name, most in COUNTS.items()}
    found = {
        name: [_row(draw, model[name], FIRST_ID[name] + number, counts) for number in range(1, counts[name] + 1)]
        for name in ENTITIES
    }
    for name, links in found.items():
        between = model[name].between
        if between is not None:  # both ends of each, and each pair once
            ends = {(row[between.source], row[between.target]): row for row in links}
            found[name] = [row for pair, row in ends.items() if None not in pair]
    return found


def _row(draw: Draw, entity: Entity, number: int, counts: Mapping[str, int]) -> dict[str, Any]:
    row: dict[str, Any] = {"id": uid(number)}
    for of in entity.fields.values():
        if of.virtual:
            continue
        if of.relation is not None:
            row[of.name] = _link(draw, of, number, counts)
        elif of.required or draw(st.booleans()):
            row[of.name] = draw(values(of))
    return row


def _link(draw: Draw, of: Field, number: int, counts: Mapping[str, int]) -> Any:
    target = draw(st.sampled_from(of.reference.targets))
    first = FIRST_ID[target]
    # A record may refer to those before it only, so that they can be stored one after the other.
    most = min(counts[target], number - first - 1) if first <= number <= first + COUNTS[target] else counts[target]
    chosen = draw(st.integers(0, most))
    if chosen == 0:
        return None
    return {target: uid(first + chosen)} if of.reference.polymorphic else uid(first + chosen)


# -- conditions -------------------------------------------------------------------------------------------------------


class Conditions:
    """Draws filters (``rights``: GraphQL names of what the role's schema has) or row rules (names of files)."""

    def __init__(self, draw: Draw, model: Model, rights: Rights | None) -> None:
        self.draw = draw
        self.model = model
        self.rights = rights

    def tree(self, entity: Entity, depth: int = 2) -> dict[str, Any]:
        """A condition on an entity."""
        found: dict[str, Any] = {}
        for _ in range(self.draw(st.integers(0 if self.rights else 1, 2))):
            kind = self.draw(st.sampled_from(["scalar", "scalar", "one", "many", "logic"] if depth else ["scalar"]))
            found.update(getattr(self, f"_{kind}")(entity, depth))
        return found

    def _name(self, name: str) -> str:
        return naming.camel(name) if self.rights else name

    def _fields(self, entity: Entity) -> list[Field]:
        return [each for each in entity.all_fields() if self.rights is None or self.rights.has(entity, each)]

    def _scalar(self, entity: Entity, _depth: int) -> dict[str, Any]:
        of = self.draw(st.sampled_from([each for each in self._fields(entity) if each.relation is None]))
        if of.parts:
            kind = self.draw(st.sampled_from([*of.parts, "isNull"]))
            if kind == "isNull":
                return {self._name(of.name): {kind: self.draw(st.booleans())}}
            part = of.parts[kind]
            op = self.draw(st.sampled_from(operators(part)))
            return {self._name(of.name): {kind: {op.value: self._operand(part, op)}}}
        op = self.draw(st.sampled_from(operators(of)))
        return {self._name(of.name): {op.value: self._operand(of, op)}}

    def _operand(self, of: Field, op: Op) -> Any:
        if op in FLAGS:
            return self.draw(st.booleans())
        one = st.sampled_from(of.enum) if of.type is FieldType.SET else values(of)
        if op in LISTS:
            return self.draw(st.lists(one, max_size=3))
        if of.type is FieldType.SET:
            return self.draw(one)
        if op in (Op.EQ, Op.NE) and self.draw(st.integers(0, 5)) == 0:
            return None
        if self.rights is None and of.type is FieldType.UUID and op is Op.EQ and self.draw(st.booleans()):
            return self.draw(st.sampled_from(["$user", "$user", "$team"]))
        return self.draw(values(of))

    def _one(self, entity: Entity, depth: int) -> dict[str, Any]:
        found = [each for each in self._fields(entity) if each.relation is not None]
        if not found:
            return self._scalar(entity, depth)
        of = self.draw(st.sampled_from(found))
        kind = self.draw(st.integers(0, 4))
        value: dict[str, Any] = {"isNull": self.draw(st.booleans())} if kind == 0 else {}
        if kind:
            target = self.draw(st.sampled_from(self.rights.targets(of) if self.rights else of.reference.targets))
            inner = self.tree(self.model[target], depth - 1)
            value = {self._name(target): inner} if of.reference.polymorphic else inner
        return {self._name(of.name): value}

    def _many(self, entity: Entity, depth: int) -> dict[str, Any]:
        found = [
            each
            for each in entity.inverses.values()
            if self.rights is None or self.rights.has(self.model[each.entity], self.model[each.entity][each.field])
        ]
        links = list(entity.links.values()) if self.rights is None else self.rights.linked(entity)
        sides = [(each.name, each.entity) for each in found] + [(each.name, each.target) for each in links]
        if not sides:
            return self._scalar(entity, depth)
        name, target = self.draw(st.sampled_from(sides))
        how = self.draw(st.sampled_from(["some", "none", "every"]))
        return {self._name(name): {how: self.tree(self.model[target], depth - 1)}}

    def _logic(self, entity: Entity, depth: int) -> dict[str, Any]:
        word = self.draw(st.sampled_from(["and", "or", "not"]))
        if word == "not":
            return {word: self.tree(entity, depth - 1)}
        return {word: [self.tree(entity, depth - 1) for _ in range(self.draw(st.integers(0, 2)))]}


# -- rights -----------------------------------------------------------------------------------------------------------


@st.composite
def rights(draw: Any, model: Model) -> Rights:
    """A role's policies: for most entities one to three, some of them denying, some for a few fields or rows."""
    rules: dict[str, Any] = {}
    policies: list[Policy] = []
    for name in ENTITIES:
        # Most links have no policies of their own.
        for number in range(draw(st.sampled_from([0, 0, 0, 1, 2] if model[name].between else [0, 1, 1, 1, 2, 3]))):
            effect = Effect.ALLOW if number == 0 else draw(st.sampled_from([Effect.ALLOW, Effect.DENY]))
            rule = None
            if draw(st.booleans()):
                rule = f"{name}{number}"
                rules[rule] = Conditions(draw, model, None).tree(model[name])
            policies.append(Policy("role", name, Action.READ, _some_fields(draw, model[name]), rule, effect))
    return Rights(model, tuple(policies), rules)


def _some_fields(draw: Draw, entity: Entity) -> frozenset[str] | None:
    if draw(st.booleans()):
        return None
    names = [name for name in entity.grantable() if name != "id"]
    return frozenset(draw(st.lists(st.sampled_from(names), min_size=1, max_size=6)))


# -- documents --------------------------------------------------------------------------------------------------------


class Documents:
    """Draws root fields that a role may ask for."""

    def __init__(self, draw: Draw, of: Rights) -> None:
        self.draw = draw
        self.rights = of
        self.model = of.model
        self.conditions = Conditions(draw, self.model, of)

    def root(self) -> dict[str, Any] | None:
        """A root field; None if the role may read nothing."""
        readable = [name for name in ENTITIES if self.rights.readable(name)]
        if not readable:
            return None
        entity = self.model[self.draw(st.sampled_from(readable))]
        kind = self.draw(st.sampled_from(["record", "connection", "connection", "connection", "aggregate"]))
        request: dict[str, Any] = {"kind": kind, "entity": entity.name}
        if kind == "record":
            request["id"] = uid(FIRST_ID[entity.name] + self.draw(st.integers(1, 3)))
            request["selection"] = self.selection(entity, 2)
        elif kind == "connection":
            request |= self.connection(entity, 2)
        else:
            request |= self.aggregate(entity)
        return request

    def _fields(self, entity: Entity) -> list[Field]:
        return [each for each in entity.all_fields() if self.rights.has(entity, each)]

    def selection(self, entity: Entity, depth: int) -> list[dict[str, Any]]:
        """What is asked of a record."""
        found: list[dict[str, Any]] = []
        for number in range(self.draw(st.integers(1, 4))):
            key = f"k{number}"
            kind = self.draw(
                st.sampled_from(["value", "value", "one", "many", "linked", "typename"] if depth else ["value"])
            )
            found.append({"key": key, **self._item(entity, kind, depth)})
        return found

    def _item(self, entity: Entity, kind: str, depth: int) -> dict[str, Any]:
        if kind == "typename":
            return {"kind": "typename"}
        relations = [each for each in self._fields(entity) if each.relation is not None]
        if kind == "one" and relations:
            of = self.draw(st.sampled_from(relations))
            branches = {target: self.selection(self.model[target], depth - 1) for target in self.rights.targets(of)}
            if of.reference.polymorphic:  # keys of their own, since branches of a union must not disagree on types
                for target, items in branches.items():
                    for item in items:
                        item["key"] = f"{target}{item['key']}"
            return {"kind": "one", "field": of.name, "branches": branches, "union": of.reference.polymorphic}
        inverses = [
            each
            for each in entity.inverses.values()
            if self.rights.has(self.model[each.entity], self.model[each.entity][each.field])
        ]
        if kind == "many" and inverses:
            inverse = self.draw(st.sampled_from(inverses))
            target = self.model[inverse.entity]
            return {"kind": "many", "field": inverse.name, "request": self.connection(target, depth - 1)}
        if kind == "linked" and (links := self.rights.linked(entity)):
            return self._linked(self.draw(st.sampled_from(links)), depth)
        of = self.draw(st.sampled_from([each for each in self._fields(entity) if each.relation is None]))
        return {"kind": "value", "field": of.name}

    def _linked(self, link: Link, depth: int) -> dict[str, Any]:
        through = self.model[link.through]
        attributes = [each.name for each in self._fields(through) if each.relation is None and not each.system]
        request = self.connection(self.model[link.target], depth - 1)
        request["attributes"] = self.draw(st.lists(st.sampled_from(attributes), unique=True)) if attributes else []
        request["where_link"] = self.conditions.tree(through) if self.draw(st.booleans()) else {}
        return {"kind": "linked", "field": link.name, "request": request}

    def connection(self, entity: Entity, depth: int) -> dict[str, Any]:
        """A page of a list."""
        parts = self.draw(
            st.lists(st.sampled_from(["nodes", "edges", "pageInfo", "totalCount"]), min_size=1, unique=True)
        )
        return {
            "where": self.conditions.tree(entity),
            "order": [(self._path(entity), self.draw(st.booleans())) for _ in range(self.draw(st.integers(0, 2)))],
            "size": self.draw(st.sampled_from([None, None, 0, 1, 2, 3, 100])),
            "backward": self.draw(st.booleans()),
            "parts": parts,
            "selection": self.selection(entity, depth),
        }

    def _path(self, entity: Entity, *, grouping: bool = False) -> tuple[str, ...]:
        path: list[str] = []
        while True:
            found = [
                each
                for each in self._fields(entity)
                if (each.type in COMPARABLE or each.parts if each.relation is None else not each.reference.polymorphic)
            ]
            if len(path) == 2:
                found = [each for each in found if each.relation is None]
            of = self.draw(st.sampled_from(found))
            path.append(of.name)
            if of.parts:
                path[-1] = "{}.{}".format(of.name, "currency" if grouping else self.draw(st.sampled_from([*of.parts])))
            if of.relation is None:
                return tuple(path)
            entity = self.model[of.reference.targets[0]]

    def aggregate(self, entity: Entity) -> dict[str, Any]:
        """Figures."""
        measures = {}
        for function in self.draw(st.lists(st.sampled_from(FUNCTIONS), max_size=3, unique=True)):
            names = [each.name for each in self._fields(entity) if each.relation is None and applicable(function, each)]
            if names:
                measures[function] = self.draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
        return {
            "where": self.conditions.tree(entity),
            "groups": [self._path(entity, grouping=True) for _ in range(self.draw(st.integers(0, 2)))],
            "size": self.draw(st.sampled_from([None, None, 0, 1, 2])),
            "measures": measures,
        }


# -- as GraphQL -------------------------------------------------------------------------------------------------------


def text(model: Model, key: str, request: Mapping[str, Any]) -> str:
    """A root field in GraphQL."""
    entity = model[request["entity"]]
    if request["kind"] == "record":
        body = _selection(model, entity, request["selection"])
        return f'{key}: {naming.camel(entity.name)}(id: "{request["id"]}") {body}'
    if request["kind"] == "connection":
        return f"{key}: {naming.camel(entity.plural)}{_connection(model, entity, request)}"
    return f"{key}: {naming.camel(entity.plural)}Aggregate{_aggregate(model, entity, request)}"


def _selection(model: Model, entity: Entity, selection: list[dict[str, Any]]) -> str:
    parts = []
    for item in selection:
        key = item["key"]
        match item["kind"]:
            case "typename":
                parts.append(f"{key}: __typename")
            case "value":
                inside = " { amount currency }" if entity[item["field"]].parts else ""
                parts.append(f"{key}: {naming.camel(item['field'])}{inside}")
            case "one":
                inner = {target: _selection(model, model[target], each) for target, each in item["branches"].items()}
                if item["union"]:
                    body = "{" + " ".join(f"... on {naming.pascal(name)} {each}" for name, each in inner.items()) + "}"
                else:
                    [body] = inner.values()
                parts.append(f"{key}: {naming.camel(item['field'])} {body}")
            case "many":
                target = model[entity.inverses[item["field"]].entity]
                parts.append(f"{key}: {naming.camel(item['field'])}{_connection(model, target, item['request'])}")
            case "linked":
                link = entity.links[item["field"]]
                body = _connection(model, model[link.target], item["request"], model[link.through])
                parts.append(f"{key}: {naming.camel(item['field'])}{body}")
    return "{ " + " ".join(parts) + " }"


def _connection(model: Model, entity: Entity, request: Mapping[str, Any], through: Entity | None = None) -> str:
    arguments = []
    if request["where"]:
        arguments.append(f"where: {literal(request['where'], model, entity)}")
    if through is not None and request["where_link"]:
        arguments.append(f"whereLink: {literal(request['where_link'], model, through)}")
    if request["order"]:
        each = (nested(path, "DESC" if down else "ASC") for path, down in request["order"])
        arguments.append(f"orderBy: [{', '.join(each)}]")
    if request["size"] is not None or request["backward"]:
        size = 50 if request["size"] is None else request["size"]
        arguments.append(f"{'last' if request['backward'] else 'first'}: {size}")
    body = _selection(model, entity, request["selection"])
    forms = {
        "nodes": f"nodes {body}",
        "edges": f"edges {{ {' '.join(map(naming.camel, request.get('attributes', ())))} node {body} }}",
        "pageInfo": "pageInfo { hasNextPage hasPreviousPage }",
        "totalCount": "totalCount",
    }
    given = f"({', '.join(arguments)})" if arguments else ""
    return f"{given} {{ {' '.join(forms[part] for part in request['parts'])} }}"


def nested(path: tuple[str, ...], leaf: str) -> str:
    for name in reversed(".".join(path).split(".")):
        leaf = f"{{{naming.camel(name)}: {leaf}}}"
    return leaf


def _aggregate(model: Model, entity: Entity, request: Mapping[str, Any]) -> str:
    arguments = []
    if request["where"]:
        arguments.append(f"where: {literal(request['where'], model, entity)}")
    if request["groups"]:
        arguments.append(f"groupBy: [{', '.join(nested(path, 'VALUE') for path in request['groups'])}]")
    if request["size"] is not None:
        arguments.append(f"first: {request['size']}")
    parts = ["count"]
    if request["groups"]:
        parts.append("key { " + " ".join(_key(path) for path in request["groups"]) + " }")
    for function, names in request["measures"].items():
        parts.append(f"{function} {{ {' '.join(naming.camel(name) for name in names)} }}")
    given = f"({', '.join(arguments)})" if arguments else ""
    return f"{given} {{ {' '.join(parts)} }}"


def _key(path: tuple[str, ...]) -> str:
    *way, last = ".".join(path).split(".")
    leaf = naming.camel(last)
    for name in reversed(way):
        leaf = f"{naming.camel(name)} {{ {leaf} }}"
    return leaf


_ENUM_VALUES = {"lead", "active", "lost", "open", "won", "gone", "vip", "eu", "late", "EUR", "USD"}


def literal(value: Any, model: Model, entity: Entity) -> str:
    """A value in GraphQL's own form; enum values are told from texts by their words."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {literal(each, model, entity)}" for name, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(each, model, entity) for each in value) + "]"
    if isinstance(value, Decimal):
        return json.dumps(str(value))
    return value if value in _ENUM_VALUES else json.dumps(value)


def variable(value: Any) -> Any:
    """The same as JSON, to stand in variables."""
    return json.loads(json.dumps(value, default=str))
